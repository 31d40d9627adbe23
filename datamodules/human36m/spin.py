"""Human3.6M in SPIN's arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from body.model import BodyModel
from body.skeleton import SPIN24_H36M
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn
from datamodules.files import require
from datamodules.human36m.names import Selection, action_of, parse_image_name
from datamodules.human36m.table import every
from datamodules.readers.spin import read_spin

_TRAIN = "h36m_mosh_train.npz"
_TESTS = {
    "h36m-p1-14j-mesh": "h36m_valid_protocol1.npz",
    "h36m-p2-14j-mesh": "h36m_valid_protocol2.npz",
    "h36m-s8-24j": _TRAIN,
}


def read_spin_split(
    root: Path, selection: Selection, split: str, protocol: str, body: BodyModel, how_to_get: str
) -> Annotations:
    """The rows of SPIN's file that a split takes.

    Images are named `S9_Directions_1.60457274_000001.jpg`, counted from 1. SPIN's own extraction saved each video's
    frames one too late; images of `zoo data prepare human36m` are the ones that the poses belong to.

    Args:
        root: folder with the files, or with `dataset_extras` that has them.
        selection: which rows.
        split: `train` or another.
        protocol: decides the file of the test split.
        body: whose SMPL parameters they are.
        how_to_get: where the data are, for errors.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or SPIN has none for the protocol.
    """
    if split != "train" and protocol not in _TESTS:
        raise ValueError(
            f"SPIN's files have the test sets of {', '.join(_TESTS)}, not of {protocol}; use another layout"
        )
    if selection.drop_shifted:
        raise ValueError("SPIN's files do not number trials, so drop_shifted needs layout raw or 3dmppe")
    name = _TRAIN if split == "train" else _TESTS[protocol]
    path = require(root, [name, f"dataset_extras/{name}"], how_to_get)
    table = read_spin(path, root, SPIN24_H36M, body=body)
    shown = [parse_image_name(table.images[row]) for row in range(len(table))]
    subjects, frames = (np.array([one[field] for one in shown], np.int32) for field in (0, 3))
    cameras = CategoricalColumn.of([camera for _, _, camera, _ in shown])
    table = replace(
        table,
        frames=frames,
        subjects=CategoricalColumn.of([f"S{subject}" for subject in subjects]),
        actions=CategoricalColumn.of([action_of(sequence) for _, sequence, _, _ in shown]),
        sequences=CategoricalColumn.of([sequence for _, sequence, _, _ in shown]),
        cameras=cameras,
    )
    kept = np.isin(subjects, selection.subjects) & every(frames, selection.step)
    kept &= np.isin(cameras.codes, [code for code, camera in enumerate(cameras.names) if camera in selection.cameras])
    if selection.fitted and table.smpl_valid is not None:
        kept &= table.smpl_valid
    return table.take(kept)
