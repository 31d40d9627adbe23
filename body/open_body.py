"""Reads the packaged open body into the arrays that SMPL's files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from body.skeleton import COCO17, H36M17, SMPL24, SMPL29

DATA_FILE = Path(__file__).parent / "data" / "open_body.npz"
"""The file that `python -m body.build_open_body` writes: CC0 data."""


def _matrix(data: Any, name: str, shape: tuple[int, int]) -> np.ndarray:
    matrix = np.zeros(shape, dtype=np.float32)
    matrix[data[f"{name}_rows"], data[f"{name}_columns"]] = data[f"{name}_values"]
    return matrix


def read_open_body(path: Path = DATA_FILE) -> dict[str, Any]:
    """Arrays of the open body, named as in SMPL's files where SMPL has them.

    Returns:
        `v_template` (V, 3) m, `shapedirs` (V, 3, 10) m, `f` (F, 3), `weights` (V, 24), `J_regressor` (24, V),
        `kintree_table` (2, 24), `mirror` (V,), `landmarks` name -> vertex, `regressors` skeleton name -> (J, V),
        `metadata`.

    Raises:
        FileNotFoundError: the data file is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; rebuild it with: python -m body.build_open_body")
    with np.load(path, allow_pickle=False) as data:
        vertices = len(data["v_template"])
        parents = data["parents"].astype(np.int64)
        parents[0] = -1
        regressors = {s.name: _matrix(data, s.name, (len(s), vertices)) for s in (SMPL24, SMPL29, H36M17, COCO17)}
        return {
            "v_template": data["v_template"],
            "shapedirs": data["shapedirs"].astype(np.float32),
            "f": data["faces"].astype(np.int64),
            "weights": _matrix(data, "weights", (vertices, len(SMPL24))),
            "J_regressor": regressors[SMPL24.name],
            "kintree_table": np.stack([parents, np.arange(len(parents))]),
            "mirror": data["mirror"].astype(np.int64),
            "landmarks": dict(zip(data["landmark_names"].tolist(), data["landmark_vertices"].tolist(), strict=True)),
            "regressors": regressors,
            "metadata": json.loads(str(data["metadata"][0])),
        }
