"""Licensed files in `$ZOO_ASSETS`: what they are for, how to obtain them, and whether they are valid.

The layout of the folder is in `zoo/README.md`.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from body.assets import find_asset
from zoo.errors import one_line

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Asset:
    """A licensed file, or a group of them, that cannot be distributed with the package.

    Attributes:
        name: as in `requires` of `checkpoints.yaml`.
        folder: within `$ZOO_ASSETS`.
        files: names in that folder, files or folders; all are required.
        unlocks: what it is needed for.
        how_to_get: where to register, or what to run.
        verify: describes a valid file; raises ValueError for another one.
        locate: finds the file, if it may have several names.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    unlocks: str
    how_to_get: str
    verify: Callable[[Path], str] | None = None
    locate: Callable[[], Path | None] | None = None

    def check(self) -> tuple[State, str]:
        """State, and the path or what is wrong."""
        if self.locate is not None:
            paths, missing = [path] if (path := self.locate()) is not None else [], []
        else:
            located = {name: find_asset(f"{self.folder}/{name}") for name in self.files}
            paths = [path for path in located.values() if path is not None]
            missing = [name for name, path in located.items() if path is None]
        if not paths:
            return "missing", ""
        if missing:
            return "broken", f"{paths[0].parent} is incomplete: {', '.join(missing)} missing"
        path = paths[0] if len(paths) == 1 else paths[0].parent
        if self.verify is None:
            return "ok", str(path)
        try:
            return "ok", f"{path} ({self.verify(paths[0])})"
        except Exception as error:  # readers of four formats, on files of any content
            return "broken", one_line(error)

    def instructions(self) -> str:
        """How to obtain it, in one line."""
        names = ", ".join(self.files)
        return f"{self.how_to_get}; {names} into $ZOO_ASSETS/{self.folder}"


def _verify_body(name: str, vertices: int) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        from body.load import load_body

        body = load_body(name, path)
        if body.num_vertices != vertices:
            raise ValueError(f"{path} has {body.num_vertices} vertices, not {vertices}")
        return f"{vertices} vertices"

    return check


def _locate_body(name: str) -> Callable[[], Path | None]:
    def locate() -> Path | None:
        from body.licensed import find_licensed

        return find_licensed(name)

    return locate


def _verify_matrix(*shape: int) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        import numpy as np

        actual = np.load(path, mmap_mode="r", allow_pickle=False).shape
        if actual != shape:
            raise ValueError(f"{path} must have the shape {shape}, not {actual}")
        return " x ".join(map(str, shape))

    return check


def _verify_h36m_regressor(path: Path) -> str:
    """The shape, and the order of the rows where there is an SMPL to tell it by."""
    from body.h36m_regressor import read_h36m_regressor
    from body.licensed import find_licensed
    from body.smpl_files import model_of, read_smpl_file

    shape = _verify_matrix(17, 6890)(path)
    templates = []
    for model in filter(None, map(find_licensed, ("smpl", "smpl_male", "smpl_female"))):
        with contextlib.suppress(ValueError, pickle.UnpicklingError):  # their own lines say what is wrong with them
            data = read_smpl_file(model)
            templates += [data["v_template"]] if model_of(data, model) == "SMPL" else []
    if not templates:
        return shape
    exchanged = read_h36m_regressor(path, templates[0]).exchanged
    order = f"{' and '.join(exchanged)} exchanged when read, as in SPIN's file" if exchanged else "in Human3.6M's order"
    return f"{shape}, {order}"


def _verify_densepose(path: Path) -> str:
    from scipy.io import whosmat

    names = {name for name, _, _ in whosmat(path)}
    missing = {"All_Faces", "All_FaceIndices", "All_U_norm", "All_V_norm", "All_vertices"} - names
    if missing:
        raise ValueError(f"{path} is not DensePose's file: it has no {', '.join(sorted(missing))}")
    return "DensePose charts"


_SPIN = "run fetch_data.sh of github.com/nkolot/SPIN"
_DENSEPOSE = "of github.com/facebookresearch/DensePose"

BODY_ASSETS: tuple[Asset, ...] = (
    Asset(
        "SMPL",
        "body_models/smpl",
        ("SMPL_NEUTRAL.pkl",),
        "official body weights and most benchmarks",
        "register at smplify.is.tue.mpg.de",
        _verify_body("smpl", 6890),
        _locate_body("smpl"),
    ),
    *(
        Asset(
            f"SMPL {gender}",
            "body_models/smpl",
            (f"SMPL_{gender.upper()}.pkl",),
            "gendered ground truth of 3DPW and SURREAL",
            "register at smpl.is.tue.mpg.de",
            _verify_body(f"smpl_{gender}", 6890),
            _locate_body(f"smpl_{gender}"),
        )
        for gender in ("male", "female")
    ),
    Asset(
        "MANO",
        "body_models/mano",
        ("MANO_RIGHT.pkl",),
        "official hand weights and FreiHAND",
        "register at mano.is.tue.mpg.de",
        _verify_body("mano", 778),
        _locate_body("mano"),
    ),
    Asset(
        "H36M regressor",
        "body_models/smpl",
        ("J_regressor_h36m.npy",),
        "the protocols of Human3.6M and 3DPW for meshes",
        _SPIN,
        _verify_h36m_regressor,
    ),
    Asset(
        "SPIN's extras",
        "body_models/smpl",
        ("J_regressor_extra.npy", "smpl_mean_params.npz"),
        "training DaNet: SPIN's joint regressors and the mean pose",
        _SPIN,
        _verify_matrix(9, 6890),
    ),
    Asset(
        "DensePose UV",
        "densepose",
        ("UV_Processed.mat", "UV_symmetry_transforms.mat"),
        "official DaNet weights and DensePose-COCO",
        f"run get_densepose_uv.sh {_DENSEPOSE}",
        _verify_densepose,
    ),
    Asset(
        "DensePose eval",
        "densepose",
        ("SMPL_subdiv.mat", "SMPL_SUBDIV_TRANSFORM.mat", "Pdist_matrix.mat"),
        "geodesic errors of DensePose-COCO",
        f"run get_eval_data.sh {_DENSEPOSE}",
    ),
)
"""Body models, regressors and UV charts."""
