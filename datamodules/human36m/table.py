"""What all layouts of Human3.6M have in common: from 17 joints per row to a table."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from body.skeleton import H36M17, H36M18
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn

_SHOULDERS = [H36M17.index("left_shoulder"), H36M17.index("right_shoulder")]


def with_thorax(
    joints: Float[np.ndarray, "*rows 17 dims"],
) -> Float[np.ndarray, "*rows 18 dims"]:
    """`h36m18` from `h36m17`: the thorax is the midpoint of the shoulders."""
    return np.concatenate([joints, joints[..., _SHOULDERS, :].mean(-2, keepdims=True)], -2)


def sequence_table(
    images: StringColumn,
    joints: Float[np.ndarray, "rows 17 3"],
    boxes: Float[np.ndarray, "rows 4"],
    intrinsics: Float[np.ndarray, "rows 4"],
    frames: Int[np.ndarray, " rows"],
    names: tuple[str, str, str, str],
) -> Annotations:
    """The table of one sequence of one camera.

    Args:
        images: files.
        joints: camera frame, metres.
        boxes: (x, y, width, height), pixels.
        intrinsics: (fx, fy, cx, cy).
        frames: counted from 0.
        names: subject, action, sequence, camera.
    """
    rows = len(frames)
    subject, action, sequence, camera = (CategoricalColumn.constant(name, rows) for name in names)
    return Annotations(
        skeleton=H36M18,
        images=images,
        intrinsics=intrinsics.astype(np.float32),
        boxes=boxes.astype(np.float32),
        joints=with_thorax(joints).astype(np.float32),
        joints_valid=np.ones((rows, len(H36M18)), bool),
        frames=frames.astype(np.int32),
        subjects=subject,
        actions=action,
        sequences=sequence,
        cameras=camera,
    )


def every(frames: Int[np.ndarray, " rows"], step: int) -> Bool[np.ndarray, " rows"]:
    """Which frames a frame rule takes: those whose number, counted from 0, is a multiple of `step`."""
    return frames % step == 0
