"""`zoo.predict`: a model looks at the people of one photograph."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from body.camera import default_intrinsics
from body.skeleton import SMPL24
from datamodules.augment import NO_CHANGE
from datamodules.base import collate
from datamodules.batch import Batch
from datamodules.crop import RestRoot, crop_image, make_crop
from datamodules.sample import RawSample
from datamodules.settings import CropSettings
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from lightning_modules.rootnet.module import RootNetModule
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.load import load
from zoo.checkpoints.store import converted_file
from zoo.errors import ZooError
from zoo.prediction.images import ImageSource, read_image

Box = tuple[float, float, float, float]
Boxes = Sequence[Sequence[float | int]] | np.ndarray


def predict(
    model: PoseModule,
    image: ImageSource,
    boxes: Boxes | None = None,
    intrinsics: np.ndarray | None = None,
    root_net: RootNetModule | None = None,
) -> Prediction:
    """3D joints and mesh of the people in a photograph, one row per box.

    A box is grown to a square with a margin, as in training; what the square has outside of the photograph is black.
    Without a box the whole frame is taken, without a margin. How far away a person is, RootNet estimates where its
    weights are (`zoo convert rootnet FILE`) and the method predicts a body with a pelvis; the size of the box
    otherwise. `Prediction.root_depth_source` says which.

    Args:
        model: from `zoo.load`.
        image: path, Pillow image or array; see `zoo.prediction.images.read_image`.
        boxes: (x, y, width, height) around each person in pixels of the upright photograph; parts outside of it are
            cut off.
        intrinsics: (3, 3) camera matrix in pixels; 60 degrees across the longer side when omitted.
        root_net: estimates the absolute depth; the converted official one, if there is one, when omitted.

    Raises:
        ZooError: the image cannot be read, or a box is empty or outside of it, or the intrinsics are no camera.
    """
    pixels = read_image(image)
    people = check_boxes(boxes, pixels.shape[1], pixels.shape[0])
    camera, margin = camera_matrix(intrinsics, pixels), 1.0 if boxes is None else 1.25
    batch = photo_batch(pixels, people, camera, model.crop_size, margin)
    root_net = root_net or converted_root_net(str(model.device)) if _has_pelvis(model) else None
    if root_net is None:
        return _answer(model, batch)
    seen = photo_batch(pixels, people, camera, root_net.crop_size, margin)
    depth = _answer(root_net, seen).joints[:, 0, 2].cpu()
    batch["root_depth"] = depth.clamp(min=0.55 * root_net.extent)  # nothing of a person is behind the camera
    batch["root_depth_valid"] = torch.ones(len(people), dtype=torch.bool)
    return dataclasses.replace(_answer(model, batch), root_depth_source="rootnet")


def converted_root_net(device: str) -> RootNetModule | None:
    """RootNet with the official weights that the user has converted, or None when there are none.

    Raises:
        ZooError: the converted file is damaged.
    """
    listed = (entry for entry in read_checkpoints().values() if entry.method == "rootnet" and entry.default)
    path = next((converted_file(entry) for entry in listed), None)
    return None if path is None else _root_net(path, path.stat().st_mtime_ns, device)


@cache
def _root_net(path: Path, changed: int, device: str) -> RootNetModule:  # noqa: ARG001 (a new file is loaded anew)
    return cast("RootNetModule", load(path, device=device))


def _has_pelvis(model: PoseModule) -> bool:
    return model.skeleton.root.startswith("pelvis")


def _answer(model: PoseModule, batch: Batch) -> Prediction:
    """The model's prediction in eval mode, whatever its mode is."""
    batch = model.transfer_batch_to_device(batch, model.device, 0)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            return model.predict_step(batch, 0)
    finally:
        model.train(was_training)


def check_boxes(boxes: Boxes | None, width: int, height: int) -> list[Box]:
    """Boxes cut to the image; the whole frame when there are none.

    Raises:
        ZooError: a box is not four finite numbers, is empty, or lies outside of the image; or the list is empty.
    """
    if boxes is None:
        return [(0.0, 0.0, float(width), float(height))]
    if len(boxes) == 0:
        raise ZooError("the list of boxes is empty; leave it out to take the whole frame")
    return [_check_box(box, width, height) for box in boxes]


def _check_box(box: Sequence[float | int] | np.ndarray, width: int, height: int) -> Box:
    values = [float(value) for value in box]
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise ZooError(f"a box is four numbers x y width height, not {values}")
    x, y, w, h = values
    if w <= 0 or h <= 0:
        raise ZooError(f"box {x:g} {y:g} {w:g} {h:g} is empty; give x y width height with a positive size")
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + w, float(width)), min(y + h, float(height))
    if right - left < 1 or bottom - top < 1:
        raise ZooError(f"box {x:g} {y:g} {w:g} {h:g} lies outside of the image of {width} x {height} pixels")
    return left, top, right - left, bottom - top


def camera_matrix(
    intrinsics: np.ndarray | None, pixels: UInt8[np.ndarray, "height width 3"]
) -> Float[np.ndarray, "3 3"]:
    """The given camera, or the guess for a photograph that says nothing about its own.

    Raises:
        ZooError: not a (3, 3) matrix with positive focal lengths.
    """
    if intrinsics is None:
        return default_intrinsics(pixels.shape[1], pixels.shape[0]).numpy()
    matrix = np.asarray(intrinsics, np.float32)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or min(matrix[0, 0], matrix[1, 1]) <= 0:
        raise ZooError("intrinsics must be a 3 x 3 matrix [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in pixels")
    return matrix


def focal_matrix(focal: float, width: int, height: int) -> Float[np.ndarray, "3 3"]:
    """Camera with a focal length in pixels, looking along the middle of the image."""
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]], np.float32)


def photo_batch(
    pixels: UInt8[np.ndarray, "height width 3"],
    boxes: Sequence[Box],
    intrinsics: Float[np.ndarray, "3 3"],
    size: int,
    margin: float = 1.25,
) -> Batch:
    """The batch layout for boxes of one photograph, every label absent.

    Args:
        pixels: RGB.
        boxes: inside the image.
        intrinsics: of the image, pixels.
        size: side of the crops.
        margin: the square window is this many times the longer side of the box; 1.25 in training.
    """
    blank = np.zeros((len(SMPL24), 3), np.float32)
    nowhere = RestRoot(np.zeros(3), np.zeros((10, 3)))  # only SMPL labels would be turned about it
    settings, rows = CropSettings(SMPL24.name, size=size, margin=margin), []
    for number, box in enumerate(boxes):
        sample = RawSample(
            image=pixels,
            intrinsics=intrinsics,
            box=np.array(box, np.float32),
            joints=blank,
            joints_valid=np.zeros(len(SMPL24), bool),
            skeleton=SMPL24,
            index=number,
        )
        row = make_crop(sample, settings, NO_CHANGE, nowhere)
        row["image"] = _smooth_crop(pixels, row["crop_affine"], size)
        rows.append(row)
    batch = collate(rows)
    batch["vertices"] = torch.zeros(len(rows), 0, 3)
    batch["frame"] = batch["frame"].tolist()
    return cast("Batch", batch)


def _smooth_crop(
    pixels: UInt8[np.ndarray, "height width 3"], affine: Float[torch.Tensor, "2 3"], size: int
) -> Float[torch.Tensor, "3 size size"]:
    """The crop, of a photograph first made smaller by averaging where it has many pixels for one of the crop."""
    matrix = affine.double().numpy()
    times = int(1 / max(float(np.linalg.norm(matrix[:, 0])), 1e-6))
    if times >= 2:
        height, width = pixels.shape[:2]
        small = (max(1, width // times), max(1, height // times))
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        factors = np.array([width / small[0], height / small[1]])
        offset = matrix[:, :2] @ ((factors - 1) / 2) + matrix[:, 2]  # u + 1/2 = factor (u_small + 1/2)
        matrix = np.column_stack([matrix[:, :2] * factors, offset])
    crop = crop_image(pixels, matrix, size)
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))).float() / 255
