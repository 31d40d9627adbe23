"""SPIN's files of MPI-INF-3DHP."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from body.model import BodyModel
from body.skeleton import SPIN24_MPI
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn
from datamodules.files import require
from datamodules.readers.fits import with_spin_fits
from datamodules.readers.spin import read_spin

FILES = {"train": ("mpi_inf_3dhp_train.npz",), "test": ("mpi_inf_3dhp_valid.npz", "mpi_inf_3dhp_test.npz")}
"""SPIN's own converter writes the test set under the second name, its evaluation reads it under the first."""

_TRAIN = re.compile(r"(?:.*/)?(S\d)/(Seq\d)/imageFrames/video_(\d+)/frame_(\d+)\.jpg")
_TEST = re.compile(r"(?:.*/)?()(TS\d)/imageSequence/()img_(\d+)\.jpg")


def read_spin_split(root: Path, split: str, fits: str | None, body: BodyModel, how_to_get: str) -> Annotations:
    """The labels of `train` or `test`, joints in `spin24_mpi`; what each row is called is in its image's name.

    Args:
        root: folder of the benchmark.
        split: which file.
        fits: file of SPIN's fits to attach to the training split, relative to the root.
        body: whose parameters the file's and the fits' are.
        how_to_get: for the message when a file is missing.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged, or a image has a name that is not one of the benchmark.
    """
    names = [folder + name for name in FILES[split] for folder in ("", "dataset_extras/")]
    path = require(root, names, how_to_get)
    table = read_spin(path, root, SPIN24_MPI, body=body)
    matches = [(_TRAIN if split == "train" else _TEST).fullmatch(table.images[row]) for row in range(len(table))]
    unknown = next((row for row, match in enumerate(matches) if match is None), None)
    if unknown is not None:
        raise ValueError(f"{path}: {table.images[unknown]!r} is no image of MPI-INF-3DHP's {split} split")
    words = np.array([match.groups() for match in matches if match], dtype=str).reshape(-1, 4)
    subject, sequence, camera, frame = words.T
    if split == "train":
        sequence = np.char.add(np.char.add(subject, "/"), sequence)
    table = replace(
        table,
        subjects=CategoricalColumn.of(subject.tolist()),
        sequences=CategoricalColumn.of(sequence.tolist()),
        cameras=CategoricalColumn.of(camera.tolist()),
        frames=frame.astype(np.int64),
    )
    return with_spin_fits(table, require(root, [fits], how_to_get), body) if fits and split == "train" else table
