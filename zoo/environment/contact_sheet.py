"""An image of a benchmark's samples with their labels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from body.draw import skeleton_overlay
from body.licensed import find_licensed
from body.load import load_body
from body.model import BodyModel
from body.rasterize import rasterize
from body.skeleton import SMPL24
from body.surface_renderer import SurfaceRenderer
from datamodules.augment import NO_CHANGE
from datamodules.base import rest_root
from datamodules.crop import make_crop
from datamodules.files import FileDataModule
from datamodules.sample import RawSample
from datamodules.settings import CropSettings
from zoo.environment.data_check import READING_ERRORS, evenly_spaced

CELL = 256
_MARGIN = 1.6
_TITLE = 20
_BOX_COLOUR = (250, 220, 60)
_MESH_COLOUR = (240, 60, 200)

RGBImage = UInt8[np.ndarray, "height width 3"]


def draw_contact_sheet(data: FileDataModule, splits: tuple[str, ...], per_split: int = 4) -> RGBImage:
    """Samples of every split: with box and joints, with the outline of the SMPL mesh, and with surface labels.

    Unreadable samples are skipped; cells without labels are white. Bodies are the user's neutral SMPL or MANO; without
    SMPL the open body is used, which is approximately the same shape.

    Args:
        data: the benchmark.
        splits: one column each.
        per_split: samples per split, evenly spaced.

    Raises:
        ValueError: no sample can be read.
    """
    columns = [np.concatenate(rows) for split in splits if (rows := _draw_split(data, split, per_split))]
    if not columns:
        raise ValueError("no sample can be read")
    height = max(map(len, columns))
    padded = [np.pad(one, ((0, height - len(one)), (0, 0), (0, 0)), constant_values=255) for one in columns]
    return np.concatenate(padded, axis=1)


def _draw_split(data: FileDataModule, split: str, count: int) -> list[RGBImage]:
    rows = []
    with suppress(*READING_ERRORS):  # the split cannot be read
        source = data.source(split)
        for index in evenly_spaced(len(source), count):
            with suppress(*READING_ERRORS):
                rows.append(_draw_sample(source[index], split))
    return rows


def label_body(sample: RawSample) -> BodyModel | None:
    """The body model of a sample's SMPL or MANO parameters, or None."""
    if sample.smpl is None:
        return None
    if len(sample.smpl.pose) != len(SMPL24):
        return load_body("mano") if find_licensed("mano") else None
    return load_body("smpl" if find_licensed("smpl") else "open")


def _draw_sample(sample: RawSample, split: str) -> RGBImage:
    body = label_body(sample)
    if body is None:
        sample = replace(sample, smpl=None)
    settings = CropSettings(skeleton=sample.skeleton.name, size=CELL, margin=_MARGIN, augmentation=None)
    crop = make_crop(sample, settings, NO_CHANGE, rest_root(body or load_body("open")))
    image = crop["image"].permute(1, 2, 0).mul(255).round().byte().numpy()
    cells = [_draw_joints(image, sample, crop), _draw_mesh(image, crop, body), _draw_surface(image, crop, body)]
    title = np.full((_TITLE, len(cells) * CELL, 3), 255, np.uint8)
    caption = f"{split} {sample.index}  {sample.image_name or sample.sequence}"
    cv2.putText(title, caption[-100:], (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (40, 40, 40), 1, cv2.LINE_AA)
    return np.concatenate([title, np.concatenate(cells, axis=1)])


def _draw_joints(image: RGBImage, sample: RawSample, crop: Mapping[str, Any]) -> RGBImage:
    window = crop["box"].double().numpy()
    zoom = CELL / window[2]
    corner = (sample.box[:2] - window[:2]) * zoom
    start, end = np.rint(corner).astype(int), np.rint(corner + sample.box[2:] * zoom).astype(int)
    canvas = cv2.rectangle(image.copy(), start.tolist(), end.tolist(), _BOX_COLOUR, 1, cv2.LINE_AA)
    joints, valid = crop["joints_2d"].numpy(), crop["joints_2d_valid"].numpy()
    return skeleton_overlay(canvas, joints, sample.skeleton, valid)


def _draw_mesh(image: RGBImage, crop: Mapping[str, Any], body: BodyModel | None) -> RGBImage:
    if body is None:
        return np.full_like(image, 255)
    with torch.no_grad():
        pose, betas, transl = (crop[name][None] for name in ("pose", "betas", "transl"))
        vertices = body(pose + body.mean_pose, betas, transl).vertices[0].numpy()
    hits = rasterize(vertices, body.faces, crop_intrinsics(crop), (CELL, CELL))
    covered = (hits.face >= 0).reshape(CELL, CELL).astype(np.uint8)
    outlines, _ = cv2.findContours(covered, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), outlines, -1, _MESH_COLOUR, 1)


def _draw_surface(image: RGBImage, crop: Mapping[str, Any], body: BodyModel | None) -> RGBImage:
    """Part as hue, U and V as shades."""
    iuv = crop["iuv"].permute(1, 2, 0).numpy()
    if not crop["iuv_valid"]:
        if body is None or body.skeleton.name != SMPL24.name:
            return np.full_like(image, 255)
        iuv = SurfaceRenderer(body)(dict(crop), CELL, CELL).permute(1, 2, 0).numpy()
    hue = (iuv[..., 0].astype(int) * 47 % 180).astype(np.uint8)
    colours = cv2.cvtColor(np.stack([hue, 255 - iuv[..., 2] // 2, 120 + iuv[..., 1] // 2], -1), cv2.COLOR_HSV2RGB)
    return np.where(iuv[..., :1] > 0, (0.25 * image + 0.75 * colours).astype(np.uint8), image)


def crop_intrinsics(crop: Mapping[str, Any]) -> Float[np.ndarray, "3 3"]:
    """Camera matrix of the crop."""
    affine = np.eye(3)
    affine[:2] = crop["crop_affine"].double().numpy()
    return affine @ crop["intrinsics"].double().numpy()
