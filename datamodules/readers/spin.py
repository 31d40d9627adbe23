"""SPIN's annotation files (Kolotouros et al. 2019), which HMR's successors share: one `.npz` per benchmark and split.

Arrays, row by row: `imgname`, `center` (N, 2) and `scale` (N; side of the crop / 200), and as far as the benchmark has
them `part` (N, 24, 3: pixels and confidence), `S` (N, 24, 4: metres relative to the root, in the camera's directions,
and confidence), `pose` (N, 72), `shape` (N, 10), `has_smpl` (N), `gender` (N; `m`, `f`). `openpose`, `dp_annot` and
what else a file may hold is not read.

The 24 slots hold what the benchmark had for them: `body.skeleton.SPIN24_H36M` and its siblings say what that is,
`SPIN24` names the slots as SPIN uses them.

The files have neither camera nor depth. Translations are solved for from the 2D joints
(`datamodules.readers.translation`), and rows are not absolute: no depth is learnt from them or scored.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from body.model import BodyModel
from body.skeleton import SPIN24, Skeleton
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.readers.numbers import is_number
from datamodules.readers.posed import RestJoints, gender_codes
from datamodules.readers.translation import solve_translation, translation_of_crops, weak_intrinsics

CROP_UNIT = 200.0
"""Pixels of `scale` 1."""
MARGIN = 1.2
"""How much larger SPIN's crops are than the person's box."""


def read_spin(
    path: Path,
    root: Path,
    skeleton: Skeleton = SPIN24,
    intrinsics: Float[np.ndarray, "rows 4"] | None = None,
    body: BodyModel | None = None,
    margin: float = MARGIN,
) -> Annotations:
    """The labels of one file.

    Args:
        path: the `.npz`.
        root: folder of the benchmark; names of images are relative to it or to its `images`.
        skeleton: what the 24 slots hold.
        intrinsics: (fx, fy, cx, cy) of every row where they are known; weak-perspective cameras when omitted.
        body: whose parameters `pose` and `shape` are; it tells how far their origin is from the root. Without it the
            origin stands where the root should.
        margin: how much larger than the person's box the crops are; boxes come out without it, so that
            `CropSettings(margin=1.2)` gives SPIN's crops.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or is not one of SPIN's.
    """
    arrays = _read(path)
    side = CROP_UNIT * arrays["scale"].reshape(-1, 1).astype(np.float64)
    rows = len(side)
    crops = _squares(arrays["center"], side)
    cameras = weak_intrinsics(crops) if intrinsics is None else intrinsics
    part, relative = arrays.get("part", np.zeros((rows, 24, 3))), arrays.get("S")
    pixels_valid = part[..., 2] > 0
    labels = np.zeros((rows, 24, 4)) if relative is None else relative.astype(np.float64)
    points, valid = labels[..., :3], labels[..., 3] > 0
    roots = translation_of_crops(crops, cameras)
    fitted, solved = solve_translation(points, part[..., :2], pixels_valid & valid, cameras)
    roots[solved] = fitted[solved]
    pose, betas, fits = _parameters(arrays, rows)
    transl = roots
    if body is not None and fits.any():
        transl = _translations(pose, betas, roots, solved | valid.any(1), (part, pixels_valid, cameras), skeleton, body)
    prefix = _prefix(root, str(arrays["imgname"][0])) if rows else ""
    gender = arrays.get("gender")
    return Annotations(
        skeleton=skeleton,
        images=StringColumn.of([prefix + name for name in arrays["imgname"].tolist()]),
        intrinsics=cameras,
        boxes=_squares(arrays["center"], side / margin).astype(np.float32),
        joints=None if relative is None else ((points + roots[:, None]) * valid[..., None]).astype(np.float32),
        joints_valid=None if relative is None else valid,
        joints_2d=(part[..., :2] * pixels_valid[..., None]).astype(np.float32),
        joints_2d_valid=pixels_valid,
        absolute=np.zeros(rows, bool),
        pose=pose.astype(np.float32) if fits.any() else None,
        betas=betas.astype(np.float32) if fits.any() else None,
        transl=transl.astype(np.float32) if fits.any() else None,
        smpl_valid=fits if fits.any() else None,
        gender=None if gender is None else gender_codes(gender.tolist()),
    )


_SHAPES = {"center": (2,), "part": (24, 3), "S": (24, 4), "pose": (72,), "shape": (10,)}
_NEEDED = ("imgname", "center", "scale")


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays that are used, checked."""
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; SPIN's fetch_data.sh (github.com/nkolot/SPIN) downloads it")
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = {*_NEEDED, *_SHAPES, "has_smpl", "gender"} & set(stored.files)
            arrays = {name: stored[name] for name in names}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as arrays ({error}); download it again") from None
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise ValueError(f"{path} is not one of SPIN's files: it has no {', '.join(missing)}")
    rows = len(arrays["imgname"])
    wrong = {
        name: array.shape
        for name, array in arrays.items()
        if len(array) != rows or array.shape[1:] != _SHAPES.get(name, array.shape[1:])
    }
    if wrong:
        raise ValueError(f"{path} has {rows} images, but arrays of other shapes: {wrong}")
    if arrays["imgname"].dtype.kind == "S":
        arrays["imgname"] = np.char.decode(arrays["imgname"], "utf-8")
    _invalidate(arrays, path)
    arrays["imgname"] = np.char.replace(arrays["imgname"].astype(str), "\\", "/")  # written on Windows
    return arrays


def _invalidate(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Joints and fits that are no numbers lose their confidence, so that nothing is solved from them."""
    lost = 0
    for name in {"part", "S"} & arrays.keys():
        bad = np.asarray(~is_number(arrays[name]).all(-1))
        arrays[name] = np.where(bad[..., None], 0, arrays[name])
        lost += int(bad.sum())
    if {"pose", "shape"} <= arrays.keys():
        bad = np.asarray(~(is_number(arrays["pose"]).all(1) & is_number(arrays["shape"]).all(1)))
        arrays |= {name: np.where(bad[:, None], 0, arrays[name]) for name in ("pose", "shape")}
        arrays["has_smpl"] = np.where(bad, 0, arrays.get("has_smpl", np.ones(len(bad))).reshape(-1))
        lost += int(bad.sum())
    if lost:
        warnings.warn(f"{path}: {lost} joints or fits are no numbers: treated as not annotated", stacklevel=4)


def _squares(centres: Float[np.ndarray, "rows 2"], side: Float[np.ndarray, "rows 1"]) -> Float[np.ndarray, "rows 4"]:
    return np.concatenate([centres - side / 2, side, side], 1)


def _parameters(
    arrays: dict[str, np.ndarray], rows: int
) -> tuple[Float[np.ndarray, "rows 24 3"], Float[np.ndarray, "rows 10"], Bool[np.ndarray, " rows"]]:
    """Pose, shape, and which rows have them."""
    if "pose" not in arrays or "shape" not in arrays:
        return np.zeros((rows, 24, 3)), np.zeros((rows, 10)), np.zeros(rows, bool)
    fitted = arrays.get("has_smpl", np.ones(rows)).reshape(-1) > 0
    pose = arrays["pose"].astype(np.float64).reshape(rows, 24, 3) * fitted[:, None, None]
    return pose, arrays["shape"].astype(np.float64) * fitted[:, None], fitted


def _translations(
    pose: Float[np.ndarray, "rows 24 3"],
    betas: Float[np.ndarray, "rows 10"],
    roots: Float[np.ndarray, "rows 3"],
    root_labelled: Bool[np.ndarray, " rows"],
    keypoints: tuple[Float[np.ndarray, "rows 24 3"], Bool[np.ndarray, "rows 24"], Float[np.ndarray, "rows 4"]],
    skeleton: Skeleton,
    body: BodyModel,
) -> Float[np.ndarray, "rows 3"]:
    """Where bodies stand: their root at the annotated one, or by their pixels, or in the middle of the crop."""
    part, valid, cameras = keypoints
    transl = roots - RestJoints(body).of(betas)[:, 0]
    fitted, solved = solve_body_translation(pose, betas, (part[..., :2], valid, cameras), skeleton, body)
    use = solved & ~root_labelled
    transl[use] = fitted[use]
    return transl


def solve_body_translation(
    pose: Float[np.ndarray, "rows 24 3"],
    betas: Float[np.ndarray, "rows 10"],
    keypoints: tuple[Float[np.ndarray, "rows joints 2"], Bool[np.ndarray, "rows joints"], Float[np.ndarray, "rows 4"]],
    skeleton: Skeleton,
    body: BodyModel,
) -> tuple[Float[np.ndarray, "rows 3"], Bool[np.ndarray, " rows"]]:
    """Translations of bodies whose joints have pixels, see `translation.solve_translation`.

    Args:
        pose: SMPL parameters, axis-angle.
        betas: their shapes.
        keypoints: pixels of joints, which of them are valid, and cameras (fx, fy, cx, cy).
        skeleton: of those joints; the ones that SMPL has, too, count.
        body: whose parameters they are.
    """
    pixels, valid, cameras = keypoints
    positions = np.array(skeleton.positions_of(body.skeleton))
    shared = np.flatnonzero(positions >= 0)
    joints = RestJoints(body).posed(pose, betas, np.zeros((len(pose), 3)))
    picked = positions[shared]
    return solve_translation(joints[:, shared], pixels[:, picked], valid[:, picked], cameras)


def _prefix(root: Path, name: str) -> str:
    """Where images are, judged by the first one."""
    return next((folder for folder in ("", "images/") if (root / folder / name).is_file()), "")
