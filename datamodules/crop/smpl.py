"""SMPL parameters of a person who is mirrored and rotated."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from body.skeleton import SMPL24
from datamodules.augment import Change
from datamodules.crop.transform import FLIP, in_plane_rotation
from datamodules.sample import Smpl

_FLIP_AXIS = np.array([1.0, -1.0, -1.0])  # a mirrored rotation keeps x and reverses y and z


class RestRoot:
    """Where the root joint of a body rests, as a linear function of its shape.

    An SMPL body rotates about its rest-pose root, so a rotation of the whole scene changes the translation as well.

    Args:
        origin: root of the mean shape.
        directions: how it moves with every shape coefficient.
        parts: number of joints that the body's pose rotates: 24, or 16 for a hand.
    """

    def __init__(
        self, origin: Float[np.ndarray, "3"], directions: Float[np.ndarray, "10 3"], parts: int = len(SMPL24)
    ) -> None:
        self._origin, self._directions, self.parts = origin, directions, parts

    def of(self, betas: Float[np.ndarray, "*rows 10"]) -> Float[np.ndarray, "*rows 3"]:
        """Rest position of the root joint of a shape, or of many, metres."""
        return self._origin + betas @ self._directions


def change_smpl(smpl: Smpl, change: Change, rest_root: Float[np.ndarray, "3"]) -> Smpl:
    """SMPL parameters of the mirrored and rotated person; exact for a body that is its own mirror image.

    Raises:
        ValueError: a hand is to be mirrored, which makes a left hand of it.
    """
    if change.flip and len(smpl.pose) != len(SMPL24):
        raise ValueError("a mirrored hand is another hand; set augmentation.flip_probability to 0")
    pose, root = smpl.pose.astype(np.float64), rest_root + smpl.transl
    if change.flip:
        pose = pose[list(SMPL24.mirror)] * _FLIP_AXIS
        root = root * FLIP
    if change.rotation:
        rotation = in_plane_rotation(change.rotation)
        orientation = rotation @ cv2.Rodrigues(pose[0])[0]
        pose = np.concatenate([cv2.Rodrigues(orientation)[0].T, pose[1:]])
        root = rotation @ root
    return Smpl(pose, smpl.betas, root - rest_root)


def smpl_labels(smpl: Smpl | None, change: Change, rest_root: RestRoot) -> dict[str, Tensor]:
    """Keys of a batch; zeros without a fit."""
    if smpl is None:
        zeros = {"pose": torch.zeros(rest_root.parts, 3), "betas": torch.zeros(10), "transl": torch.zeros(3)}
        return {**zeros, "smpl_valid": torch.tensor(False), "vertices_valid": torch.tensor(False)}
    changed = change_smpl(smpl, change, rest_root.of(smpl.betas.astype(np.float64)))
    values = {key: torch.from_numpy(getattr(changed, key)).float() for key in ("pose", "betas", "transl")}
    return {**values, "smpl_valid": torch.tensor(True), "vertices_valid": torch.tensor(True)}
