"""UP-3D's files of one image, read for many.

Convention:
    A fit is made in a resized cut of the image. `_fit_crop_info.txt` holds that image's height and width and the
    cut's y0 y1 x0 x1 in the image; the fit's camera has its principal point in the middle of that image. Example:
    "200 100 10 110 20 70" is a cut 50 wide at (20, 10), enlarged twice, so f = 5000 there is 2500 in the image,
    and the principal point (50, 100) is (45, 60).
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float

from body.model import BodyModel
from body.safe_pickle import read_pickle
from body.skeleton import LSP14
from datamodules.readers.boxes import boxes_of_points
from datamodules.readers.posed import RestJoints, matrices
from datamodules.readers.world import smpl_to_camera

_AGAIN = "unpack up-3d.zip again"


class Fits(NamedTuple):
    """SMPL parameters in the camera frame, metres, and the camera (fx, fy, cx, cy) of the whole image."""

    pose: Float[np.ndarray, "rows 24 3"]
    betas: Float[np.ndarray, "rows 10"]
    transl: Float[np.ndarray, "rows 3"]
    intrinsics: Float[np.ndarray, "rows 4"]


def read_fits(folder: Path, names: Sequence[str], body: BodyModel) -> Fits:
    """The fits of images.

    Args:
        folder: `up-3d`.
        names: numbers of the images, five digits.
        body: neutral, whose parameters these are.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged.
    """
    files = [_read_body(folder / f"{name}_body.pkl") for name in names]
    pose, betas, trans, rotation, shift, focal = (np.stack([file[k] for file in files]) for k in _SIZES)
    pose = pose.reshape(-1, 24, 3)
    roots = RestJoints(body).of(betas)[:, 0]
    pose[:, 0], transl = smpl_to_camera(pose[:, 0], trans, roots, matrices(rotation), shift)
    cuts = np.stack([_numbers(folder / f"{name}_fit_crop_info.txt", 6) for name in names])
    height, width, y0, y1, x0, x1 = cuts.T
    grown = (height / (y1 - y0) + width / (x1 - x0)) / 2
    focal = focal[:, 0] / grown
    intrinsics = np.stack([focal, focal, width / 2 / grown + x0, height / 2 / grown + y0], 1)
    return Fits(pose, betas, transl, intrinsics)


def read_joints(
    folder: Path, names: Sequence[str]
) -> tuple[Float[np.ndarray, "rows 14 2"], Bool[np.ndarray, "rows 14"]]:
    """LSP's joints in the images, and which of them are annotated.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged.
    """
    values = np.stack([_read_joints(folder / f"{name}_joints.npy") for name in names])
    return values[:, :2].transpose(0, 2, 1), values[:, 2] > 0


def read_datasets(folder: Path, names: Sequence[str]) -> list[str]:
    """Where images come from: `lsp`, `lspext`, `mpii` or `fashionpose`.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is empty.
    """
    return [_words(folder / f"{name}_dataset_info.txt", 1)[0] for name in names]


def render_boxes(folder: Path, names: Sequence[str]) -> Float[np.ndarray, "rows 4"]:
    """Boxes of the fitted bodies in `_render_light.png`, whose background is white (GraphCMR).

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is no image, or shows nobody.
    """
    with ThreadPoolExecutor() as pool:  # OpenCV decodes outside of Python's lock
        return np.stack(list(pool.map(lambda name: _render_box(folder / f"{name}_render_light.png"), names)))


def joint_boxes(folder: Path, names: Sequence[str]) -> Float[np.ndarray, "rows 4"]:
    """Tight boxes around the annotated joints."""
    return boxes_of_points(*read_joints(folder, names))


_SIZES = {"pose": 72, "betas": 10, "trans": 3, "rt": 3, "t": 3, "f": 1}


def _read_body(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; {_AGAIN}")
    try:
        content = read_pickle(path)
        return {key: np.asarray(content[key], np.float64).reshape(size) for key, size in _SIZES.items()}
    except (pickle.UnpicklingError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no whole fit ({error}); {_AGAIN}") from None


def _read_joints(path: Path) -> Float[np.ndarray, "3 14"]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; {_AGAIN}")
    try:
        values = np.load(path, allow_pickle=False).astype(np.float64)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is no whole array ({error}); {_AGAIN}") from None
    if values.shape == (2, len(LSP14)):  # without confidences, what is not there is 0
        values = np.concatenate([values, (values > 0).all(0, keepdims=True)])
    if values.shape != (3, len(LSP14)):
        raise ValueError(f"{path} is {values.shape}, not (3, 14); {_AGAIN}")
    return values


def _words(path: Path, count: int) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; {_AGAIN}")
    words = path.read_text(encoding="utf-8").split()
    if len(words) < count:
        raise ValueError(f"{path} has {len(words)} words instead of {count}; {_AGAIN}")
    return words


def _numbers(path: Path, count: int) -> Float[np.ndarray, " _"]:
    try:
        return np.array(_words(path, count)[:count], np.float64)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _render_box(path: Path) -> Float[np.ndarray, "4"]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; use boxes: joints, or {_AGAIN}")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    body = np.zeros((0, 0), bool) if image is None else image.min(-1) < 255
    if not body.any():
        raise ValueError(f"{path} is not an image of a body on white; {_AGAIN}")
    columns, rows = np.flatnonzero(body.any(0)), np.flatnonzero(body.any(1))
    return np.array([columns[0], rows[0], np.ptp(columns) + 1.0, np.ptp(rows) + 1.0])
