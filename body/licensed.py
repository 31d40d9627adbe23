"""SMPL and MANO from the user's own copies of their files."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from body.assets import assets_folder, find_asset
from body.choices import unknown_name
from body.h36m_regressor import read_h36m_regressor
from body.model import BodyModel
from body.skeleton import COCO17, H36M17, MANO21, SMPL24, SMPL29, SPIN24, Skeleton
from body.smpl_files import model_of, read_smpl_file

_REACH = 0.03
"""Metres from the wrist to a fingertip, at least."""
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
"""The joints that MANO's pose rotates, in its order."""


@dataclass(frozen=True)
class _Release:
    """Where a licensed model comes from and what its files are called."""

    folder: str
    files: tuple[str, ...]
    site: str


def _smpl_names(gender: str, base: str) -> tuple[str, ...]:
    """File names of one model: ours, then those of SMPL 1.1.0 and 1.0.0 (whose capitals differ)."""
    shared = "lbs_10_207_0_v1"
    return (f"SMPL_{gender.upper()}.pkl", f"{base.lower()}_{shared}.1.0.pkl", f"{base}_{shared}.0.0.pkl")


_SMPL_SITE = "https://smpl.is.tue.mpg.de"
_NEUTRAL = _Release("smpl", _smpl_names("neutral", "basicModel_neutral"), "https://smplify.is.tue.mpg.de")
_RELEASES = {
    "smpl": _NEUTRAL,
    "smpl_neutral": _NEUTRAL,
    "smpl_male": _Release("smpl", _smpl_names("male", "basicmodel_m"), _SMPL_SITE),
    "smpl_female": _Release("smpl", _smpl_names("female", "basicModel_f"), _SMPL_SITE),
    "mano": _Release("mano", ("MANO_RIGHT.pkl",), "https://mano.is.tue.mpg.de"),
    "mano_left": _Release("mano", ("MANO_LEFT.pkl",), "https://mano.is.tue.mpg.de"),
}


def find_licensed(name: str) -> Path | None:
    """The user's file of a licensed body, as distributed or converted to npz; None when it is not there.

    Raises:
        KeyError: no such licensed body.
    """
    release = _RELEASES[name]
    stems = (file.removesuffix(".pkl") for file in release.files)
    return find_asset(*(f"body_models/{release.folder}/{stem}{end}" for stem in stems for end in (".npz", ".pkl")))


def how_to_get(name: str) -> str:
    """What a user has to do in order to have a licensed body, in one line.

    Raises:
        KeyError: no such licensed body.
    """
    release, root = _RELEASES[name], assets_folder()
    folder = f"{root or '$ZOO_ASSETS'}/body_models/{release.folder}"
    unset = "" if root else " (ZOO_ASSETS is not set)"
    return f"register at {release.site} and put {release.files[0]} into {folder}{unset}"


def load_licensed(name: str, path: Path | None = None) -> BodyModel:
    """SMPL or MANO from a file of the user's.

    Joint sets: SMPL has `smpl24`, `smpl29`, `coco17`, and `h36m17` when `J_regressor_h36m.npy` (17 rows, published
    with several methods; `body.h36m_regressor`) lies beside the model file, `spin24` with `J_regressor_extra.npy` (9
    rows, SPIN's); MANO has `mano16` and `mano21`.

    Args:
        name: `smpl`, `smpl_neutral`, `smpl_male`, `smpl_female`, `mano` or `mano_left`.
        path: the file; without it `$ZOO_ASSETS/body_models/smpl` or `.../mano` is searched for the names under which
            the models are distributed, and for their npz versions (`zoo body convert`).

    Raises:
        ValueError: unknown name, or the file is not the model it should be.
        FileNotFoundError: the file is missing; the message tells how to get it.
    """
    if name not in _RELEASES:
        raise ValueError(unknown_name("body", name, ("open", *_RELEASES)))
    file = path or find_licensed(name)
    if file is None:
        raise FileNotFoundError(
            f"body {name!r} is licensed and cannot be shipped: {how_to_get(name)}, or pass path=; "
            f"load_body('open') needs no licence"
        )
    data, wanted = read_smpl_file(Path(file)), "MANO" if name.startswith("mano") else "SMPL"
    model = model_of(data, Path(file))
    if model != wanted:
        raise ValueError(f"{file} is {model}, not {wanted}; {how_to_get(name)}")
    if model == "SMPL":
        return _body(name, data, Path(file).parent)
    side = "left" if name == "mano_left" else "right"
    if _other_hand(data, side):
        raise ValueError(f"{file} is the other hand, not MANO's {side} one; {how_to_get(name)}")
    return _hand(name, data)


def _other_hand(data: dict[str, np.ndarray], side: str) -> bool:
    """Whether all five fingers of a template point where those of the other hand do.

    Convention:
        MANO's hands rest as those of a body in T-pose that looks along +z: the right one points to -x.
    """
    template = data["v_template"]
    reach = template[list(_MANO_TIPS.values()), 0] - data["J_regressor"][0] @ template[:, 0]
    return bool((reach > _REACH).all() if side == "right" else (reach < -_REACH).all())


def _stack(skeleton: Skeleton, rows: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([rows[joint] for joint in skeleton.joints])


def _rows(skeleton: Skeleton, data: dict[str, np.ndarray], extra: dict[str, int]) -> dict[str, np.ndarray]:
    rows = dict(zip(skeleton.joints, data["J_regressor"], strict=True))
    return rows | {name: np.eye(1, len(data["v_template"]), vertex)[0] for name, vertex in extra.items()}


def _body(name: str, data: dict[str, np.ndarray], folder: Path) -> BodyModel:
    rows = _rows(SMPL24, data, _SMPL_LANDMARKS)
    regressors = {skeleton.name: _stack(skeleton, rows) for skeleton in (SMPL29, COCO17)}
    h36m = folder / "J_regressor_h36m.npy"
    if h36m.is_file():
        regressors[H36M17.name] = read_h36m_regressor(h36m, data["v_template"]).weights
    extra = folder / "J_regressor_extra.npy"
    if extra.is_file():
        try:
            own = _rows(SMPL24, data, _SPIN_FACE) | read_extra_regressor(extra, len(data["v_template"]))
            regressors[SPIN24.name] = _stack(SPIN24, own)
        except ValueError as error:  # SMPL is of use without it
            warnings.warn(f"joint set {SPIN24.name} is left out: {error}", stacklevel=2)
    mirror = data.get("vert_sym_idxs")
    mirror = None if mirror is None else mirror.astype(np.int64)
    return BodyModel(name.replace("neutral", "").rstrip("_"), SMPL24, data, regressors, _SMPL_LANDMARKS, mirror)


def read_extra_regressor(path: Path, vertices: int) -> dict[str, np.ndarray]:
    """SPIN's `J_regressor_extra.npy`: weights of joints that benchmarks annotate where SMPL has none.

    Raises:
        ValueError: it is another file.
    """
    try:
        weights = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a NumPy array: {error}") from None
    if weights.shape != (len(_EXTRA), vertices) or not np.isfinite(weights).all():
        raise ValueError(f"{path} must be {len(_EXTRA)} x {vertices} finite weights, not {weights.shape}")
    return dict(zip(_EXTRA, weights, strict=True))


_EXTRA = (
    *("right_hip_lsp", "left_hip_lsp", "neck_lsp", "head_top", "pelvis_mpii", "thorax_mpii"),
    *("torso_h36m", "nose_h36m", "head_h36m"),
)
"""Rows of SPIN's file."""
_SPIN_FACE = {"nose": 332, "left_eye": 2800, "right_eye": 6260, "left_ear": 583, "right_ear": 4071}
"""The vertices that smplx, and so SPIN, takes for these; its nose is the one beside I2L-MeshNet's."""


def _hand(name: str, data: dict[str, Any]) -> BodyModel:
    rows = _rows(MANO16, data, _MANO_TIPS)
    mean = np.concatenate([np.zeros(3), data.get("hands_mean", np.zeros(45))]).reshape(16, 3)
    regressors = {MANO21.name: _stack(MANO21, rows)}
    return BodyModel(name, MANO16, data | {"mean_pose": mean}, regressors, _MANO_TIPS)
