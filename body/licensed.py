"""SMPL and MANO from the user's own copies of their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from body.model import BodyModel
from body.skeleton import COCO17, H36M17, MANO21, SMPL24, SMPL29, Skeleton
from body.smpl_files import read_smpl_file

_SMPL_VERTICES, _MANO_VERTICES = 6890, 778
_SMPL_LANDMARKS = {
    "nose": 331,
    "left_eye": 2802,
    "right_eye": 6262,
    "left_ear": 3489,
    "right_ear": 3990,
    "head_top": 411,
    "left_big_toe": 3217,
    "right_big_toe": 6618,
    "left_heel": 3387,
    "right_heel": 6786,
}
# 445 for the middle finger is what I2L-MeshNet's released regressor uses.
_MANO_TIPS = {"thumb_4": 745, "index_4": 317, "middle_4": 445, "ring_4": 556, "pinky_4": 673}

_MANO_ORDER = tuple(f"{finger}_{k}" for finger in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3))
MANO16 = Skeleton(
    "mano16",
    ("wrist", *_MANO_ORDER),
    ("wrist", *("wrist" if j.endswith("_1") else f"{j[:-1]}{int(j[-1]) - 1}" for j in _MANO_ORDER)),
    "wrist",
)
"""The joints that MANO's pose turns, in its order."""


@dataclass(frozen=True)
class _Release:
    """Where a licensed model comes from and what its files are called."""

    folder: str
    files: tuple[str, ...]
    site: str


_SMPL_SITE = "https://smpl.is.tue.mpg.de"
_NEUTRAL = _Release(
    "smpl", ("SMPL_NEUTRAL.pkl", "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl"), "https://smplify.is.tue.mpg.de"
)
_RELEASES = {
    "smpl": _NEUTRAL,
    "smpl_neutral": _NEUTRAL,
    "smpl_male": _Release("smpl", ("SMPL_MALE.pkl", "basicmodel_m_lbs_10_207_0_v1.1.0.pkl"), _SMPL_SITE),
    "smpl_female": _Release("smpl", ("SMPL_FEMALE.pkl", "basicmodel_f_lbs_10_207_0_v1.1.0.pkl"), _SMPL_SITE),
    "mano": _Release("mano", ("MANO_RIGHT.pkl",), "https://mano.is.tue.mpg.de"),
    "mano_left": _Release("mano", ("MANO_LEFT.pkl",), "https://mano.is.tue.mpg.de"),
}


def _find(name: str, release: _Release) -> Path:
    root = os.environ.get("ZOO_ASSETS")
    folder = Path(root) / "body_models" / release.folder if root else None
    for file in release.files if folder else ():
        if folder and (folder / file).is_file():
            return folder / file
    place = folder or f"$ZOO_ASSETS/body_models/{release.folder}"
    raise FileNotFoundError(
        f"body {name!r} is licensed and cannot be shipped: register at {release.site}, put {release.files[0]} into "
        f"{place}{'' if root else ' (ZOO_ASSETS is not set)'}, or pass path=; load_body('open') needs no licence"
    )


def load_licensed(name: str, path: Path | None = None) -> BodyModel:
    """SMPL or MANO from a file of the user's.

    Joint sets: SMPL has `smpl24`, `smpl29`, `coco17`, and `h36m17` when `J_regressor_h36m.npy` (17 rows in Human3.6M
    order, published with several methods) lies beside the model file; MANO has `mano16` and `mano21`.

    Args:
        name: `smpl`, `smpl_neutral`, `smpl_male`, `smpl_female`, `mano` or `mano_left`.
        path: the file; without it `$ZOO_ASSETS/body_models/smpl` or `.../mano` is searched.

    Raises:
        ValueError: unknown name, or the file is not the model it should be.
        FileNotFoundError: the file is missing; the message tells how to get it.
    """
    if name not in _RELEASES:
        raise ValueError(f"no body {name!r}; there are open, {', '.join(_RELEASES)}")
    file = path or _find(name, _RELEASES[name])
    data = read_smpl_file(Path(file))
    hand = name.startswith("mano")
    wanted = {"v_template", "shapedirs", "posedirs", "weights", "J_regressor", "kintree_table", "f"}
    count = len(data.get("v_template", ()))
    if not wanted <= data.keys() or count != (_MANO_VERTICES if hand else _SMPL_VERTICES):
        missing = ", ".join(sorted(wanted - data.keys())) or "nothing"
        raise ValueError(f"{file} is not {'MANO' if hand else 'SMPL'}: {count} vertices, missing {missing}")
    return _hand(name, data) if hand else _body(name, data, Path(file).parent)


def _stack(skeleton: Skeleton, rows: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([rows[joint] for joint in skeleton.joints])


def _rows(own: Skeleton, data: dict[str, np.ndarray], extra: dict[str, int]) -> dict[str, np.ndarray]:
    rows = dict(zip(own.joints, data["J_regressor"], strict=True))
    return rows | {name: np.eye(1, len(data["v_template"]), vertex)[0] for name, vertex in extra.items()}


def _body(name: str, data: dict[str, np.ndarray], folder: Path) -> BodyModel:
    rows = _rows(SMPL24, data, _SMPL_LANDMARKS)
    regressors = {skeleton.name: _stack(skeleton, rows) for skeleton in (SMPL29, COCO17)}
    h36m = folder / "J_regressor_h36m.npy"
    if h36m.is_file():
        matrix = np.load(h36m, allow_pickle=False)
        if matrix.shape != (len(H36M17), _SMPL_VERTICES):
            raise ValueError(f"{h36m} must be (17, 6890), not {matrix.shape}")
        regressors[H36M17.name] = matrix
    mirror = data.get("vert_sym_idxs")
    mirror = None if mirror is None else mirror.astype(np.int64)
    return BodyModel(name.replace("neutral", "").rstrip("_"), SMPL24, data, regressors, _SMPL_LANDMARKS, mirror)


def _hand(name: str, data: dict[str, Any]) -> BodyModel:
    rows = _rows(MANO16, data, _MANO_TIPS)
    mean = np.concatenate([np.zeros(3), data.get("hands_mean", np.zeros(45))]).reshape(16, 3)
    regressors = {MANO21.name: _stack(MANO21, rows)}
    return BodyModel(name, MANO16, data | {"mean_pose": mean}, regressors, _MANO_TIPS)
