"""The test set: six sequences, two with green screen, two without, two outdoors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from body.mat_files import read_hdf5
from body.skeleton import MPI_INF_3DHP17
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import require
from datamodules.images import read_image
from datamodules.readers.boxes import boxes_of_points
from datamodules.readers.pinhole import fit_pinhole

FOLDER = "mpi_inf_3dhp_test_set"
SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
ACTIVITIES = (
    "Standing/Walking",
    "Exercising",
    "Sitting",
    "Reaching/Crouching",
    "On the floor",
    "Sports",
    "Misc.",
)
"""Meaning of `activity_annotation`, which counts from 1."""

_NAMES = ("annot2", "annot3", "univ_annot3", "valid_frame", "activity_annotation")


def read_test(root: Path, drop_outside: bool, how_to_get: str) -> Annotations:
    """The labels of the valid frames.

    Args:
        root: folder with `mpi_inf_3dhp_test_set`.
        drop_outside: leave out frames with a joint outside the image (SPIN).
        how_to_get: for the message when a file is missing.

    Raises:
        FileNotFoundError: a sequence is not there.
        ValueError: a file is damaged.
    """
    return Annotations.join([_sequence(root, name, drop_outside, how_to_get) for name in SEQUENCES])


def _sequence(root: Path, name: str, drop_outside: bool, how_to_get: str) -> Annotations:
    path = require(root, [f"{FOLDER}/{name}/annot_data.mat"], how_to_get)
    content = read_hdf5(path, _NAMES)
    valid = content["valid_frame"].reshape(-1) > 0
    shapes = {"annot2": (1, 17, 2), "annot3": (1, 17, 3), "univ_annot3": (1, 17, 3)}
    wrong = [key for key, shape in shapes.items() if content[key].shape != (len(valid), *shape)]
    activity = content["activity_annotation"].reshape(-1)
    if wrong or len(activity) != len(valid):
        raise ValueError(f"{path}: {', '.join(wrong) or 'activity_annotation'} does not fit {len(valid)} frames")
    pixels, measured, scaled = (content[key][:, 0].astype(np.float64) for key in shapes)
    frames = np.flatnonzero(valid)
    if drop_outside and len(frames):
        height, width = read_image(root / _image(name, int(frames[0]))).shape[:2]
        inside = (pixels[frames] >= 0) & (pixels[frames] < (width, height))
        frames = frames[inside.all((1, 2))]
    codes = activity[frames].astype(int)
    if len(codes) and not (codes.min() >= 1 and codes.max() <= len(ACTIVITIES)):
        raise ValueError(f"{path}: activities are 1 to {len(ACTIVITIES)}, not {codes.min()} to {codes.max()}")
    everywhere = np.ones((len(frames), len(MPI_INF_3DHP17)), bool)
    camera = fit_pinhole(measured[valid].reshape(-1, 3), pixels[valid].reshape(-1, 2)) if valid.any() else np.ones(4)
    return Annotations(
        skeleton=MPI_INF_3DHP17,
        images=StringColumn.of([_image(name, int(frame)) for frame in frames]),
        intrinsics=np.tile(camera, (len(frames), 1)),
        boxes=boxes_of_points(pixels[frames], everywhere),
        joints=(scaled[frames] / 1000).astype(np.float32),
        joints_valid=everywhere,
        joints_2d=pixels[frames].astype(np.float32),
        joints_2d_valid=everywhere,
        frames=frames + 1,
        sequences=CategoricalColumn.constant(name, len(frames)),
        actions=CategoricalColumn(codes.astype(np.int32) - 1, ACTIVITIES),
    )


def _image(sequence: str, frame: int) -> str:
    """Image of a frame, counted from 0 here and from 1 in the name."""
    return f"{FOLDER}/{sequence}/imageSequence/img_{frame + 1:06d}.jpg"
