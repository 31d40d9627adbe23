"""Labels of a batch of samples as their crops show them; `datamodules.crop`'s, for many at once on a device."""

from __future__ import annotations

import numpy as np
import roma
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from body.camera import apply_affine, project
from body.parts import swap_table
from body.skeleton import OPEN36, SMPL24, Skeleton
from datamodules.open_v2.augment.draw import Changes, constant

LEVEL = 0.05
"""Metres within which two joints count as equally far away, as in `datamodules.crop.joints`."""


def _turns(changes: Changes) -> Float[Tensor, "batch 3 3"]:
    cos, sin = torch.cos(changes.rotation), torch.sin(changes.rotation)
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], -1).view(-1, 3, 3)


def _signs(flip: Bool[Tensor, " batch"], flipped: tuple[float, float, float]) -> Float[Tensor, "batch 1 3"]:
    mirrored = constant(flipped, flip.device).double()
    return torch.where(flip[:, None, None], mirrored, torch.ones_like(mirrored))


class JointLabels:
    """Joints in the skeleton of a training and in that of a protocol.

    Args:
        skeletons: prefix of the batch's keys -> skeleton, and joints that may stand for others (see
            `Skeleton.positions_of`).
        device: of the batches.
    """

    def __init__(self, skeletons: dict[str, tuple[Skeleton, dict[str, str]]], device: torch.device) -> None:
        self._root = skeletons["joints"][0].root_index
        self._positions = {name: _positions(*wanted, device) for name, wanted in skeletons.items()}

    def __call__(
        self,
        joints: Float[Tensor, "batch joints 3"],
        changes: Changes,
        intrinsics: Float[Tensor, "batch 3 3"],
        crop_affine: Float[Tensor, "batch 2 3"],
    ) -> dict[str, Tensor]:
        """Keys of a batch that say where the joints are, and which is nearer.

        Args:
            joints: in `OPEN36`, camera frame of the picture as it was rendered.
            changes: of each sample.
            intrinsics: after the changes.
            crop_affine: see `Batch`.
        """
        moved = (joints.double() * _signs(changes.flip, (-1.0, 1.0, 1.0))) @ _turns(changes).mT
        pixels = apply_affine(project(moved, intrinsics), crop_affine)
        before_camera = moved[..., 2] > 0
        labels: dict[str, Tensor] = {}
        for name, positions in self._positions.items():
            wanted = torch.where(changes.flip[:, None], positions[1], positions[0])
            found, wanted = wanted >= 0, wanted.clamp(min=0)
            at = wanted[..., None]
            seen = found & before_camera.gather(1, wanted)
            points = moved.gather(1, at.expand(-1, -1, 3)) * found[..., None]
            labels[name] = points.float()
            labels[f"{name}_valid"] = found
            labels[f"{name}_2d"] = torch.where(seen[..., None], pixels.gather(1, at.expand(-1, -1, 2)), 0.0).float()
            labels[f"{name}_2d_valid"] = seen
        depth, valid = labels["joints"][..., 2], labels["joints_valid"]
        behind, both = depth[:, :, None] - depth[:, None], valid[:, :, None] & valid[:, None]
        labels["depth_order"] = (torch.sign(behind) * (behind.abs() > LEVEL) * both).long()
        labels["depth_order_valid"] = both
        root = depth[:, self._root]
        labels |= {"root_depth": root, "root_depth_valid": valid[:, self._root]}
        none = torch.zeros_like(root)
        return labels | {"estimated_root_depth": none, "estimated_root_depth_valid": none.bool()}


def _positions(skeleton: Skeleton, aliases: dict[str, str], device: torch.device) -> Int[Tensor, "2 joints"]:
    """Where the joints of a skeleton are in `OPEN36`; then, where those of the other side are."""
    found = OPEN36.positions_of(skeleton, aliases)
    return torch.tensor([found, [found[j] for j in skeleton.mirror]], device=device)


class BodyLabels:
    """SMPL parameters of mirrored and turned people (`datamodules.crop.smpl`).

    Args:
        origin: where the root joint of the mean body rests.
        directions: how it moves with the shape.
        device: of the batches.
    """

    def __init__(
        self, origin: Float[np.ndarray, "3"], directions: Float[np.ndarray, "10 3"], device: torch.device
    ) -> None:
        self._origin, self._directions = (torch.from_numpy(a).to(device) for a in (origin, directions))
        self._mirror = torch.tensor(SMPL24.mirror, device=device)

    def __call__(
        self,
        pose: Float[Tensor, "batch 24 3"],
        betas: Float[Tensor, "batch 10"],
        transl: Float[Tensor, "batch 3"],
        changes: Changes,
    ) -> dict[str, Tensor]:
        """`pose`, `betas` and `transl` of a batch."""
        rest = self._origin + betas.double() @ self._directions
        root, turns = rest + transl.double(), _turns(changes)
        pose = torch.where(changes.flip[:, None, None], pose[:, self._mirror], pose).double()
        pose = pose * _signs(changes.flip, (1.0, -1.0, -1.0))
        root = (turns @ (root * _signs(changes.flip, (-1.0, 1.0, 1.0))[:, 0])[..., None])[..., 0]
        # by quaternions: roma's way from matrices waits for the device
        about_z = functional.pad(changes.rotation[:, None], (2, 0))
        turned = roma.quat_product(roma.rotvec_to_unitquat(about_z), roma.rotvec_to_unitquat(pose[:, 0]))
        orientation = roma.unitquat_to_rotvec(turned)
        pose = torch.cat([orientation[:, None], pose[:, 1:]], 1)
        return {"pose": pose.float(), "betas": betas, "transl": (root - rest).float()}


class SurfaceLabels:
    """Part and chart coordinates of mirrored pixels (`datamodules.crop.surface.mirror_iuv`).

    Args:
        device: of the batches.
    """

    def __init__(self, device: torch.device) -> None:
        self._swap = torch.from_numpy(swap_table(24)).to(device)
        middle = [False, *(SMPL24.mirror[joint] == joint for joint in range(24))]
        self._middle = torch.tensor(middle, device=device)

    def __call__(
        self, iuv: UInt8[Tensor, "batch 3 size size"], flip: Bool[Tensor, " batch"]
    ) -> UInt8[Tensor, "batch 3 size size"]:
        """Labels whose pixels were mirrored already where `flip` says so."""
        part, u, v = iuv.unbind(1)
        index, flipped = part.int(), flip[:, None, None]
        u = torch.where(flipped & self._middle[index], 255 - u, u)
        return torch.stack([torch.where(flipped, self._swap[index], part), u, v], 1)
