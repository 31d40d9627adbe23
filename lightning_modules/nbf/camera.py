"""The fixed camera of NBF and its scale convention (section 4.2, "Scale ambiguity").

Every person stands 20.3 m before a camera of 5,000 pixels focal length, so that a body of 1.79 m spans 440 of the
picture's 512 pixels and nothing but the body's shape decides how large it appears.

Convention:
    The camera frame is the zoo's (x right, y down, z forward, metres), pixel centres at integers. In a picture of S
    pixels the focal length is 5000 S / 512 and the principal point (S / 2, S / 2). Example: S = 224, a point
    (-0.01, 0.115, 20.3): pixel (110.9, 124.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from body.camera import apply_affine, backproject, invert_affine, project
from body.skeleton import SMPL24
from lightning_modules.common.precision import full_precision

MEAN_TRANSL = (-0.01, 0.115, 20.3)
"""Where the release puts a body whose translation is not known, metres."""

JITTER = (0.143, 0.119)
"""Standard deviation of the translations that the release was trained with, metres along x and y."""

_FOCAL_PER_PIXEL = 5000 / 512


@dataclass(frozen=True)
class FixedCamera:
    """The camera of the encoder's picture.

    Attributes:
        size: side of the picture in pixels.
    """

    size: int

    @property
    def focal(self) -> float:
        """In pixels."""
        return _FOCAL_PER_PIXEL * self.size

    def matrix(self, like: Float[Tensor, " batch *rest"]) -> Float[Tensor, "batch 3 3"]:
        """Camera matrices, of the dtype and on the device of `like`."""
        half = self.size / 2
        rows = [[self.focal, 0.0, half], [0.0, self.focal, half], [0.0, 0.0, 1.0]]
        return torch.tensor(rows, dtype=like.dtype, device=like.device).expand(like.shape[0], 3, 3)

    def project(
        self, points: Float[Tensor, "batch points 3"], transl: Float[Tensor, "batch 3"]
    ) -> Float[Tensor, "batch points 2"]:
        """Pixels of a body's points."""
        with full_precision(points):
            return project(points + transl[:, None], self.matrix(points))

    def locate(
        self,
        points: Float[Tensor, "batch points 3"],
        pixels: Float[Tensor, "batch points 2"],
        valid: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, "batch 3"]:
        """Translation with which the points appear at the pixels, by least squares under weak perspective.

        Args:
            points: of a body, without translation.
            pixels: where they are in the picture.
            valid: which of them are; with fewer than two the answer is `MEAN_TRANSL`.
        """
        with full_precision(points):
            scale, shift = _similarity(points[..., :2], pixels, valid)
            weight = valid.to(points.dtype)
            depth = self.focal / scale
            middle = (points[..., 2] * weight).sum(1) / weight.sum(1).clamp(min=1)
            across = (shift - self.size / 2) / scale[:, None]
            found = torch.cat([across, (depth - middle)[:, None]], -1)
            enough = (valid.sum(1) > 1) & (scale > 1e-3)
            return torch.where(enough[:, None], found, found.new_tensor(MEAN_TRANSL))

    def depth_by_size(
        self,
        joint: Float[Tensor, "batch 3"],
        affine: Float[Tensor, "batch 2 3"],
        intrinsics: Float[Tensor, "batch 3 3"],
    ) -> Float[Tensor, " batch"]:
        """How far from the photograph's camera the person appears as large, metres; arguments as in `to_photograph`."""
        with full_precision(joint):
            zoom = (affine[:, 0, 0] * affine[:, 1, 1] - affine[:, 0, 1] * affine[:, 1, 0]).abs().sqrt()
            return joint[:, 2] * zoom * (intrinsics[:, 0, 0] * intrinsics[:, 1, 1]).sqrt() / self.focal

    def to_photograph(
        self,
        joint: Float[Tensor, "batch 3"],
        affine: Float[Tensor, "batch 2 3"],
        intrinsics: Float[Tensor, "batch 3 3"],
        depth: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch 3"]:
        """Where a joint is in the frame of the photograph's camera: on the ray of its pixel.

        Args:
            joint: in the fixed camera's frame, translation included.
            affine: pixels of the photograph to pixels of the picture.
            intrinsics: of the photograph.
            depth: along the photograph's optical axis, metres.
        """
        with full_precision(joint):
            pixel = apply_affine(project(joint[:, None], self.matrix(joint)), invert_affine(affine))
            return backproject(pixel, depth[:, None], intrinsics)[:, 0]


def resize_affine(old: int, new: int, like: Float[Tensor, " batch *rest"]) -> Float[Tensor, "batch 2 3"]:
    """Pixels of a picture to those of the same picture at another size, its outer edges kept."""
    ratio = new / old
    offset = (ratio - 1) / 2
    rows = [[ratio, 0.0, offset], [0.0, ratio, offset]]
    return torch.tensor(rows, dtype=like.dtype, device=like.device).expand(like.shape[0], 2, 3)


def match_pixels(
    source: Float[Tensor, "batch points 2"],
    target: Float[Tensor, "batch points 2"],
    valid: Bool[Tensor, "batch points"],
) -> Float[Tensor, "batch 2 3"]:
    """The scale and shift that carry one set of pixels nearest to another."""
    with full_precision(source):
        return _affine(*_similarity(source, target, valid))


def match_stature(
    pixels: Float[Tensor, "batch 24 2"],
    valid: Bool[Tensor, "batch 24"],
    stature: Float[Tensor, ""],
    camera: FixedCamera,
) -> Float[Tensor, "batch 2 3"]:
    """Scale and shift that make a person as tall as the fixed camera shows a mean body, in the middle of the picture.

    The height is that of the bones from the head down the spine and the longer-looking leg, so that bent bodies are
    not made larger. A bone that points to the camera looks shorter than it is: nothing in 2D can tell.

    Args:
        pixels: SMPL's 24 joints.
        valid: those that are known.
        stature: the same length on the mean body, metres.
        camera: of the picture.
    """
    with full_precision(pixels):
        length = _stature(pixels)
        wanted = stature * camera.focal / MEAN_TRANSL[2]
        scale = wanted / length.clamp(min=1e-3)
        hidden = ~valid[..., None]
        low = pixels.masked_fill(hidden, torch.inf).amin(1)
        high = pixels.masked_fill(hidden, -torch.inf).amax(1)
        return _affine(scale, camera.size / 2 - scale[:, None] * (low + high) / 2)


def zoom_affine(zoom: Float[Tensor, " batch"], size: int) -> Float[Tensor, "batch 2 3"]:
    """Zoom about the middle of the fixed camera's picture, whose side is `size`."""
    return _affine(zoom, ((1 - zoom) * size / 2)[:, None].expand(-1, 2))


def warp(
    image: Float[Tensor, "batch channels height width"], affine: Float[Tensor, "batch 2 3"], mode: str
) -> Float[Tensor, "batch channels height width"]:
    """A picture moved by an affine of its pixels; zeros where it had none.

    Args:
        image: square.
        affine: old pixels to new ones.
        mode: `bilinear` or `nearest`.
    """
    size = image.shape[-1]
    with full_precision(image):
        back = invert_affine(affine.float())
        # grid_sample's coordinates are -1 and 1 at the outer edges: u = ((g + 1) size - 1) / 2
        ones = back.new_ones(2, 1)
        offset = (2 * back[..., 2:] + (size - 1) * (back[..., :2] @ ones) + 1) / size - 1
        grid = functional.affine_grid(torch.cat([back[..., :2], offset], -1), list(image.shape), align_corners=False)
        return functional.grid_sample(image.float(), grid, mode=mode, align_corners=False)


_LEGS = tuple(
    tuple(SMPL24.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle")) for side in ("left", "right")
)
_SPINE = tuple(SMPL24.index(joint) for joint in ("head", "neck", "pelvis"))
STATURE_JOINTS = (*_SPINE, *_LEGS[0], *_LEGS[1])
"""Joints that `match_stature` needs."""


def _stature(points: Float[Tensor, "batch 24 dim"]) -> Float[Tensor, " batch"]:
    """Length of the bones from head to pelvis, and of the longer leg."""

    def length(chain: tuple[int, ...]) -> Tensor:
        return (points[:, list(chain[1:])] - points[:, list(chain[:-1])]).norm(dim=-1).sum(1)

    return length(_SPINE) + torch.maximum(length(_LEGS[0]), length(_LEGS[1]))


def stature(joints: Float[Tensor, "24 3"]) -> Float[Tensor, ""]:
    """What `match_stature` measures, on a body at rest (metres)."""
    return _stature(joints[None])[0]


def _similarity(source: Tensor, target: Tensor, valid: Tensor) -> tuple[Float[Tensor, " batch"], Tensor]:
    """Scale and shift of the least-squares fit of `target` by `scale * source + shift`."""
    weight = valid.to(source.dtype).unsqueeze(-1)
    count = weight.sum(1).clamp(min=1)
    middle, middle_target = (source * weight).sum(1) / count, (target * weight).sum(1) / count
    spread = (source - middle[:, None]) * weight
    along = (spread * (target - middle_target[:, None])).sum((1, 2))
    scale = (along / spread.square().sum((1, 2)).clamp(min=1e-9)).clamp(min=1e-3)
    return scale, middle_target - scale[:, None] * middle


def _affine(scale: Float[Tensor, " batch"], shift: Float[Tensor, "batch 2"]) -> Float[Tensor, "batch 2 3"]:
    linear = scale[:, None, None] * torch.eye(2, dtype=scale.dtype, device=scale.device)
    return torch.cat([linear, shift.unsqueeze(-1)], -1)
