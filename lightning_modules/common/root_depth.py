"""How far away a person is: what the batch says, or an estimate."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from datamodules.batch import Batch


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


def root_depth_from_box(
    box: Float[Tensor, "batch 4"], intrinsics: Float[Tensor, "batch 3 3"], extent: float = 2.0
) -> Float[Tensor, " batch"]:
    """Pinhole estimate of the root depth in metres: RootNet's, with its learnt correction left out.

    It never puts a point of the depth range behind the camera.

    Args:
        box: square crop window (x, y, width, height) in full-image pixels.
        intrinsics: camera of the full image.
        extent: metres across the box (2 for bodies, 0.3 for hands).
    """
    return pinhole_depth(box, intrinsics, extent).clamp(min=0.55 * extent)


def given_or(estimate: Float[Tensor, " batch"], source: str, batch: Batch) -> tuple[Float[Tensor, " batch"], str]:
    """The batch's root depth where it gives one, else the estimate; and where the depths are from.

    Args:
        estimate: metres.
        source: of the estimate, as in `Prediction.root_depth_source`.
        batch: with `root_depth`.
    """
    given = batch["root_depth_valid"]
    return torch.where(given, batch["root_depth"], estimate), "given" if bool(given.all()) else source
