"""How a crop becomes the picture of a person at the paper's scale (section 4.2)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.camera import (
    JITTER,
    MEAN_TRANSL,
    STATURE_JOINTS,
    FixedCamera,
    box_zoom,
    match_pixels,
    match_stature,
    stature,
)
from lightning_modules.nbf.config import Scale
from lightning_modules.nbf.targets import BodyTruth


class ScaleConvention:
    """Moves and scales crops.

    Args:
        name: `crop` leaves crops as they are. `box` makes the longer side of the person's box 440 of 512 pixels.
            `keypoints` makes the person so tall, whatever the pose (the paper's rule for the test). `true_body` makes
            the true 2D joints fall where the fixed camera sees those of the true body (the paper's rule for training).
            A sample without the labels that its rule needs is treated as by `box`.
        layer: the body.
    """

    def __init__(self, name: Scale, layer: BodyLayer) -> None:
        self.name = name
        self._stature = stature(layer.rest)

    def __call__(self, truth: BodyTruth, size: int, jitter: bool) -> Float[Tensor, "batch 2 3"] | None:
        """Crop pixels to pixels of the scaled crop, which is as large; None where nothing changes.

        Args:
            truth: labels of the batch.
            size: side of the crop.
            jitter: move the body at random, as much as the release did (`true_body` only).
        """
        if self.name == "crop":
            return None
        by_box = box_zoom(size, truth.pixels)
        if self.name == "box":
            return by_box
        camera = FixedCamera(size)
        if self.name == "keypoints":
            usable = truth.pixels_valid[:, list(STATURE_JOINTS)].all(1)
            found = match_stature(truth.pixels, truth.pixels_valid, self._stature.to(truth.pixels), camera)
        else:
            usable = truth.valid
            transl = truth.joints.new_tensor(MEAN_TRANSL).repeat(len(usable), 1)
            if jitter:
                transl[:, :2] += torch.randn_like(transl[:, :2]) * transl.new_tensor(JITTER)
            seen = camera.project(truth.joints, transl)
            found = match_pixels(truth.pixels, seen, usable[:, None].expand_as(truth.pixels_valid))
        return torch.where(usable[:, None, None], found, by_box)
