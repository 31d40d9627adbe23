"""Labels that mean nothing (NaN, infinity, empty boxes) become invalid labels, with a count."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from datamodules.annotations import Annotations
from datamodules.readers.boxes import boxes_of_points
from datamodules.readers.numbers import is_number
from datamodules.readers.world import to_pixels


def repair(table: Annotations, where: str, train: bool) -> Annotations:
    """The table without labels that are no numbers; a warning counts what was made invalid.

    Joints and SMPL parameters with such a number are marked as not annotated. A box that is empty or no box is drawn
    anew around the joints. People without box or camera are left out of a training split.

    Args:
        table: labels of a split.
        where: benchmark and split, for messages.
        train: whether people may be left out; a split to evaluate on must stay whole.

    Raises:
        ValueError: somebody in a split to evaluate on has neither a box nor joints to draw one around, or no camera.
    """
    changes: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for labels, mask in (("joints", "joints_valid"), ("joints_2d", "joints_2d_valid")):
        values, valid = getattr(table, labels), getattr(table, mask)
        if values is not None and (bad := np.asarray(~is_number(values).all(-1))).any():
            changes |= {labels: np.where(bad[..., None], 0, values), mask: valid & ~bad}
            counts[f"{labels} that are no numbers"] = int((bad & valid).sum())
    changes |= _repair_fits(table, counts)
    if table.root_depths is not None:
        changes["root_depths"] = np.where(is_number(table.root_depths), table.root_depths, np.nan)
    table = replace(table, **changes)
    usable = is_number(table.intrinsics).all(1)
    boxes, boxed = _repair_boxes(table, counts)
    table = replace(table, boxes=boxes)
    usable &= boxed
    counts |= {"people without box or camera": int((~usable).sum())}
    _report({what: count for what, count in counts.items() if count}, where)
    if usable.all():
        return table
    if not train:
        row = int(np.argmin(usable))
        raise ValueError(
            f"{where}: {(~usable).sum()} people have no usable box or camera, the first in {table.images[row]} "
            f"(row {row}); copy or download the annotations again"
        )
    return table.take(usable)


def _repair_fits(table: Annotations, counts: dict[str, int]) -> dict[str, Any]:
    if table.pose is None or table.smpl_valid is None:
        return {}
    columns = {name: getattr(table, name) for name in ("pose", "betas", "transl") if getattr(table, name) is not None}
    bad = ~np.all([is_number(v).all(axis=tuple(range(1, v.ndim))) for v in columns.values()], axis=0)
    if not bad.any():
        return {}
    counts["SMPL parameters that are no numbers"] = int((bad & table.smpl_valid).sum())
    zeroed = {name: np.where(bad.reshape(-1, *[1] * (values.ndim - 1)), 0, values) for name, values in columns.items()}
    return zeroed | {"smpl_valid": table.smpl_valid & ~bad}


def _repair_boxes(
    table: Annotations, counts: dict[str, int]
) -> tuple[Float[np.ndarray, "rows 4"], Bool[np.ndarray, " rows"]]:
    """Boxes, those that were none drawn around the joints, and which rows have one."""
    boxed = np.asarray(is_number(table.boxes).all(1) & (table.boxes[:, 2:] > 0).all(1))
    if boxed.all():
        return table.boxes, boxed
    rows = np.flatnonzero(~boxed)
    drawn = np.zeros((len(rows), 4))
    if table.joints_2d is not None and table.joints_2d_valid is not None:
        drawn = boxes_of_points(table.joints_2d[rows].astype(np.float64), table.joints_2d_valid[rows])
    elif table.joints is not None and table.joints_valid is not None:
        joints = table.joints[rows].astype(np.float64)
        valid = table.joints_valid[rows] & (joints[..., 2] > 0)
        joints[~valid] = 1
        drawn = boxes_of_points(to_pixels(joints, table.intrinsics[rows].astype(np.float64)), valid)
    found = np.asarray(is_number(drawn).all(1) & (drawn[:, 2:] > 0).all(1))
    counts["empty boxes, drawn anew around the joints"] = int(found.sum())
    boxes = table.boxes.copy()
    boxes[rows], boxed = np.where(found[:, None], drawn, 0), boxed.copy()
    boxed[rows] = found
    return boxes, boxed


def _report(counts: dict[str, int], where: str) -> None:
    if counts:
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        warnings.warn(f"{where}: {told}: treated as not annotated", stacklevel=4)
