"""JPEG's loss of detail on a device: the discrete cosine transform of blocks, quantised, without the coding."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from datamodules.open_v2.augment.draw import constant

_BLOCK = 8
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
"""Quantisation of brightness at quality 50 (ITU-T T.81, table K.1)."""
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *(((99,) * 8,) * 4),
)  # fmt: skip
"""The same of colour (table K.2)."""
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
_COSINES = tuple(
    tuple(math.cos(math.pi / 8 * (n + 0.5) * k) * math.sqrt((2 if k else 1) / 8) for n in range(8)) for k in range(8)
)
"""Orthonormal DCT-II: row k are the samples of cosine k."""


def jpeg(
    image: Float[Tensor, "batch 3 size size"], quality: Float[Tensor, " batch"]
) -> Float[Tensor, "batch 3 size size"]:
    """Images in [0, 1] as they are after JPEG at a quality of 1 to 100, without subsampled colour.

    Args:
        image: its side is a multiple of 8.
        quality: as libjpeg means it: 50 is the tables as they stand.
    """
    batch, _, height, width = image.shape
    to_ycc, to_rgb, cosine = (constant(matrix, image.device) for matrix in (_TO_YCC, _TO_RGB, _COSINES))
    tables = constant((_LUMA, _CHROMA, _CHROMA), image.device)
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(-1, 1, 1, 1)
    tables = (tables * factor).round().clamp(1, 255)[:, :, None, None]
    ycc = torch.einsum("dc,bchw->bdhw", to_ycc, image * 255 - 128)
    blocks = ycc.view(batch, 3, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).transpose(3, 4)
    coefficients = cosine @ blocks @ cosine.T
    blocks = cosine.T @ ((coefficients / tables).round() * tables) @ cosine
    ycc = blocks.transpose(3, 4).reshape(batch, 3, height, width)
    rgb = torch.einsum("dc,bchw->bdhw", to_rgb, ycc)
    return ((rgb + 128) / 255).clamp(0, 1)
