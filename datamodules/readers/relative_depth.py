"""Annotations that say which joint is nearer to the camera: FBI per bone, Ordinal per pair of joints.

Both come as files beside MPII or LSP and fill `depth_order` and `depth_order_valid` of a table.

FBI (forward or backward information; HEMlets, section 5): the authors have published neither file nor format, so this
is the zoo's own. A JSON list of objects, one per annotated person:

    {"image": "015601864.jpg", "person": 0, "labels": ["forward", "unknown", ...]}

`image` is the image's file name, `person` the position among the image's annotated people, and `labels` has
`forward`, `backward` or `unknown` for each of `FBI_PARTS`: whether the part points towards the camera, from parent to
child.

Ordinal (Pavlakos et al. 2018): `ordinal.mat` with `ord`, (N, J, J), in the joint order of the `joints.mat` beside it,
MPII's 16 or LSP's 14. ord[i, j] is 1 where joint i is nearer than j, -1 where it is farther, 0 where they are level.
That sign is the paper's r(i, j); it has not been verified on the file. Pairs that contradict themselves
(ord[i, j] != -ord[j, i]) or hold anything else count as not annotated.

Convention:
    depth_order[i, j] = -1 where joint i is nearer than j, 1 where it is farther, 0 where they are level.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool, Int, Int8

from body.mat_files import read_mat
from datamodules.annotations import Annotations
from datamodules.readers.coco_json import Entries, read_json

FBI_PARTS: tuple[tuple[str, str], ...] = (
    ("pelvis_mpii", "right_hip_mpii"),
    ("right_hip_mpii", "right_knee"),
    ("right_knee", "right_ankle"),
    ("pelvis_mpii", "left_hip_mpii"),
    ("left_hip_mpii", "left_knee"),
    ("left_knee", "left_ankle"),
    ("pelvis_mpii", "thorax_mpii"),
    ("neck_mpii", "head_top"),
    ("thorax_mpii", "right_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("thorax_mpii", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
)
"""(parent, child) of the 14 parts: MPII's bones but the short one from thorax to neck."""
_LABELS = {"forward": -1, "backward": 1, "unknown": 0}  # order of the child against its parent


def with_forward_backward(table: Annotations, path: Path) -> Annotations:
    """The table with FBI's labels; people of other images in the file are passed over.

    Raises:
        ValueError: the file is damaged, a label is not one of the three, or nobody in the file is in the table.
    """
    entries = Entries(read_json(path), str(path))
    labels = entries.values("labels")
    wrong = [label for row in labels for label in row if label not in _LABELS]
    if wrong or any(len(row) != len(FBI_PARTS) for row in labels):
        raise ValueError(f"{path}: labels are {len(FBI_PARTS)} of {', '.join(_LABELS)} per person, not {wrong[:3]}")
    people = zip(entries.texts("image"), entries.numbers("person", dtype=np.int64).tolist(), strict=True)
    rows_by_person = _rows_by_person(table)
    rows = np.array([rows_by_person.get((PurePosixPath(image).name, person), -1) for image, person in people], np.int64)
    if not (rows >= 0).any():
        raise ValueError(
            f"{path} has labels of {len(entries)} people, but of none in the table; is it of this data set?"
        )
    codes = np.array([[_LABELS[label] for label in row] for row in labels], np.int8)[rows >= 0]
    rows = rows[rows >= 0]
    joints = len(table.skeleton)
    order = np.zeros((len(table), joints, joints), np.int8)
    for part, (parent_name, child_name) in enumerate(FBI_PARTS):
        if {parent_name, child_name} <= set(table.skeleton.joints):
            parent, child = table.skeleton.index(parent_name), table.skeleton.index(child_name)
            order[rows, child, parent], order[rows, parent, child] = codes[:, part], -codes[:, part]
    return replace(table, depth_order=order, depth_order_valid=order != 0)


def with_ordinal(table: Annotations, path: Path, numbers: Int[np.ndarray, " rows"] | None = None) -> Annotations:
    """The table with the Ordinal data set's labels.

    Args:
        table: MPII's people of `mpii_upis1h`, or LSP.
        path: `ordinal.mat`.
        numbers: position in the file of each row of the table; the same order when omitted.

    Raises:
        ValueError: the file is damaged, or is of other joints or another number of people.
    """
    joints = len(table.skeleton)
    stored = np.asarray(read_mat(path, ["ord"])["ord"], np.float64)
    numbers = np.arange(len(stored)) if numbers is None else numbers
    if stored.shape[1:] != (joints, joints) or len(numbers) != len(table):
        raise ValueError(f"{path} is of {stored.shape}, which does not fit {len(table)} people with {joints} joints")
    if len(numbers) and numbers.max() >= len(stored):
        raise ValueError(f"{path} has {len(stored)} people, but person {numbers.max()} is needed")
    order, valid = read_pairs(stored[numbers])
    if table.joints_2d_valid is not None:
        valid &= table.joints_2d_valid[:, :, None] & table.joints_2d_valid[:, None]
    return replace(table, depth_order=order * valid, depth_order_valid=valid)


def read_pairs(
    stored: np.ndarray,
) -> tuple[Int8[np.ndarray, "rows joints joints"], Bool[np.ndarray, "rows joints joints"]]:
    """Depth order from the Ordinal data set's matrices, and which pairs it is known of."""
    joints = stored.shape[1]
    known = np.isin(stored, (-1, 0, 1)) & (stored == -stored.transpose(0, 2, 1)) & ~np.eye(joints, dtype=bool)
    return -np.where(known, stored, 0).astype(np.int8), known


def _rows_by_person(table: Annotations) -> dict[tuple[str, int], int]:
    """Row of (file name, position among the image's people)."""
    seen: dict[str, int] = defaultdict(int)
    rows: dict[tuple[str, int], int] = {}
    for row in range(len(table)):
        name = PurePosixPath(table.images[row]).name
        rows[name, seen[name]] = row
        seen[name] += 1
    return rows
