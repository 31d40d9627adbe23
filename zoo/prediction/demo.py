"""What `zoo demo` draws: predictions for a few test samples of the open benchmark beside the truth."""

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
from datamodules.batch import Batch
from datamodules.sample import RawSample
from datamodules.synthetic import SyntheticDataModule
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from zoo.prediction.export import Photo, write_prediction
from zoo.prediction.export.files import png_bytes, write_together

SHOWN = (3, 76, 149, 222, 295, 368, 441, 514)
"""Test samples of the contact sheet: evenly spread, not picked by hand."""
_CELL = 256
_TRUTH = (225, 190, 130)
_PREDICTED = (150, 185, 230)


@dataclass(frozen=True)
class Shown:
    """Samples of the test split as the model sees and answers them."""

    batch: Batch
    prediction: Prediction


def look(model: PoseModule, datamodule: SyntheticDataModule, indices: Sequence[int] = SHOWN) -> Shown:
    """Predictions for a few test samples."""
    dataset = datamodule.dataset("test")
    rows = [dataset[index] for index in indices]
    batch = cast("Batch", torch.utils.data.default_collate(rows))
    batch = datamodule.on_after_batch_transfer(batch, 0)
    with torch.inference_mode():
        return Shown(batch, model.predict_step(batch, 0))


def contact_sheet(shown: Shown) -> UInt8[np.ndarray, "height width 3"]:
    """One row per sample: the crop, prediction over it, truth over it, and both from the side and from above."""
    rows = [_row(shown, number) for number in range(len(shown.batch["image"]))]
    titles = ("photograph", "prediction", "truth", "prediction, side", "truth, side", "both, from above")
    header = np.full((28, rows[0].shape[1], 3), 255, np.uint8)
    for column, title in enumerate(titles):
        cv2.putText(
            header, title, (column * _CELL + 8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA
        )
    return np.concatenate([header, *rows])


def _row(shown: Shown, number: int) -> UInt8[np.ndarray, "height width 3"]:
    batch, prediction = shown.batch, shown.prediction
    if prediction.vertices is None or prediction.faces is None:
        raise ValueError("the contact sheet shows meshes; this method has none")
    faces = np.asarray(prediction.faces, np.int64)
    crop = batch["image"][number].permute(1, 2, 0).mul(255).round().byte().numpy()
    photo = cv2.resize(crop, (_CELL, _CELL), interpolation=cv2.INTER_CUBIC)
    camera = crop_camera(batch, number, _CELL / crop.shape[0])
    mine, true = prediction.vertices[number].numpy(), batch["vertices"][number].numpy()
    root = prediction.skeleton.root_index  # as in the batches, whose skeleton the model shares
    centre = (true.min(0) + true.max(0)) / 2
    mine_there = mine - prediction.joints[number, root].numpy() + batch["joints"][number, root].numpy()
    side = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    above = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return np.concatenate(
        [
            photo,
            mesh_overlay(photo, mine, faces, camera, _PREDICTED),
            mesh_overlay(photo, true, faces, camera, _TRUTH),
            _studio([(mine_there, _PREDICTED)], faces, centre, side),
            _studio([(true, _TRUTH)], faces, centre, side),
            _studio([(true, _TRUTH), (mine_there, _PREDICTED)], faces, centre, above),
        ],
        axis=1,
    )


def crop_camera(batch: Batch, number: int, zoom: float = 1.0) -> Float[np.ndarray, "3 3"]:
    """Camera matrix whose pixels are those of the crop, enlarged by `zoom`."""
    affine = np.eye(3)
    affine[:2] = batch["crop_affine"][number].double().numpy()
    enlarge = np.array([[zoom, 0, (zoom - 1) / 2], [0, zoom, (zoom - 1) / 2], [0, 0, 1]])
    return np.asarray(enlarge @ affine @ batch["intrinsics"][number].double().numpy())


def _studio(
    meshes: Sequence[tuple[Float[np.ndarray, "vertices 3"], tuple[int, int, int]]],
    faces: np.ndarray,
    centre: Float[np.ndarray, "3"],
    turn: Float[np.ndarray, "3 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Meshes before a plain wall, turned about `centre`, seen from 8 metres with a long lens."""
    picture = np.full((_CELL, _CELL, 3), 245, np.uint8)
    middle, distance = (_CELL - 1) / 2, 8.0
    focal = _CELL * distance / 2.3  # 2.3 metres fill the picture
    camera = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    for vertices, colour in meshes:
        placed = ((vertices - centre) @ turn.T + [0, 0, distance]).astype(np.float32)
        picture = mesh_overlay(picture, placed, faces, camera, colour, alpha=1.0 if len(meshes) == 1 else 0.6)
    return picture


def write_pictures(shown: Shown, datamodule: SyntheticDataModule, folder: Path, weights: str) -> list[Path]:
    """The contact sheet, and every file of `zoo predict` for the first sample that the border does not cut.

    Raises:
        ZooError: the folder cannot be written.
    """
    paths = write_together({"contact_sheet.png": png_bytes(contact_sheet(shown))}, folder)
    samples = [datamodule.source("test")[int(index)] for index in shown.batch["index"]]
    number = next((number for number, sample in enumerate(samples) if _is_whole(sample)), 0)
    sample, only = samples[number], slice(number, number + 1)
    photo = Photo(sample.image, sample.intrinsics.astype(np.float32), "sample.png", camera_known=True)
    one = Prediction(
        joints=shown.prediction.joints[only],
        skeleton=shown.prediction.skeleton,
        joints_2d=shown.prediction.joints_2d[only],
        root_depth_source=shown.prediction.root_depth_source,
        vertices=None if shown.prediction.vertices is None else shown.prediction.vertices[only],
        faces=shown.prediction.faces,
    )
    x, y, width, height = (float(value) for value in sample.box)
    paths += write_together({"sample.png": png_bytes(sample.image)}, folder)
    return paths + write_prediction(one, photo, [(x, y, width, height)], folder, weights)


def _is_whole(sample: RawSample) -> bool:
    """Whether the person's box ends inside the photograph."""
    (x, y), (right, bottom) = sample.box[:2], sample.box[:2] + sample.box[2:]
    height, width = sample.image.shape[:2]
    return bool(min(x, y) > 0 and right < width - 1 and bottom < height - 1)
