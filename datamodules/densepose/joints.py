"""SMPL's joints guessed from COCO's, which DaNet centres its part windows on on DensePose-COCO."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from body.skeleton import COCO17, SMPL29
from datamodules.annotations import Annotations

_FROM_COCO = np.array(COCO17.positions_of(SMPL29))
_GUESSES: tuple[tuple[str, tuple[str, str]], ...] = (
    ("pelvis", ("left_hip", "right_hip")),
    ("neck", ("left_shoulder", "right_shoulder")),
    ("head", ("neck", "nose")),
    ("spine2", ("pelvis", "neck")),
    ("spine3", ("pelvis", "neck")),
    ("spine1", ("pelvis", "spine2")),
    ("left_collar", ("spine3", "left_shoulder")),
    ("right_collar", ("spine3", "right_shoulder")),
    *((f"{side}_foot", (f"{side}_ankle",) * 2) for side in ("left", "right")),
    *((f"{side}_hand", (f"{side}_wrist",) * 2) for side in ("left", "right")),
)
"""Joint, and the two joints that it is taken to be in the middle of, in an order in which those are known."""


def in_smpl29(
    pixels: Float[np.ndarray, "rows 17 2"], valid: Bool[np.ndarray, "rows 17"]
) -> tuple[Float[np.ndarray, "rows 29 2"], Bool[np.ndarray, "rows 29"]]:
    """COCO's joints by name; the others are not valid."""
    known = valid[:, _FROM_COCO] & (_FROM_COCO >= 0)
    return np.where(known[..., None], pixels[:, _FROM_COCO], 0.0), known


def guess_smpl_joints(table: Annotations) -> Annotations:
    """The joints of SMPL that COCO does not have, halfway between joints that it has.

    Feet and hands are where ankles and wrists are. A guess is valid where both of its joints are.

    Raises:
        ValueError: the joints are not pixels in `smpl29`.
    """
    if table.skeleton != SMPL29 or table.joints_2d is None or table.joints_2d_valid is None:
        raise ValueError(f"joints are guessed from pixels in smpl29, not in {table.skeleton.name}")
    pixels, valid = table.joints_2d.copy(), table.joints_2d_valid.copy()
    for joint, sources in _GUESSES:
        own, pair = SMPL29.index(joint), [SMPL29.index(source) for source in sources]
        valid[:, own] = valid[:, pair].all(1)
        pixels[:, own] = pixels[:, pair].mean(1) * valid[:, own, None]
    return replace(table, joints_2d=pixels, joints_2d_valid=valid)
