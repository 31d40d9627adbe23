"""Crops of a batch of samples on the device that trains, as `datamodules.crop` makes them one by one.

Conventions are those of `datamodules.crop.make`; matrices are made in double precision, as there.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Real
from torch import Tensor
from torch.nn import functional

from body.camera import compose_affine, crop_affine, invert_affine, rotation_affine, square_box
from datamodules.open_v2.augment.draw import Changes


class Windows(NamedTuple):
    """Where the crops of a batch are cut out, double precision."""

    box: Float[Tensor, "batch 4"]
    intrinsics: Float[Tensor, "batch 3 3"]
    crop_affine: Float[Tensor, "batch 2 3"]
    """Projections of the changed scene to crop pixels: a batch's `crop_affine`."""
    from_picture: Float[Tensor, "batch 2 3"]
    """Pixels of the picture as it was rendered to crop pixels."""


def crop_windows(
    box: Float[Tensor, "batch 4"],
    intrinsics: Float[Tensor, "batch 3 3"],
    changes: Changes,
    size: int,
    margin: float,
    picture: int,
) -> Windows:
    """Windows of changed samples.

    Args:
        box: of the person, pixels of the picture.
        intrinsics: of the picture.
        changes: of each sample.
        size: side of the crops in pixels.
        margin: see `datamodules.settings.CropSettings`.
        picture: side of the pictures in pixels.
    """
    box, intrinsics, flip = box.double(), intrinsics.double(), changes.flip
    mirrored = box.clone()
    mirrored[:, 0] = picture - 1 - box[:, 0] - box[:, 2]
    box = torch.where(flip[:, None], mirrored, box)
    across = torch.where(flip, -1.0, 1.0).double()
    intrinsics = intrinsics.clone()
    intrinsics[:, 0, 1] *= across
    intrinsics[:, 0, 2] = torch.where(flip, picture - 1 - intrinsics[:, 0, 2], intrinsics[:, 0, 2])
    window = square_box(box, margin)
    grown = window[:, 2:] * changes.scale[:, None]
    centre = window[:, :2] + window[:, 2:] / 2 + changes.shift * window[:, 2:]
    window = torch.cat([centre - grown / 2, grown], -1)
    affine = crop_affine(window, size, -changes.rotation)  # see `datamodules.crop.make.make_crop`
    unturn = rotation_affine(intrinsics, -changes.rotation)
    zero, one = torch.zeros_like(across), torch.ones_like(across)
    mirror = torch.stack([across, zero, torch.where(flip, picture - 1.0, 0.0), zero, one, zero], -1).view(-1, 2, 3)
    return Windows(window, intrinsics, compose_affine(affine, unturn), compose_affine(affine, mirror))


def sampling_grid(
    affine: Float[Tensor, "batch 2 3"], crop: int, size: int, picture: int
) -> Float[Tensor, "batch size size 2"]:
    """Where in the picture the pixels of a crop lie, as `torch.nn.functional.grid_sample` takes it (corners aligned).

    Args:
        affine: pixels of the picture to pixels of the crop.
        crop: side of the crop in those pixels.
        size: side of the wanted grid, which covers the same crop.
        picture: side of the picture.
    """
    steps = (torch.arange(size, dtype=torch.float64, device=affine.device) + 0.5) * (crop / size) - 0.5
    back = invert_affine(affine)
    x, y = back[:, :, 0, None] * steps, back[:, :, 1, None] * steps + back[:, :, 2, None]
    places = x[:, :, None, :] + y[:, :, :, None]
    return (places * (2 / (picture - 1)) - 1).permute(0, 2, 3, 1).float()


def warp(
    pictures: Real[Tensor, "batch side side channels"], grid: Float[Tensor, "batch size size 2"], nearest: bool = False
) -> Float[Tensor, "batch channels size size"]:
    """Values 0 to 255 at the places of a grid, bilinear or of the nearest pixel; 0 outside."""
    planes, mode = pictures.permute(0, 3, 1, 2).float(), "nearest" if nearest else "bilinear"
    return functional.grid_sample(planes, grid, mode=mode, padding_mode="zeros", align_corners=True)
