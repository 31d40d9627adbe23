"""Human3.6M as its authors distribute it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from body.extras import import_extra
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.files import require
from datamodules.human36m.boxes import read_boxes
from datamodules.human36m.metadata import Metadata, read_metadata
from datamodules.human36m.names import Selection, action_of, image_name, spellings, video_name
from datamodules.human36m.table import every, sequence_table
from datamodules.readers.boxes import boxes_of_points
from datamodules.readers.world import to_camera, to_pixels

_JOINTS = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]  # of 32; the others repeat or are never used
METADATA = ("metadata.xml", "Release-v1.2/metadata.xml", "code-v1.2/metadata.xml")


def read_raw(root: Path, selection: Selection, boxes: str, how_to_get: str) -> Annotations:
    """Every frame of a selection.

    Args:
        root: folder with `S1`, `S5`, ... and `metadata.xml`.
        selection: which frames.
        boxes: `masks` for the authors' boxes, `joints` for boxes around the projected joints.
        how_to_get: where the data are, for errors.

    Raises:
        FileNotFoundError: a sequence of the selection is not there.
        ValueError: a file is damaged.
    """
    metadata = read_metadata(require(root, METADATA, how_to_get))
    tables = [_sequence(root, metadata, one, selection.step, boxes, how_to_get) for one in selection.sequences()]
    return Annotations.join(tables)


def _sequence(
    root: Path, metadata: Metadata, one: tuple[int, int, int, str], step: int, boxes: str, how_to_get: str
) -> Annotations:
    subject, action, trial, camera = one
    name = metadata.names[subject, action, trial]
    calibration = metadata.camera(subject, camera)
    own, shared = f"S{subject}/MyPoseFeatures/D3_Positions_mono", f"S{subject}/MyPoseFeatures/D3_Positions"
    in_camera = [f"{own}/{spelling}.{camera}.cdf" for spelling in spellings(name)]
    in_world = [f"{shared}/{spelling}.cdf" for spelling in spellings(name)]
    path = require(root, [*in_camera, *in_world], how_to_get)
    joints = read_positions(path)
    frames = np.flatnonzero(every(np.arange(len(joints)), step))
    joints = joints[frames]
    if path.parent.name == "D3_Positions":
        joints = to_camera(joints, calibration.rotation, calibration.translation)
    if boxes == "joints":
        pixels = to_pixels(joints, calibration.intrinsics)
        found = boxes_of_points(pixels, np.ones(pixels.shape[:2], bool))
    else:
        folder = root / f"S{subject}/MySegmentsMat/ground_truth_bb"
        masks = [folder / f"{spelling}.{camera}.mat" for spelling in spellings(name)]
        stored = root / f"boxes/{video_name(subject, name, camera)}.npy"
        found = read_boxes(stored, next((mask for mask in masks if mask.is_file()), masks[0]), frames)
    return sequence_table(
        StringColumn.of([image_name(subject, name, camera, int(frame)) for frame in frames]),
        joints,
        found,
        np.broadcast_to(calibration.intrinsics, (len(frames), 4)),
        frames,
        (f"S{subject}", action_of(name), spellings(name)[0], camera),
    )


def read_positions(path: Path) -> Float[np.ndarray, "frames 17 3"]:
    """The 17 joints of every frame of a `.cdf` file, metres, in the file's frame.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        values = np.asarray(import_extra("cdflib", "data").CDF(path).varget("Pose"), np.float64)
        return values.reshape(-1, 32, 3)[:, _JOINTS] / 1000
    except (OSError, ValueError, KeyError, IndexError, struct.error, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}); unpack the benchmark's poses again") from None
