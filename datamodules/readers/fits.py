"""SMPL fits that others made for a benchmark's people, attached to its labels."""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from body.model import BodyModel
from datamodules.annotations import Annotations
from datamodules.readers.boxes import scale_boxes
from datamodules.readers.coco_json import Entries, read_json
from datamodules.readers.spin import MARGIN, solve_body_translation
from datamodules.readers.translation import translation_of_crops

_FAR_BETAS = 3.0


def with_spin_fits(table: Annotations, path: Path, body: BodyModel | None = None) -> Annotations:
    """A table with SPIN's fits, row by row: `static_fits/*.npy` or `final_fits/*.npz`.

    They have no translation: bodies are moved to where the table's camera sees them at their 2D joints, else in the
    middle of their boxes, and the rows are marked as not absolute. A fit with a shape coefficient beyond 3 has gone
    astray; as in SPIN's training it keeps its pose and gets the mean shape.

    Args:
        table: in the row order of SPIN's file of the benchmark.
        path: `.npy` with (N, 82), pose and shape, or `.npz` with `pose` (N, 72), `betas` (N, 10), `valid_fit` (N).
        body: whose parameters they are; without it every body's origin is in the middle of its box.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or has another number of rows than the table.
    """
    pose, betas, valid = _read_spin_fits(path, len(table))
    betas[(np.abs(betas) > _FAR_BETAS).any(1)] = 0
    crops = scale_boxes(_squared(table.boxes.astype(np.float64)), MARGIN)
    transl = translation_of_crops(crops, table.intrinsics)
    if body is not None and table.joints_2d is not None and table.joints_2d_valid is not None:
        keypoints = (table.joints_2d.astype(np.float64), table.joints_2d_valid, table.intrinsics)
        fitted, solved = solve_body_translation(pose, betas, keypoints, table.skeleton, body)
        transl[solved] = fitted[solved]
    return replace(
        table,
        pose=pose.astype(np.float32),
        betas=betas.astype(np.float32),
        transl=transl.astype(np.float32),
        smpl_valid=valid,
        absolute=np.zeros(len(table), bool),
    )


def with_smplifyx_fits(table: Annotations, path: Path) -> Annotations:
    """A table with the SMPLify-X fits that I2L-MeshNet's authors distribute, by annotation id.

    Args:
        table: people with `annotation_ids`.
        path: JSON, annotation id -> `pose` (72), `shape` (10) and `trans` (3; metres, camera frame), or the same under
            `smpl_param` beside the camera `cam_param` (`focal`, `princpt`; pixels) in which the fit was made. That
            camera then replaces the table's.

    Returns:
        The table; people without a fit have none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or has no fit for any of the people.
    """
    if table.annotation_ids is None:
        raise ValueError(f"{path} names people by annotation id, which the labels do not have")
    fits = read_json(path)
    if not isinstance(fits, dict):
        raise ValueError(f"{path} does not map annotation ids to fits; is it the right file?")
    keys = [str(number) for number in table.annotation_ids.tolist()]
    valid = np.array([key in fits for key in keys], bool)
    if len(table) and not valid.any():
        raise ValueError(f"{path} has {len(fits)} fits, but for none of the {len(table)} people; is it of this split?")
    entries = Entries([fits[key] for key in keys if key in fits], str(path))
    where = "smpl_param." if entries.has("smpl_param").any() else ""
    intrinsics, has_camera = table.intrinsics.astype(np.float64), entries.has("cam_param")
    cameras = entries.take(has_camera)
    camera = np.concatenate([cameras.numbers("cam_param.focal", 2), cameras.numbers("cam_param.princpt", 2)], -1)
    intrinsics[np.flatnonzero(valid)[has_camera]] = camera

    def column(key: str, *shape: int) -> np.ndarray:
        values = np.zeros((len(table), *shape), np.float32)
        values[valid] = entries.numbers(where + key, *shape)
        return values

    pose, betas, transl = column("pose", 24, 3), column("shape", 10), column("trans", 3)
    return replace(table, pose=pose, betas=betas, transl=transl, smpl_valid=valid, intrinsics=intrinsics)


def warn_of_other_body(table: Annotations, body: str) -> None:
    """Say so where SMPL's parameters with a translation are put on the open body.

    A fit's root is at its translation plus where SMPL's root rests, 0.2 m below the origin; the open body rests
    elsewhere, and its shape coefficients mean something else.
    """
    if body == "open" and table.smpl_valid is not None and table.smpl_valid.any():
        warnings.warn(
            "these fits are of SMPL, not of the open body: people come out with another shape, 0.2 m away; set "
            "the model's body to smpl, or train without the losses of meshes and parameters",
            stacklevel=3,
        )


def _read_spin_fits(
    path: Path, rows: int
) -> tuple[Float[np.ndarray, "rows 24 3"], Float[np.ndarray, "rows 10"], Bool[np.ndarray, " rows"]]:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; SPIN's fetch_data.sh (github.com/nkolot/SPIN) downloads its fits")
    try:
        if path.suffix == ".npy":
            values = np.load(path, allow_pickle=False)
            pose, betas, valid = values[:, :72], values[:, 72:82], np.ones(len(values), bool)
        else:
            with np.load(path, allow_pickle=False) as stored:
                pose, betas = stored["pose"], stored["betas"]
                valid = stored["valid_fit"].reshape(-1) > 0
    except (OSError, ValueError, EOFError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a file of SPIN's fits ({error}); download it again") from None
    if pose.shape != (rows, 72) or betas.shape != (rows, 10) or valid.shape != (rows,):
        raise ValueError(f"{path} has fits {pose.shape}, {betas.shape}, the labels have {rows} rows: of which file?")
    return pose.astype(np.float64).reshape(rows, 24, 3), betas.astype(np.float64), valid


def _squared(boxes: Float[np.ndarray, "rows 4"]) -> Float[np.ndarray, "rows 4"]:
    side = boxes[:, 2:].max(1, keepdims=True)
    return np.concatenate([boxes[:, :2] + (boxes[:, 2:] - side) / 2, side, side], 1)
