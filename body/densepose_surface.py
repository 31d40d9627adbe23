"""SMPL's surface in DensePose's charts, from the authors' files.

Files in `$ZOO_ASSETS/densepose`, as distributed:

* `SMPL_subdiv.mat` (v5): `U_subdiv`, `V_subdiv`, `Part_ID_subdiv` of 29408 points of a finer mesh; points at the seams
  of charts are there once per chart
* `SMPL_SUBDIV_TRANSFORM.mat` (v5): `index`, 1-based, from these to the 27554 distinct points
* `Pdist_matrix.mat` (v7.3): `Pdist_matrix`, (points * (points - 1) / 2, 1) as HDF5 shows it: geodesic distances,
  metres, of the points (i, j) with j < i, row after row: (1, 0), (2, 0), (2, 1), (3, 0), ...
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from body.assets import find_asset
from body.mat_files import read_hdf5, read_mat
from body.surface import Surface

FILES = ("SMPL_subdiv.mat", "SMPL_SUBDIV_TRANSFORM.mat", "Pdist_matrix.mat")


def load_surface() -> Surface:
    """The surface from the user's files; 1.5 GB, read once.

    Raises:
        FileNotFoundError: a file is missing; the message says how to get it.
        ValueError: a file is damaged, or they do not belong together.
    """
    paths = [find_asset(f"densepose/{name}") for name in FILES]
    missing = [name for name, path in zip(FILES, paths, strict=True) if path is None]
    if missing:
        raise FileNotFoundError(
            f"geodesic errors need {', '.join(missing)} in $ZOO_ASSETS/densepose: run get_eval_data.sh of "
            f"github.com/facebookresearch/DensePose"
        )
    return _read(*(path for path in paths if path is not None))


@cache
def _read(points: Path, transform: Path, geodesics: Path) -> Surface:
    fine = read_mat(points, ("U_subdiv", "V_subdiv", "Part_ID_subdiv"))
    u, v, part = (fine[name].reshape(-1) for name in ("U_subdiv", "V_subdiv", "Part_ID_subdiv"))
    number = read_mat(transform, ("index",))["index"].reshape(-1).astype(np.int64) - 1
    distances = read_hdf5(geodesics, ("Pdist_matrix",))["Pdist_matrix"].reshape(-1).astype(np.float32, copy=False)
    if not len(u) == len(v) == len(part) == len(number):
        raise ValueError(f"{points} and {transform} do not belong together: {len(part)} points, {len(number)} numbers")
    count = int(number.max()) + 1
    if len(distances) != count * (count - 1) // 2:
        raise ValueError(f"{geodesics} holds {len(distances)} distances, which {count} points do not have")
    rows = [np.flatnonzero(part == label) for label in range(1, 25)]
    if min(map(len, rows)) == 0:
        raise ValueError(f"{points} has no points on some of the 24 parts")
    uv = np.stack([u, v], 1).astype(np.float64)
    return Surface(
        tuple(cKDTree(uv[of_part]) for of_part in rows), tuple(number[of_part] for of_part in rows), distances
    )
