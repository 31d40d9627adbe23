"""How far away a person is: the method's own estimate, RootNet's, or the label; no label unless it is asked for."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datamodules.batch import Batch

RootDepth = Literal["box", "rootnet", "given"]
"""Where predictions take the root's depth from.

`box`: the method's own estimate, from the image, the box and the camera. `rootnet`: the batch's `estimated_root_depth`,
which its result files or `zoo.predict` bring. `given`: the label, and the method's own estimate where there is none.
"""


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


def choose_depth(own: Float[Tensor, " batch"], source: RootDepth, batch: Batch) -> Float[Tensor, " batch"]:
    """Root depths from the chosen source, metres.

    Args:
        own: the method's own estimates.
        source: see `RootDepth`.
        batch: of the same people; it is read only where the source is in it.

    Raises:
        ValueError: `rootnet`, and the batch has no such estimate of somebody.
    """
    if source == "box":
        return own
    if source == "given":
        return torch.where(batch["root_depth_valid"], batch["root_depth"], own)
    absent = int((~batch["estimated_root_depth_valid"]).sum())
    if absent:
        raise ValueError(
            f"root_depth rootnet: the data have no depth from RootNet for {absent} of {len(own)} people; give its "
            f"result file as --data.detections where the benchmark takes one, or root_depth: box"
        )
    return batch["estimated_root_depth"]
