"""Pictures that the fitting network looks at: parts or joints as colours (section 3.2 and Table 1)."""

from __future__ import annotations

import colorsys
from itertools import accumulate, repeat

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

_RELEASED = (
    (0, 0, 0),
    (98, 255, 255),
    (255, 159, 255),
    (197, 255, 0),
    (0, 134, 167),
    (213, 95, 0),
    (41, 128, 0),
    (104, 0, 147),
    (181, 203, 255),
    (0, 68, 215),
    (255, 214, 0),
    (0, 66, 83),
    (134, 126, 0),
)
"""Background and twelve parts; a released encoder knows these."""

_GOLDEN_TURN = 0.618034


def colour_table(count: int) -> Float[Tensor, "{count} 3"]:
    """RGB in [0, 1] of labels 0, 1, ...: the release's thirteen, then others (ours) that differ from one another."""
    colours = list(_RELEASED[:count])
    for number in range(count - len(colours)):
        brightness = (1.0, 0.6)[number % 2]
        rgb = colorsys.hsv_to_rgb((0.03 + number * _GOLDEN_TURN) % 1.0, 0.85, brightness)
        colours.append((round(255 * rgb[0]), round(255 * rgb[1]), round(255 * rgb[2])))
    return torch.tensor(colours) / 255


def colour_labels(
    labels: Int[Tensor, "batch rows columns"], table: Float[Tensor, "labels 3"], size: int
) -> Float[Tensor, "batch 3 size size"]:
    """Label images as colours, resized by taking the nearest pixel (as Pillow does)."""
    return table[nearest(labels, size)].movedim(-1, 1)


def nearest(labels: Int[Tensor, "batch rows columns"], size: int) -> Int[Tensor, "batch {size} {size}"]:
    """Label images at another size: of every new pixel the label at its centre, as Pillow has it."""
    rows, columns = (nearest_places(old, size).to(labels.device) for old in labels.shape[1:])
    return labels[:, rows[:, None], columns]


def nearest_places(old: int, new: int) -> Int[Tensor, " {new}"]:
    """Where `nearest` looks along one axis; steps are added up as Pillow does, which decides where two are as near."""
    step = old / new
    return torch.tensor([int(place) for place in accumulate(repeat(step, new - 1), initial=0.5 * step)])


def blend_colours(
    logits: Float[Tensor, "batch labels rows columns"], table: Float[Tensor, "labels 3"], size: int
) -> Float[Tensor, "batch 3 size size"]:
    """The mean colour under the labels' probabilities: `colour_labels` that gradients can pass."""
    mixed = torch.einsum("blhw,lc->bchw", functional.softmax(logits, 1), table.to(logits.dtype))
    return functional.interpolate(mixed, size=(size, size), mode="bilinear", align_corners=False)


def colour_joints(
    pixels: Float[Tensor, "batch joints 2"],
    valid: Bool[Tensor, "batch joints"],
    table: Float[Tensor, "labels 3"],
    size: int,
    sigma: float,
) -> Float[Tensor, "batch 3 size size"]:
    """Joints as blobs, joint j in colour j + 1 of the table.

    Every pixel has the colour of the joint nearest to it, times exp(-d^2 / (2 sigma^2)) of its distance d.

    Args:
        pixels: places in the picture.
        valid: joints that are shown.
        table: one more colour than there are joints.
        size: side of the picture.
        sigma: in pixels.
    """
    grid = torch.arange(size, dtype=pixels.dtype, device=pixels.device)
    x, y = pixels.unbind(-1)
    squared = (grid - y[..., None]).square()[..., None] + (grid - x[..., None]).square()[..., None, :]
    squared = torch.where(valid[..., None, None], squared, torch.inf)
    distance, joint = squared.min(1)
    brightness = torch.exp(distance * (-0.5 / sigma**2))
    return (table.to(pixels)[joint + 1] * brightness.unsqueeze(-1)).movedim(-1, 1)
