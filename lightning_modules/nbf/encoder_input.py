"""What each stage is shown of a batch (Table 1), at the paper's scale."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from body.camera import apply_affine, compose_affine, invert_affine
from body.parts import merge_table
from body.skeleton import SMPL24
from datamodules.batch import Batch
from lightning_modules.nbf.camera import resize_affine, warp
from lightning_modules.nbf.coding import colour_joints, colour_labels, colour_table
from lightning_modules.nbf.scale import ScaleConvention
from lightning_modules.nbf.targets import BodyTruth

_LSP = ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")
_JOINTS14 = {*(f"{side}_{joint}" for joint in _LSP for side in ("left", "right")), "neck", "head"}
_BLOB = 0.02  # standard deviation of a joint's blob, as a share of the picture


class View(NamedTuple):
    """A batch as the network is shown it."""

    image: Float[Tensor, "batch 3 size size"]
    parts: Int[Tensor, "batch labels labels"]
    affine: Float[Tensor, "batch 2 3"]
    """Crop pixels to pixels of the encoder's picture."""
    pixels: Float[Tensor, "batch 24 2"]
    """True joints in the encoder's picture."""


class EncoderInput(nn.Module):
    """Makes views of batches, and the encoder's pictures that need no network.

    Args:
        crop_size: side of the crops.
        input_size: side of the encoder's picture.
        parts: number of parts.

    Raises:
        ValueError: there is no set of so many parts.
    """

    part_table: Tensor
    colours: Tensor

    def __init__(self, crop_size: int, input_size: int, parts: int) -> None:
        super().__init__()
        self.crop_size, self.input_size = crop_size, input_size
        self.register_buffer("part_table", torch.as_tensor(merge_table(parts)).long(), persistent=False)
        self.register_buffer("colours", colour_table(len(SMPL24) + 1), persistent=False)

    def view(self, batch: Batch, truth: BodyTruth, scale: ScaleConvention, jitter: bool) -> View:
        """The batch at a scale; see `ScaleConvention`."""
        parts = self.part_table[batch["iuv"][:, 0].long()]
        size, labels = self.crop_size, parts.shape[-1]
        image, pixels = batch["image"], truth.pixels
        to_picture = resize_affine(size, self.input_size, pixels)
        scaling = scale(truth, size, jitter)
        if scaling is None:
            affine = to_picture
        else:
            down, up = resize_affine(size, labels, pixels), resize_affine(labels, size, pixels)
            image = warp(image, scaling, "bilinear")
            moved = compose_affine(down, compose_affine(scaling, up))
            parts = warp(parts[:, None].float(), moved, "nearest")[:, 0].long()
            affine = compose_affine(to_picture, scaling)
        return View(image, parts, affine, apply_affine(pixels, affine))

    def unscaled(self, batch: Batch) -> View:
        """The crops as they are; their labels are not looked at."""
        image, joints = batch["image"], batch["image"].new_zeros(batch["image"].shape[0], len(SMPL24), 2)
        nothing = torch.zeros(image.shape[0], 0, 0, dtype=torch.long, device=image.device)
        return View(image, nothing, resize_affine(self.crop_size, self.input_size, joints), joints)

    def in_crop(self, labels: Int[Tensor, "batch size size"], view: View) -> Int[Tensor, "batch size size"]:
        """Labels of a view's image, as large as it, where they are in the crop; background where it was not shown."""
        shrink = resize_affine(self.crop_size, self.input_size, view.affine)
        if torch.equal(view.affine, shrink):
            return labels
        back = compose_affine(invert_affine(view.affine), shrink)
        return warp(labels[:, None].float(), back, "nearest")[:, 0].long()

    def photograph(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch 3 input input"]:
        """The crop itself (Table 1, RGB)."""
        size = (self.input_size, self.input_size)
        return functional.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)

    def true_parts(self, view: View) -> Float[Tensor, "batch 3 input input"]:
        """The true segmentation in colours."""
        return colour_labels(view.parts, self.colours, self.input_size)

    def joints(self, view: View, truth: BodyTruth, which: str) -> Float[Tensor, "batch 3 input input"]:
        """True joints as blobs.

        Args:
            view: of the batch.
            truth: says which are known.
            which: `joints14` (LSP's twelve, neck and head) or `joints24`.
        """
        drawn = [which == "joints24" or joint in _JOINTS14 for joint in SMPL24.joints]
        known = truth.pixels_valid & torch.tensor(drawn, device=view.pixels.device)
        return colour_joints(view.pixels, known, self.colours, self.input_size, _BLOB * self.input_size)
