"""SMPL parameters of one's own images, in the archives that `zoo predict --formats npz` writes."""

from __future__ import annotations

import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from body.model import BodyModel
from datamodules.annotations import Annotations
from datamodules.readers.posed import RestJoints

_SHAPES = {"poses": (1, 72), "betas": (10,), "trans": (1, 3), "intrinsics": (3, 3), "image_size": (2,)}
_HINT = "write it with zoo predict --formats npz"


class Parameters(NamedTuple):
    """One person's archive."""

    pose: np.ndarray
    betas: np.ndarray
    transl: np.ndarray
    intrinsics: np.ndarray


def with_parameters(table: Annotations, sizes: np.ndarray, folder: Path, body: BodyModel, name: str) -> Annotations:
    """The same people, with the parameters that there are of them, and the cameras that these belong to.

    A body whose root is not in the person's box, twice as large, is somebody else's: it is left out, and a warning
    counts such bodies.

    Args:
        table: people with boxes and 2D joints.
        sizes: width and height of their images.
        folder: of the archives.
        body: neutral body of the parameters.
        name: of that body, as archives have it.

    Raises:
        FileNotFoundError: no such folder, or nobody's archive is in it.
        ValueError: an archive is damaged, or of another body or image.
    """
    paths = _paths(table, folder)
    if not any(path.is_file() for path in paths):
        raise FileNotFoundError(f"{folder} has no archive of anybody, such as {paths[0].name}; {_HINT}")
    count = len(table)
    pose, betas, transl = np.zeros((count, 24, 3)), np.zeros((count, 10)), np.zeros((count, 3))
    valid, cameras = np.zeros(count, bool), table.intrinsics.copy()
    for row in [row for row, path in enumerate(paths) if path.is_file()]:
        found = read_parameters(paths[row], name, (int(sizes[row, 0]), int(sizes[row, 1])))
        pose[row], betas[row], transl[row], valid[row] = found.pose.reshape(24, 3), found.betas, found.transl, True
        cameras[row] = found.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]]
    strange = valid & ~_on_their_people(table, RestJoints(body).of(betas)[:, 0] + transl, cameras)
    if strange.any():
        first = paths[int(np.flatnonzero(strange)[0])].name
        warnings.warn(
            f"{int(strange.sum())} bodies are not where their people are, the first one in {first}, and are left out; "
            f"the archives of an image are numbered in the order of the keypoint file",
            stacklevel=2,
        )
    kept = valid & ~strange
    return replace(
        table,
        pose=np.where(kept[:, None, None], pose, 0).astype(np.float32),
        betas=np.where(kept[:, None], betas, 0).astype(np.float32),
        transl=np.where(kept[:, None], transl, 0).astype(np.float32),
        smpl_valid=kept,
        intrinsics=np.where(kept[:, None], cameras, table.intrinsics).astype(np.float32),
    )


def read_parameters(path: Path, body: str, size: tuple[int, int]) -> Parameters:
    """One person's parameters.

    Args:
        path: of the archive.
        body: name of the body that they should be of.
        size: width and height of the image.

    Raises:
        ValueError: the file is damaged, or of another body or image; the message names it.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        raise ValueError(f"{path} is no numpy archive of plain arrays; {_HINT}") from None
    for name, shape in _SHAPES.items():
        if name not in arrays or arrays[name].shape != shape or arrays[name].dtype.kind not in "fiu":
            there = arrays[name].shape if name in arrays else "not there"
            raise ValueError(f"{path}: {name} must be numbers of shape {shape}, and is {there}; {_HINT}")
    words = {name: str(arrays.get(name, "")) for name in ("body", "gender")}
    if words["body"] != body or words["gender"] not in ("neutral", ""):
        raise ValueError(
            f"{path} is of the body {words['body']!r} ({words['gender'] or 'no gender'}) and the model learns "
            f"{body!r} (neutral); fit that body, or set model.body"
        )
    width, height = (int(value) for value in arrays["image_size"])
    if (width, height) != size:
        raise ValueError(f"{path} is of an image of {width} x {height}, not {size[0]} x {size[1]}; {_HINT} again")
    return Parameters(*(arrays[name].astype(np.float64).reshape(shape[-1] if shape[0] == 1 else shape)
                        for name, shape in list(_SHAPES.items())[:4]))  # fmt: skip


def _paths(table: Annotations, folder: Path) -> list[Path]:
    """Where everybody's archive would be."""
    images: Sequence[str] = [table.images[row] for row in range(len(table))]
    counts, seen, paths = Counter(images), Counter[str](), []
    for image in images:
        stem = Path(image).stem
        paths.append(folder / (f"{stem}.npz" if counts[image] == 1 else f"{stem}_person{seen[image]}.npz"))
        seen[image] += 1
    return paths


def _on_their_people(table: Annotations, roots: np.ndarray, cameras: np.ndarray) -> np.ndarray:
    """Whose root, seen by the camera, is in the person's box, twice as large."""
    depth = np.where(roots[:, 2] > 0, roots[:, 2], np.nan)[:, None]
    pixels = roots[:, :2] / depth * cameras[:, :2] + cameras[:, 2:]
    start, extent = table.boxes[:, :2], table.boxes[:, 2:]
    return np.asarray((np.abs(pixels - (start + extent / 2)) <= extent).all(1))  # NaN is not
