"""A method's whole prediction as one graph: crops and cameras in, metres and pixels out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError, one_line

INPUTS: Mapping[str, tuple[str, tuple[int | str, ...]]] = {
    "image": ("RGB crop in [0, 1]; normalisation is inside", (3, "side", "side")),
    "intrinsics": ("camera matrix of the full image, pixels, rows [fx, s, cx], [0, fy, cy], [0, 0, 1]", (3, 3)),
    "crop_affine": ("full-image pixels to crop pixels, pixel centres at integers", (2, 3)),
    "box": ("square crop window x, y, width, height in full-image pixels", (4,)),
}
"""Names, meanings and shapes behind the batch; all are float32."""
OUTPUTS: Mapping[str, str] = {
    "joints": "metres, camera frame (x right, y down, z away), absolute",
    "joints_2d": "pixels of the full image",
    "vertices": "metres, camera frame, absolute",
    "pose": "axis-angle of the body model's joints, the orientation in the camera frame first, radians",
    "betas": "shape coefficients",
    "transl": "translation of the body model, metres",
}
"""Names and meanings of what a method may give."""


class Predictor(nn.Module):
    """`PoseModule.predict` of tensors, with decoding, cameras and body inside.

    Args:
        model: in eval mode; its root's depth must be its own estimate.

    Raises:
        ZooError: the model needs labels or an estimate of the depth from elsewhere.
    """

    def __init__(self, model: PoseModule) -> None:
        super().__init__()
        if model.root_depth != "box":
            raise ZooError(f"root_depth {model.root_depth} is no part of a graph; load the model with root_depth='box'")
        self.model, self.names = model.eval(), tuple[str, ...]()
        with torch.no_grad():
            try:
                self.names = tuple(tensors_of(model.predict(_batch(*example_inputs(model, 2)))))
            except (KeyError, ValueError) as error:
                raise ZooError(f"this model predicts from labels, which no crop has: {one_line(error)}") from None

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        intrinsics: Float[Tensor, "batch 3 3"],
        crop_affine: Float[Tensor, "batch 2 3"],
        box: Float[Tensor, "batch 4"],
    ) -> tuple[Tensor, ...]:
        """Tensors in the order of `names`."""
        return tuple(tensors_of(self.model.predict(_batch(image, intrinsics, crop_affine, box))).values())


def tensors_of(prediction: Prediction) -> dict[str, Tensor]:
    """The tensors of a prediction that `OUTPUTS` names."""
    smpl = prediction.smpl
    found = {"joints": prediction.joints, "joints_2d": prediction.joints_2d, "vertices": prediction.vertices}
    if smpl is not None:
        found |= {"pose": smpl.pose, "betas": smpl.betas, "transl": smpl.transl}
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def example_inputs(model: PoseModule, batch: int, seed: int = 0) -> tuple[Tensor, ...]:
    """People somewhere in photographs of 1000 x 800 pixels, made of blurred noise."""
    generator, side = torch.Generator().manual_seed(seed), model.crop_size
    noise = torch.rand(batch, 3, 8, 8, generator=generator)
    image = nn.functional.interpolate(noise, (side, side), mode="bilinear", align_corners=False)
    focal = 800 + 400 * torch.rand(batch, generator=generator)
    width = 150 + 300 * torch.rand(batch, generator=generator)
    corner = 400 * torch.rand(batch, 2, generator=generator)
    intrinsics = torch.zeros(batch, 3, 3) + torch.tensor([[0, 0, 499.5], [0, 0, 399.5], [0, 0, 1]])
    intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = focal
    scale = side / width
    affine = torch.zeros(batch, 2, 3)
    affine[:, 0, 0] = affine[:, 1, 1] = scale
    affine[:, :, 2] = -scale[:, None] * corner
    box = torch.cat([corner, width[:, None], width[:, None]], 1)
    return image, intrinsics, affine, box


def _batch(image: Tensor, intrinsics: Tensor, crop_affine: Tensor, box: Tensor) -> Batch:
    """What is known of a crop without labels."""
    return cast("Batch", {"image": image, "intrinsics": intrinsics, "crop_affine": crop_affine, "box": box})
