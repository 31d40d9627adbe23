"""Licensed files that a user may have in `$ZOO_ASSETS`: what they unlock, how to get them, whether they are right.

The layout of the folder is in `zoo/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from body.assets import find_asset

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Asset:
    """Something that cannot be shipped.

    Attributes:
        name: as `checkpoints.yaml` requires it.
        folder: inside `$ZOO_ASSETS`.
        files: names in that folder, files or folders, all of them needed.
        unlocks: what becomes possible with it.
        get: what to do.
        check: raises ValueError when what is there is not what it should be; returns what was found.
        locate: finds the file where it may have several names.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    unlocks: str
    get: str
    check: Callable[[Path], str] | None = None
    locate: Callable[[], Path | None] | None = None

    def find(self) -> tuple[State, str]:
        """State, and where it was found or what is wrong with it."""
        if self.locate is not None:
            there = [path] if (path := self.locate()) is not None else []
        else:
            there = [path for name in self.files if (path := find_asset(f"{self.folder}/{name}")) is not None]
        if not there:
            return "missing", ""
        absent = [name for name in self.files if self.locate is None and find_asset(f"{self.folder}/{name}") is None]
        if absent:
            return "broken", f"{there[0].parent} is incomplete: {', '.join(absent)} missing"
        place = there[0] if len(there) == 1 else there[0].parent
        if self.check is None:
            return "ok", str(place)
        try:
            return "ok", f"{place} ({self.check(there[0])})"
        except Exception as error:  # readers of four formats, on files of any content
            return "broken", " ".join(str(error).split())

    def to_do(self) -> str:
        """What to do in order to have it, in one line."""
        names = ", ".join(self.files)
        return f"{self.get}; {names} into $ZOO_ASSETS/{self.folder}"


def _body(name: str, vertices: int) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        from body.load import load_body

        body = load_body(name, path)
        if body.num_vertices != vertices:
            raise ValueError(f"{path} has {body.num_vertices} vertices, not {vertices}")
        return f"{vertices} vertices"

    return check


def _locate(name: str) -> Callable[[], Path | None]:
    def locate() -> Path | None:
        from body.licensed import find_licensed

        return find_licensed(name)

    return locate


def _matrix(*shape: int) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        import numpy as np

        found = np.load(path, mmap_mode="r", allow_pickle=False).shape
        if found != shape:
            raise ValueError(f"{path} must have the shape {shape}, not {found}")
        return " x ".join(map(str, shape))

    return check


def _densepose(path: Path) -> str:
    from scipy.io import whosmat

    names = {name for name, _, _ in whosmat(path)}
    missing = {"All_Faces", "All_FaceIndices", "All_U_norm", "All_V_norm", "All_vertices"} - names
    if missing:
        raise ValueError(f"{path} is not DensePose's: it has no {', '.join(sorted(missing))}")
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
        _body("smpl", 6890),
        _locate("smpl"),
    ),
    *(
        Asset(
            f"SMPL {gender}",
            "body_models/smpl",
            (f"SMPL_{gender.upper()}.pkl",),
            "gendered ground truth of 3DPW and SURREAL",
            "register at smpl.is.tue.mpg.de",
            _body(f"smpl_{gender}", 6890),
            _locate(f"smpl_{gender}"),
        )
        for gender in ("male", "female")
    ),
    Asset(
        "MANO",
        "body_models/mano",
        ("MANO_RIGHT.pkl",),
        "official hand weights and FreiHAND",
        "register at mano.is.tue.mpg.de",
        _body("mano", 778),
        _locate("mano"),
    ),
    Asset(
        "H36M regressor",
        "body_models/smpl",
        ("J_regressor_h36m.npy",),
        "the protocols of Human3.6M and 3DPW for meshes",
        _SPIN,
        _matrix(17, 6890),
    ),
    Asset(
        "SPIN's extras",
        "body_models/smpl",
        ("J_regressor_extra.npy", "smpl_mean_params.npz"),
        "SPIN's 49 joints, and training DaNet from the mean pose",
        _SPIN,
        _matrix(9, 6890),
    ),
    Asset(
        "DensePose UV",
        "densepose",
        ("UV_Processed.mat", "UV_symmetry_transforms.mat"),
        "official DaNet weights and DensePose-COCO",
        f"run get_densepose_uv.sh {_DENSEPOSE}",
        _densepose,
    ),
    Asset(
        "DensePose eval",
        "densepose",
        ("SMPL_subdiv.mat", "SMPL_SUBDIV_TRANSFORM.mat", "Pdist_matrix.mat"),
        "geodesic errors of DensePose-COCO",
        f"run get_eval_data.sh {_DENSEPOSE}",
    ),
)
"""Body models and what belongs to them."""
