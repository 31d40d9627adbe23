"""The picture of a model card: what weights make of a test image of open-v2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import UInt8

if TYPE_CHECKING:
    from datamodules.batch import Batch
    from lightning_modules.base import PoseModule
    from lightning_modules.prediction import Prediction

SAMPLE = 511
"""Of the test images that ship with open-v2, one of a whole person whom all five methods find; the leaderboard says how
good they are on all."""
_SIDE, _QUALITY = 384, 88


@dataclass(frozen=True)
class Example:
    """A crop of a test image, and what a model makes of it.

    Attributes:
        batch: of one, as the model takes it.
        canvas: the same, larger, to draw on.
        prediction: of the model.
    """

    batch: Batch
    canvas: Batch
    prediction: Prediction

    @property
    def crop(self) -> UInt8[np.ndarray, "side side 3"]:
        """Pixels, RGB."""
        pixels = self.canvas["image"][0].permute(1, 2, 0).numpy() * 255
        return np.ascontiguousarray(pixels.round().astype(np.uint8))

    @property
    def overlay(self) -> UInt8[np.ndarray, "side side 3"]:
        """The crop with the predicted body, or the skeleton of a method of joints alone."""
        from body.draw import mesh_overlay, skeleton_overlay

        predicted = self.prediction
        affine = np.vstack([self.canvas["crop_affine"][0].numpy(), [0, 0, 1]])
        if predicted.vertices is not None and predicted.faces is not None:
            camera, faces = affine @ self.canvas["intrinsics"][0].numpy(), np.asarray(predicted.faces)
            return mesh_overlay(self.crop, predicted.vertices[0].float().numpy(), faces, camera)
        assert predicted.joints_2d is not None
        points = np.hstack([predicted.joints_2d[0].numpy(), np.ones((predicted.joints_2d.shape[1], 1))])
        return skeleton_overlay(self.crop, points @ affine[:2].T, predicted.skeleton)


def make_example(model: PoseModule, sample: int = SAMPLE) -> Example:
    """Predict a test image of open-v2.

    Args:
        model: on the open body, or of joints alone; in eval mode, on the CPU.
        sample: number of the image.
    """
    import torch

    from datamodules.open_v2.datamodule import OpenV2DataModule
    from datamodules.settings import CropSettings

    skeleton = model.batch_skeleton or model.skeleton

    def crop_of(size: int) -> Batch:
        data = OpenV2DataModule(crops=CropSettings(skeleton=skeleton.name, size=size))
        row = torch.utils.data.default_collate([data.dataset("test")[sample]])
        return cast("Batch", data.on_after_batch_transfer(row, 0))

    batch = crop_of(model.crop_size)
    with torch.inference_mode():
        return Example(batch, crop_of(_SIDE), model.predict(batch))


def card_picture(model: PoseModule) -> bytes:
    """JPEG: the crop, and beside it the crop with the prediction."""
    import cv2

    example = make_example(model)
    both = np.concatenate([example.crop, example.overlay], axis=1)
    done, data = cv2.imencode(".jpg", both[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(data)
