"""What happens to the pixels of a batch of crops at every visit: light, colour, patches, blur, noise, compression.

An operation is done to a share of the batch only, drawn anew each time; nothing waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from datamodules.open_v2.augment.draw import constant
from datamodules.open_v2.augment.jpeg import jpeg
from datamodules.open_v2.augment.resample import resample, resampling_matrix


@dataclass(frozen=True)
class PixelRange:
    """Shares of the crops that are changed in each way, 0 to 1.

    Attributes:
        colour: other brightness, contrast, saturation, tint and gamma.
        grey: no colour.
        swap: the channels in another order.
        blur: out of focus, moved (smeared along rows or columns), or of low resolution.
        noise: of a sensor.
        jpeg: compressed hard.
        patches: something in front: rectangles and discs with another picture in them, or of one colour.
    """

    colour: float = 0.8
    grey: float = 0.1
    swap: float = 0.05
    blur: float = 0.35
    noise: float = 0.35
    jpeg: float = 0.35
    patches: float = 0.35


def change_pixels(
    image: Float[Tensor, "batch 3 size size"], cover: Float[Tensor, "batch 3 size size"], shares: PixelRange
) -> Float[Tensor, "batch 3 size size"]:
    """Changed crops, in [0, 1].

    Args:
        image: crops in [0, 1]; they are overwritten.
        cover: pictures to see in what stands in front.
        shares: how many are changed.
    """
    steps: tuple[tuple[float, Callable[[Tensor], Tensor]], ...] = (
        (shares.patches, lambda rows: _patched(image[rows], cover[rows])),
        (shares.colour, lambda rows: _coloured(image[rows])),
        (shares.blur, lambda rows: _blurred(image[rows])),
        (shares.grey, lambda rows: image[rows].mean(1, keepdim=True).expand(-1, 3, -1, -1)),
        (shares.swap, lambda rows: image[rows][:, torch.randperm(3, device=image.device)]),
        (shares.noise, lambda rows: _noisy(image[rows])),
        (shares.jpeg, lambda rows: jpeg(image[rows], _between(rows, 8.0, 60.0))),
    )
    for share, change in steps:
        rows = _some(image, share)
        if len(rows):
            image[rows] = change(rows).clamp(0, 1)
    return image


def _some(image: Float[Tensor, "batch 3 size size"], share: float) -> Int[Tensor, " some"]:
    """Rows of a batch at random; their number is the share, rounded up or down by chance."""
    wanted = share * len(image)
    count = int(wanted + torch.rand(()).item())  # the processor's own generator: nothing waits for the device
    return torch.randperm(len(image), device=image.device)[:count]


def _between(like: Tensor, low: float, high: float) -> Float[Tensor, " rows"]:
    return low + (high - low) * torch.rand(len(like), device=like.device)


def _log_between(like: Tensor, low: float, high: float) -> Float[Tensor, " rows"]:
    return torch.exp(_between(like, math.log(low), math.log(high)))


def _coloured(image: Float[Tensor, "rows 3 size size"]) -> Float[Tensor, "rows 3 size size"]:
    """Gamma, then one matrix for brightness, tint and saturation, then contrast about the mean."""
    device, count = image.device, len(image)
    image = image.clamp(min=1e-4).pow(_log_between(image, 0.7, 1.45).view(-1, 1, 1, 1))
    tint = torch.exp(0.12 * torch.randn(count, 3, device=device)) * _log_between(image, 0.7, 1.4)[:, None]
    saturation = _between(image, 0.3, 1.4).view(-1, 1, 1)
    luma = constant((0.299, 0.587, 0.114), device).expand(3, 3)
    matrix = saturation * torch.eye(3, device=device) + (1 - saturation) * luma
    image = torch.einsum("bdc,bchw->bdhw", matrix * tint[:, :, None], image)
    mean = image.mean((1, 2, 3), keepdim=True)
    return mean + (image - mean) * _log_between(image, 0.6, 1.4).view(-1, 1, 1, 1)


def _blurred(image: Float[Tensor, "rows 3 size size"]) -> Float[Tensor, "rows 3 size size"]:
    """A third out of focus, a third smeared, a third of low resolution."""
    size, kind = image.shape[-1], torch.rand(len(image), device=image.device)
    unit = size / 192  # the widths below are of crops of 192 pixels
    wide, narrow = unit * _log_between(image, 0.5, 2.5), unit * _log_between(image, 0.3, 0.8)
    smear = kind < 1 / 3
    tall = torch.rand(len(image), device=image.device) < 0.5
    step = torch.where(kind > 2 / 3, unit * _log_between(image, 1.3, 5.0), 1.0).clamp(min=1)
    coarse = 0.5 * (step.square() - 1).clamp(min=0).sqrt()
    plain = torch.where(kind > 2 / 3, coarse, wide)
    vertical = torch.where(smear, torch.where(tall, 1.6 * wide, narrow), plain)
    across = torch.where(smear, torch.where(tall, narrow, 1.6 * wide), plain)
    return resample(image, resampling_matrix(vertical, step, size), resampling_matrix(across, step, size))


def _noisy(image: Float[Tensor, "rows 3 size size"]) -> Float[Tensor, "rows 3 size size"]:
    """Noise of every pixel, of colour or grey, weaker where it is dark."""
    sigma = _log_between(image, 0.01, 0.12).view(-1, 1, 1, 1)
    colour = torch.rand(len(image), 1, 1, 1, device=image.device)
    grain = torch.randn_like(image) * colour + torch.randn_like(image[:, :1]) * (1 - colour)
    return image + grain * sigma * (0.3 + 0.7 * image.detach().mean(1, keepdim=True).sqrt())


def _patched(
    image: Float[Tensor, "rows 3 size size"], cover: Float[Tensor, "rows 3 size size"]
) -> Float[Tensor, "rows 3 size size"]:
    """One to three rectangles or discs, each with `cover` in it, with one colour, or with noise."""
    size, device = image.shape[-1], image.device
    places = torch.arange(size, device=device) / size
    for number in range(3):
        centre, half = torch.rand(2, 2, len(image), 1, device=device)
        half = 0.03 + 0.17 * half
        x, y = ((places - centre) / half)[0][:, None, :], ((places - centre) / half)[1][:, :, None]
        disc = (torch.rand(len(image), device=device) < 0.4).view(-1, 1, 1)
        inside = torch.where(disc, x.square() + y.square() < 1, (x.abs() < 1) & (y.abs() < 1))
        if number:
            inside = inside & (torch.rand(len(image), device=device) < 0.4).view(-1, 1, 1)
        kind = torch.rand(len(image), device=device).view(-1, 1, 1, 1)
        flat = torch.rand(len(image), 3, 1, 1, device=device).expand_as(image)
        grain = torch.where(kind > 0.9, flat + 0.15 * torch.randn_like(image), flat)
        image = torch.where(inside[:, None], torch.where(kind < 0.5, cover.roll(number, 0), grain), image)
    return image
