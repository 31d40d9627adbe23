"""Files of people's motions, for videos and other sequences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from zoo.errors import ZooError
from zoo.prediction.export.bvh import bvh_text
from zoo.prediction.export.files import write_files
from zoo.prediction.export.motion import Motion
from zoo.prediction.export.parameters import Camera, npz_bytes
from zoo.prediction.export.rig import rig_bytes

SequenceFormat = Literal["rig", "bvh", "npz"]


def sequence_files(
    people: Sequence[Motion],
    stem: str,
    formats: Collection[SequenceFormat],
    model: str,
    camera: Camera | None = None,
) -> dict[str, bytes]:
    """Contents of the files by their names.

    `STEM_rig.glb` holds everybody, with one animation; `STEM.bvh` and `STEM.npz` one person: for several there are
    `STEM_person0.bvh`, ..., as the motions are named.

    Args:
        people: one motion each, of one body.
        stem: first part of the names.
        formats: which of the files.
        model: name of the weights, recorded in the files.
        camera: recorded in `.npz`.

    Raises:
        ZooError: nobody, two people of one name, or bodies differ.
    """
    if not people or len({motion.name for motion in people}) < len(people):
        raise ZooError("a sequence has at least one person, and every person has a name of its own")
    contents = {f"{stem}_rig.glb": rig_bytes(people, model)} if "rig" in formats else {}
    for motion in people:
        name = stem if len(people) == 1 else f"{stem}_{motion.name}"
        if "bvh" in formats:
            contents[f"{name}.bvh"] = bvh_text(motion).encode()
        if "npz" in formats:
            contents[f"{name}.npz"] = npz_bytes(motion, model, camera)
    return contents


def write_sequence(
    people: Sequence[Motion],
    folder: Path,
    stem: str,
    formats: Collection[SequenceFormat],
    model: str,
    camera: Camera | None = None,
) -> list[Path]:
    """Write `sequence_files` into a folder, all or none; gives their paths.

    Raises:
        ZooError: see `sequence_files`; or the folder cannot be written.
    """
    return write_files(sequence_files(people, stem, formats, model, camera), folder)
