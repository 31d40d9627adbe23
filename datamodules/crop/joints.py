"""Joints of a sample as the crop shows them, in the joint sets of the batch and of the protocol."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from body.skeleton import Skeleton, get_skeleton
from datamodules.aliases import JointRule, same_joints
from datamodules.augment import Change
from datamodules.crop.transform import FLIP, in_plane_rotation
from datamodules.sample import RawSample
from datamodules.settings import CropSettings
from metrics.protocols import Protocol

_LEVEL = 0.05  # metres within which two joints count as equally far away


class _Points(NamedTuple):
    """A sample's joints in its own skeleton, as the crop shows them; sides are not swapped yet."""

    points: Float[np.ndarray, "joints 3"]
    valid: Bool[np.ndarray, " joints"]
    pixels: Float[np.ndarray, "joints 2"]
    pixels_valid: Bool[np.ndarray, " joints"]

    def pick(self, positions: Int[np.ndarray, " target"]) -> _Points:
        """Joints of another skeleton by their positions here; zeros where one is -1."""
        found = positions >= 0
        valid, pixels_valid = self.valid[positions] & found, self.pixels_valid[positions] & found
        points, pixels = self.points[positions] * valid[:, None], self.pixels[positions] * pixels_valid[:, None]
        return _Points(points, valid, pixels, pixels_valid)

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Keys of a batch, which begin with a name."""
        return {
            name: torch.from_numpy(self.points).float(),
            f"{name}_valid": torch.from_numpy(self.valid),
            f"{name}_2d": torch.from_numpy(self.pixels).float(),
            f"{name}_2d_valid": torch.from_numpy(self.pixels_valid),
        }


def _moved(sample: RawSample, change: Change, affine: Float[np.ndarray, "2 3"]) -> _Points:
    pixels, pixels_valid = sample.joints_2d, sample.joints_2d_valid
    if pixels is None or pixels_valid is None:
        pixels_valid = sample.joints_valid & (sample.joints[:, 2] > 0)
        homogeneous = sample.joints @ sample.intrinsics.T
        pixels = homogeneous[:, :2] / np.where(pixels_valid, homogeneous[:, 2], 1)[:, None]
    points = sample.joints.astype(np.float64) * (FLIP if change.flip else 1.0)
    points = points @ in_plane_rotation(change.rotation).T
    return _Points(points, sample.joints_valid, pixels @ affine[:, :2].T + affine[:, 2], pixels_valid)


def joint_labels(
    sample: RawSample,
    settings: CropSettings,
    scored: Protocol | None,
    change: Change,
    affine: Float[np.ndarray, "2 3"],
) -> dict[str, Tensor]:
    """Keys of a batch that say where the joints are, and which is nearer."""
    moved, wanted = _moved(sample, change, affine), get_skeleton(settings.skeleton)
    positions = _positions(sample.skeleton, wanted, settings.same_joints, change.flip)
    exact = _scored_positions(sample.skeleton, scored, change.flip) if scored else positions
    joints, root, estimate = moved.pick(positions), wanted.root_index, sample.estimated_root_depth
    return {
        **joints.tensors("joints"),
        **moved.pick(exact).tensors("scored_joints"),
        **_depth_order(sample, joints.points[:, 2], joints.valid, positions),
        "root_depth": torch.tensor(joints.points[root, 2], dtype=torch.float32),
        "root_depth_valid": torch.tensor(bool(joints.valid[root]) and sample.absolute),
        "estimated_root_depth": torch.tensor(estimate or 0.0, dtype=torch.float32),
        "estimated_root_depth_valid": torch.tensor(estimate is not None),
    }


def _depth_order(
    sample: RawSample, depth: Float[np.ndarray, " joints"], valid: Bool[np.ndarray, " joints"], positions: Any
) -> dict[str, Tensor]:
    """Which joint is nearer: from 3D joints where both are valid, else as annotated; rotation and flip keep it."""
    behind = depth[:, None] - depth[None]
    order, known = np.sign(behind) * (np.abs(behind) > _LEVEL), valid[:, None] & valid[None]
    if sample.depth_order is not None and sample.depth_order_valid is not None:
        pairs = np.ix_(positions, positions)
        found = (positions >= 0)[:, None] & (positions >= 0)[None]
        order = np.where(known, order, sample.depth_order[pairs])
        known = known | (sample.depth_order_valid[pairs] & found)
    return {
        "depth_order": torch.from_numpy((order * known).astype(np.int64)),
        "depth_order_valid": torch.from_numpy(known),
    }


@cache
def _positions(source: Skeleton, target: Skeleton, rule: JointRule | None, flip: bool) -> Int[np.ndarray, " target"]:
    """Where the joints of `target` are; of a mirrored person, where those of the other side are."""
    positions = np.array(source.positions_of(target, same_joints(rule, source, target)))
    return positions[list(target.mirror)] if flip else positions


@cache
def _scored_positions(source: Skeleton, protocol: Protocol, flip: bool) -> Int[np.ndarray, " target"]:
    target = get_skeleton(protocol.skeleton)
    positions = np.array(source.positions_of(target, protocol.aliases_of(source)))
    return positions[list(target.mirror)] if flip else positions
