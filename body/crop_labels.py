"""Labels of a crop read at pixels, and put back into the full image.

Convention:
    Pixel centres are at integers, and the cells of a map tile the crop whatever its resolution:
    cell = floor((pixel + 0.5) / crop * cells). Example: a crop of 224, maps of 56: pixels 0 to 3 lie in cell 0.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from body.camera import scale_affine


def sample_cells(
    maps: Float[Tensor, "batch channels height width"], pixels: Float[Tensor, "batch points 2"], crop_size: int
) -> Float[Tensor, "batch points channels"]:
    """Values of the cells that crop pixels lie in; zeros outside the crop.

    Args:
        maps: of the whole crop, at any resolution.
        pixels: of the crop.
        crop_size: side of the crop, pixels.
    """
    height, width = maps.shape[-2:]
    cells = torch.floor((pixels + 0.5) / crop_size * pixels.new_tensor((width, height))).long()
    x, y = cells[..., 0], cells[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    flat = torch.where(inside, y * width + x, 0)
    values = maps.flatten(2).gather(2, flat[:, None].expand(-1, maps.shape[1], -1)).mT
    return values.where(inside[..., None], 0.0)


def uncrop_labels(
    labels: UInt8[np.ndarray, "rows columns"], affine: Float[np.ndarray, "2 3"], crop_size: int, size: tuple[int, int]
) -> UInt8[np.ndarray, "height width"]:
    """Labels of a crop in the full image, by the nearest pixel; 0 outside the crop.

    Args:
        labels: of the square crop, at any resolution.
        affine: full-image pixels to crop pixels.
        crop_size: side of the crop that the affine leads to, pixels.
        size: width and height of the full image.
    """
    to_labels = scale_affine(affine, len(labels) / crop_size)
    return cv2.warpAffine(labels, to_labels, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
