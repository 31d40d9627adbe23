"""DensePose's point-wise scores: how far along the surface a predicted point is from the annotated one."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64, Integer
from torch import Tensor

GPS_KAPPA = 0.255
"""Metres; the paper's one value for all parts."""

PART_KAPPA: tuple[float, ...] = (
    *(0.351,) * 2,  # torso, back and front
    *(0.107,) * 2,  # hands
    *(0.126,) * 2,  # feet
    *(0.237,) * 4,  # upper legs
    *(0.173,) * 4,  # lower legs
    *(0.142,) * 4,  # upper arms
    *(0.128,) * 4,  # lower arms
    *(0.150,) * 2,  # head
)
"""Metres, of parts 1 to 24: the challenge's values."""


def geodesic_errors(
    prediction: Integer[Tensor, "*points"],
    target: Integer[Tensor, "*points"],
    distances: Float[Tensor, "vertices vertices"],
) -> Float64[Tensor, "*points"]:
    """Distance along the surface of each predicted vertex from the annotated one.

    Args:
        prediction: vertices that the annotated pixels were mapped to; negative off the predicted person.
        target: annotated vertices.
        distances: geodesic distances between all vertices, metres.

    Convention:
        The unit of `distances`. A pixel that was not mapped to the person is infinitely far.
    """
    far = distances[prediction.clamp(min=0), target].double()
    return far.where(prediction >= 0, torch.inf)


def surface_areas(
    errors: Float[Tensor, "*points"], limits: tuple[float, ...] = (0.1, 0.3)
) -> Float64[Tensor, "*points limits"]:
    """What each point adds to the area under the curve of correct points up to each limit, in [0, 1].

    The curve f(t) is the fraction of points with an error below t, and AUC_a = 1/a times its integral from 0 to a
    (DensePose, section 4.2). A point with error e adds to f from t = e on, so it adds max(0, 1 - e / a): no sampling.

    Convention:
        Metres. NaN and infinite errors add nothing.
    """
    ends = torch.tensor(limits, dtype=torch.float64, device=errors.device)
    return (1 - errors.double().nan_to_num(torch.inf)[..., None] / ends).clamp(min=0)


def gps(
    errors: Float[Tensor, "batch points"],
    valid: Bool[Tensor, "batch points"],
    parts: Integer[Tensor, "batch points"] | None = None,
) -> Float64[Tensor, " batch"]:
    """Geodesic point similarity of each person: the mean over its points of exp(-g^2 / (2 kappa^2)).

    Args:
        errors: geodesic distances, metres.
        valid: points that are annotated.
        parts: part of each annotated point, 1 to 24, for the challenge's kappa per part; the paper's one value for all
            when omitted.

    Convention:
        In [0, 1]. NaN and infinite errors count 0. NaN for a person without an annotated point.

    Raises:
        ValueError: an annotated point has no part from 1 to 24.
    """
    kappa = torch.full_like(errors, GPS_KAPPA, dtype=torch.float64)
    if parts is not None:
        if ((parts < 1) | (parts > len(PART_KAPPA)))[valid].any():
            raise ValueError(f"parts must be in [1, {len(PART_KAPPA)}] where points are annotated")
        table = torch.tensor((GPS_KAPPA, *PART_KAPPA), dtype=torch.float64, device=errors.device)
        kappa = table[parts.long().where(valid, 0)]
    similar = torch.exp(-0.5 * (errors.double().nan_to_num(torch.inf) / kappa).square())
    return similar.where(valid, 0.0).sum(1) / valid.sum(1)
