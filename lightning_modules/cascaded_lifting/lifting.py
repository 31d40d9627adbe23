"""From 2.5D to 3D: the residual network, the scale of its answers, and what it may know of the camera."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from body.camera import apply_affine, backproject, invert_affine
from lightning_modules.common.precision import full_precision

CAMERA_NUMBERS = 4
_CAMERA_SCALE = 4.0  # spreads the numbers about as widely as the coordinates beside them


class _Layer(nn.Sequential):
    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__(
            nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(dropout)
        )


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(_Layer(width, width, dropout), _Layer(width, width, dropout))

    def forward(self, hidden: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        return hidden + self.layers(hidden)


class LiftingNet(nn.Module):
    """The 3D lifting block: a fully connected layer, residual blocks of two, and a linear one (after Martinez et al.).

    Args:
        joints: N.
        width: of the hidden layers; 1024 in the paper.
        blocks: 5 in the paper.
        dropout: share of hidden values dropped in training.
        extra: further numbers that go in beside the joints; its answers then correct a first guess, and start near
            zero.
    """

    def __init__(self, joints: int, width: int = 1024, blocks: int = 5, dropout: float = 0.5, extra: int = 0) -> None:
        super().__init__()
        self.first = _Layer(3 * joints + extra, width, dropout)
        self.blocks = nn.Sequential(*(_Block(width, dropout) for _ in range(blocks)))
        self.last = nn.Linear(width, 3 * joints)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(self.last.bias)
        if extra:
            nn.init.normal_(self.last.weight, std=1e-3)

    def forward(self, seen: Float[Tensor, "batch numbers"]) -> Float[Tensor, "batch joints 3"]:
        """Standardised 3D joints from 2.5D joints (and a camera) in a row."""
        return self.last(self.blocks(self.first(seen))).unflatten(1, (-1, 3))


class PoseStatistics(nn.Module):
    """Mean and spread of the root-relative joints of a training set, gathered while the first stage trains.

    Args:
        joints: N.
    """

    seen: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(joints, dtype=torch.long))
        self.register_buffer("mean", torch.zeros(joints, 3))
        self.register_buffer("variance", torch.zeros(joints, 3))

    @torch.no_grad()
    def add(self, points: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]) -> None:
        """Take root-relative joints (metres) into account, in one pass (Chan et al.)."""
        weight = valid.unsqueeze(-1).to(points.dtype)
        new, known = weight.sum(0), self.seen[:, None]
        total = (new + known).clamp(min=1)
        mean = (points * weight).sum(0) / new.clamp(min=1)
        variance = ((points - mean).square() * weight).sum(0) / new.clamp(min=1)
        shift = mean - self.mean
        self.variance.copy_((known * self.variance + new * variance + shift.square() * known * new / total) / total)
        self.mean.add_(shift * new / total)
        self.seen.add_(valid.sum(0))

    @property
    def spread(self) -> Float[Tensor, "joints 3"]:
        """Standard deviation in metres, at least a centimetre; 1 m for joints that were never seen."""
        return torch.where(self.seen[:, None] > 1, self.variance.sqrt().clamp(min=0.01), 1.0)


def camera_numbers(
    intrinsics: Float[Tensor, "batch 3 3"], affine: Float[Tensor, "batch 2 3"], crop_size: int
) -> Float[Tensor, "batch 4"]:
    """Where in the field of view the crop lies: what is lost when joints are counted in the crop's pixels.

    Convention:
        x / z and y / z of the ray through the middle of the crop, then by how much they change from there to the middle
        of its right edge; all times 4. Example: a crop in the middle of the photograph that is as wide as the focal
        length -> (0, 0, 2, 0).
    """
    with full_precision(intrinsics):
        half = crop_size / 2
        places = torch.tensor([[half, half], [2 * half, half]], device=affine.device).expand(affine.shape[0], 2, 2)
        pixels = apply_affine(places, invert_affine(affine))
        rays = backproject(pixels, torch.ones_like(pixels[..., 0]), intrinsics)[..., :2]
        return _CAMERA_SCALE * torch.cat([rays[:, 0], rays[:, 1] - rays[:, 0]], -1)


def pinhole_joints(
    seen: Float[Tensor, "batch joints 3"], camera: Float[Tensor, "batch 4"], depth_range: float
) -> Float[Tensor, "batch joints 3"]:
    """2.5D joints pushed out along their rays, as if a person of `depth_range` metres filled the crop.

    Args:
        seen: 2.5D joints, each coordinate in [-1, 1].
        camera: see `camera_numbers`.
        depth_range: metres that z covers.

    Convention:
        Camera frame, metres; pixels are taken to be square. Example: the camera of `camera_numbers`' example, a joint
        in the middle of the crop's right edge and at the root's depth, 2 m -> (1, 0, 2).
    """
    middle, right = torch.split((camera / _CAMERA_SCALE).unsqueeze(1), 2, -1)
    down = torch.stack([-right[..., 1], right[..., 0]], -1)
    rays = middle + seen[..., :1] * right + seen[..., 1:2] * down
    distance = depth_range / 2 / right.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    depth = distance + seen[..., 2:] * (depth_range / 2)
    return torch.cat([rays * depth, depth], -1)
