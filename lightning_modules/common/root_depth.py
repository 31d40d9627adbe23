"""How far away a person is, as far as a box can tell."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def pinhole_depth(
    box: Float[Tensor, "batch 4"], intrinsics: Float[Tensor, "batch 3 3"], extent: float
) -> Float[Tensor, " batch"]:
    """The depth in metres at which a square of side `extent` fills the box: k of RootNet (Moon et al., ICCV 2019).

    Convention:
        k = sqrt(extent^2 fx fy / (width * height)). Example: 2 m, focal length 1000, a box of 500 x 500: 4 m.

    Args:
        box: square crop window (x, y, width, height) in full-image pixels.
        intrinsics: camera of the full image.
        extent: metres: 2 for bodies, 0.3 for hands.
    """
    area = (box[:, 2] * box[:, 3]).clamp(min=1.0)
    return extent * (intrinsics[:, 0, 0] * intrinsics[:, 1, 1] / area).sqrt()
