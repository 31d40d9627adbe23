"""Images of `zoo demo`: predictions for some test samples of an open benchmark beside the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from body.draw import mesh_overlay
from datamodules.base import BaseDataModule
from datamodules.batch import Batch
from datamodules.sample import RawSample
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from zoo.prediction.export import SourceImage, write_prediction
from zoo.prediction.export.drawing import png_bytes
from zoo.prediction.export.files import write_files
from zoo.prediction.placement import place

SAMPLE_INDICES = (3, 76, 149, 222, 295, 368, 441, 514)
"""Test samples of the contact sheet: evenly spaced, not selected by hand."""
_CELL = 256
_TRUTH = (225, 190, 130)
_PREDICTED = (150, 185, 230)


@dataclass(frozen=True)
class DemoBatch:
    """Samples of the test split, their predictions as they are evaluated, and as `zoo predict` shows them."""

    batch: Batch
    prediction: Prediction
    shown: Prediction


def predict_samples(
    model: PoseModule, datamodule: BaseDataModule, indices: Sequence[int] = SAMPLE_INDICES
) -> DemoBatch:
    """Predictions for some test samples."""
    dataset = datamodule.dataset("test")
    rows = [dataset[index] for index in indices]
    batch = cast("Batch", torch.utils.data.default_collate(rows))
    batch = datamodule.on_after_batch_transfer(batch, 0)
    with torch.inference_mode():
        prediction = model.predict_step(batch, 0)
        return DemoBatch(batch, prediction, place(model, prediction, batch))


def draw_contact_sheet(demo: DemoBatch) -> UInt8[np.ndarray, "height width 3"]:
    """One row per sample: crop, prediction and ground truth over it, and both from the side and from above."""
    rows = [_draw_sample(demo, number) for number in range(len(demo.batch["image"]))]
    titles = ("image", "prediction", "truth", "prediction, side", "truth, side", "both, from above")
    header = np.full((28, rows[0].shape[1], 3), 255, np.uint8)
    for column, title in enumerate(titles):
        cv2.putText(
            header, title, (column * _CELL + 8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA
        )
    return np.concatenate([header, *rows])


def _draw_sample(demo: DemoBatch, number: int) -> UInt8[np.ndarray, "height width 3"]:
    batch, prediction = demo.batch, demo.prediction
    if prediction.vertices is None or demo.shown.vertices is None or prediction.faces is None:
        raise ValueError("the contact sheet shows meshes; this method predicts none")
    faces = np.asarray(prediction.faces, np.int64)
    crop = batch["image"][number].permute(1, 2, 0).mul(255).round().byte().numpy()
    image = cv2.resize(crop, (_CELL, _CELL), interpolation=cv2.INTER_CUBIC)
    camera = crop_intrinsics(batch, number, _CELL / crop.shape[0])
    predicted, true = prediction.vertices[number].numpy(), batch["vertices"][number].numpy()
    root = prediction.skeleton.root_index
    centre = (true.min(0) + true.max(0)) / 2
    aligned = predicted - prediction.joints[number, root].numpy() + batch["joints"][number, root].numpy()
    side = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    above = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return np.concatenate(
        [
            image,
            mesh_overlay(image, demo.shown.vertices[number].numpy(), faces, camera, _PREDICTED),
            mesh_overlay(image, true, faces, camera, _TRUTH),
            _render_from_outside([(aligned, _PREDICTED)], faces, centre, side),
            _render_from_outside([(true, _TRUTH)], faces, centre, side),
            _render_from_outside([(true, _TRUTH), (aligned, _PREDICTED)], faces, centre, above),
        ],
        axis=1,
    )


def crop_intrinsics(batch: Batch, number: int, zoom: float = 1.0) -> Float[np.ndarray, "3 3"]:
    """Camera matrix of a crop that is enlarged by `zoom`."""
    affine = np.eye(3)
    affine[:2] = batch["crop_affine"][number].double().numpy()
    enlarge = np.array([[zoom, 0, (zoom - 1) / 2], [0, zoom, (zoom - 1) / 2], [0, 0, 1]])
    return np.asarray(enlarge @ affine @ batch["intrinsics"][number].double().numpy())


def _render_from_outside(
    meshes: Sequence[tuple[Float[np.ndarray, "vertices 3"], tuple[int, int, int]]],
    faces: np.ndarray,
    centre: Float[np.ndarray, "3"],
    rotation: Float[np.ndarray, "3 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Meshes on a plain background, rotated about `centre`, from 8 metres with a long focal length."""
    image = np.full((_CELL, _CELL, 3), 245, np.uint8)
    middle, distance = (_CELL - 1) / 2, 8.0
    focal = _CELL * distance / 2.3  # 2.3 metres fill the image
    camera = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    for vertices, colour in meshes:
        rotated = ((vertices - centre) @ rotation.T + [0, 0, distance]).astype(np.float32)
        image = mesh_overlay(image, rotated, faces, camera, colour, alpha=1.0 if len(meshes) == 1 else 0.6)
    return image


def write_demo_images(demo: DemoBatch, datamodule: BaseDataModule, folder: Path, weights: str) -> list[Path]:
    """The contact sheet, and all files of `zoo predict` for the first sample whose box is inside the image.

    Raises:
        ZooError: the folder cannot be written.
    """
    paths = write_files({"contact_sheet.png": png_bytes(draw_contact_sheet(demo))}, folder)
    samples = [datamodule.source("test")[int(index)] for index in demo.batch["index"]]
    number = next((number for number, sample in enumerate(samples) if _is_inside_image(sample)), 0)
    sample, row = samples[number], slice(number, number + 1)
    source = SourceImage(sample.image, sample.intrinsics.astype(np.float32), "sample.png", intrinsics_given=True)
    one = Prediction(
        joints=demo.shown.joints[row],
        skeleton=demo.shown.skeleton,
        joints_2d=demo.shown.joints_2d[row],
        root_depth_source=demo.shown.root_depth_source,
        vertices=None if demo.shown.vertices is None else demo.shown.vertices[row],
        faces=demo.shown.faces,
    )
    x, y, width, height = (float(value) for value in sample.box)
    paths += write_files({"sample.png": png_bytes(sample.image)}, folder)
    return paths + write_prediction(one, source, [(x, y, width, height)], folder, weights)


def _is_inside_image(sample: RawSample) -> bool:
    """Whether the person's box is inside the image."""
    (x, y), (right, bottom) = sample.box[:2], sample.box[:2] + sample.box[2:]
    height, width = sample.image.shape[:2]
    return bool(min(x, y) > 0 and right < width - 1 and bottom < height - 1)
