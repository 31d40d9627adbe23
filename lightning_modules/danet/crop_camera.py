"""The camera that the network predicts: how a body is scaled and placed in the crop.

Convention:
    A camera is (s, x, y): a point (X, Y, Z) in metres, in a frame that looks at the middle of the crop, appears at
    (s (X + x), s (Y + y)) / (1 + s Z / f) in [-1, 1], crop pixel = (1 + that) size / 2. Focal lengths f are in halves
    of the crop. The release's is that of 5,000 pixels on 224, so long that depth hardly matters; where the true one is
    known (`crop_focal`) it may be that instead. Example: s = 0.9, a point 1 m to the right of the body's origin: 0.9
    of half a crop to the right of the middle.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.precision import full_precision

FOCAL = 5000 / 112
"""The release's."""

SMALLEST_SCALE = 0.05
"""Of a predicted camera that is divided by: a person twenty times as far away as usual."""

_NEAREST = 0.1
"""Share of the origin's distance. Nothing of a body is nearer to a camera; what an untrained network says may be."""

_SMALL = 1e-9


def translation(camera: Float[Tensor, "batch 3"], focal: Float[Tensor, " batch"]) -> Float[Tensor, "batch 3"]:
    """Where the body's origin is in the crop's frame, metres: (x, y, f / s)."""
    return torch.stack([camera[:, 1], camera[:, 2], focal / (camera[:, 0] + _SMALL)], -1)


def camera_of_translation(place: Float[Tensor, "batch 3"], focal: Float[Tensor, " batch"]) -> Float[Tensor, "batch 3"]:
    """The camera whose `translation` this is."""
    return torch.cat([(focal / place[:, 2])[:, None], place[:, :2]], -1)


def mirror_camera(camera: Float[Tensor, "batch 3"], crop_size: int) -> Float[Tensor, "batch 3"]:
    """The camera under which the mirrored body appears in the mirrored crop: pixel u becomes crop_size - 1 - u."""
    scale, x, y = camera.unbind(-1)
    return torch.stack([scale, -x - 2 / (crop_size * scale.clamp(min=SMALLEST_SCALE)), y], -1)


def project(
    points: Float[Tensor, "batch points 3"], camera: Float[Tensor, "batch 3"], focal: Float[Tensor, " batch"]
) -> Float[Tensor, "batch points 2"]:
    """Where points of the body (metres, the crop's frame without translation) appear, in [-1, 1]."""
    with full_precision(points):
        scale, across = camera[:, None, :1].float(), camera[:, None, 1:].float()
        farther = 1 + scale * points[..., 2:] / focal[:, None, None]
        return scale * (points[..., :2] + across) / farther.clamp(min=_NEAREST)


def estimate_translation(
    points: Float[Tensor, "batch points 3"],
    places: Float[Tensor, "batch points 2"],
    weights: Float[Tensor, "batch points"],
    focal: Float[Tensor, " batch"],
) -> Float[Tensor, "batch 3"]:
    """Translation that puts points to where they appear, by weighted least squares on the projection's equations.

    A sample with fewer than two weighted points has no such translation; it gets (0, 0, f), the camera with s = 1.

    Args:
        points: metres, the crop's frame.
        places: in [-1, 1].
        weights: of the squared errors.
        focal: of the camera.
    """
    with full_precision(points):
        points, places, root = points.double(), places.double(), weights.double().clamp(min=0).sqrt()
        nothing = torch.zeros_like(places[..., 0])
        length = focal.double()[:, None].expand_as(nothing)
        rows = torch.stack(
            [
                torch.stack([length, nothing, -places[..., 0]], -1),
                torch.stack([nothing, length, -places[..., 1]], -1),
            ],
            2,
        )
        right = places * points[..., 2:] - length[..., None] * points[..., :2]
        rows, right = (rows * root[..., None, None]).flatten(1, 2), (right * root[..., None]).flatten(1, 2)
        known = ((weights > 0).sum(1) >= 2)[:, None]
        unknown = torch.eye(3, dtype=rows.dtype, device=rows.device)
        normal = torch.where(known[..., None], rows.mT @ rows, unknown)
        away = nn.functional.pad(length[:, :1], (2, 0))
        target = torch.where(known, (rows.mT @ right.unsqueeze(-1)).squeeze(-1), away)
        return torch.linalg.solve_ex(normal, target)[0].float()
