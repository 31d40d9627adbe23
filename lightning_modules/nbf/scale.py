"""How a crop becomes the picture of a person at the paper's scale (section 4.2)."""

from __future__ import annotations

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import compose_affine
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.camera import (
    JITTER,
    MEAN_TRANSL,
    STATURE_JOINTS,
    FixedCamera,
    match_pixels,
    match_stature,
    stature,
    zoom_affine,
)
from lightning_modules.nbf.config import Scale
from lightning_modules.nbf.targets import BodyTruth


class ScaleConvention:
    """Moves and scales crops.

    Args:
        name: `crop` leaves crops as they are: `crop_margin: 1.1636` makes the longer side of a person's box 440 of
            512 pixels. `keypoints` makes the person so tall, whatever the pose (the paper's rule for the test).
            `true_body` makes the true 2D joints fall where the fixed camera sees those of the true body (the paper's
            rule for training). A sample without the labels that its rule needs is left as it is, with a warning.
        layer: the body.
        zoom_jitter: largest change of the scale at random, as a share, where the body is moved at random too.
    """

    def __init__(self, name: Scale, layer: BodyLayer, zoom_jitter: float = 0.0) -> None:
        self.name, self.zoom_jitter = name, zoom_jitter
        self._stature = stature(layer.rest)

    def __call__(self, truth: BodyTruth, size: int, jitter: bool) -> Float[Tensor, "batch 2 3"] | None:
        """Crop pixels to pixels of the scaled crop, which is as large; None where nothing changes.

        Args:
            truth: labels of the batch.
            size: side of the crop.
            jitter: move the body at random, as much as the release did, and zoom (`true_body` only).
        """
        if self.name == "crop":
            return None
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
            if jitter and self.zoom_jitter:
                zoom = 1 + self.zoom_jitter * (2 * torch.rand_like(truth.pixels[:, 0, 0]) - 1)
                found = compose_affine(zoom_affine(zoom, size), found)
        if not usable.all():
            labels = "SMPL's joints of head, spine and legs in the image" if self.name == "keypoints" else "SMPL's body"
            warnings.warn(f"scale {self.name} needs {labels}; samples without stay as their crop is", stacklevel=2)
        return torch.where(usable[:, None, None], found, zoom_affine(torch.ones_like(found[:, 0, 0]), size))
