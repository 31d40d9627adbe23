"""`J_regressor_h36m.npy`: Human3.6M's 17 joints from SMPL's vertices, of which two versions are distributed.

I2L-MeshNet's file has the right leg before the left one, as Human3.6M itself; SPIN's has the legs the other way round.
Nothing in the files says which it is, but SMPL's template does: its left is at +x.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from body.skeleton import H36M17

_LIMBS = {
    "legs": ("hip_h36m", "knee", "ankle"),
    "arms": ("shoulder", "elbow", "wrist"),
}
_APART = 0.02
"""Metres between a left and a right joint in T-pose, at least."""


class H36mRegressor(NamedTuple):
    """The weights in the order of `H36M17`.

    Attributes:
        weights: of every vertex for every joint.
        exchanged: limbs whose sides were the other way round in the file.
    """

    weights: Float[np.ndarray, "17 vertices"]
    exchanged: tuple[str, ...]


def read_h36m_regressor(path: Path, template: Float[np.ndarray, "vertices 3"]) -> H36mRegressor:
    """Read the file, and bring its rows into the order of `H36M17` by the sides on which the joints lie.

    Args:
        path: the file.
        template: SMPL in T-pose, left at +x, metres.

    Raises:
        ValueError: it is damaged, has another shape, or its rows are no body's sides.
    """
    try:
        matrix = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no whole npy file ({error}); download it again") from None
    shape = (len(H36M17), len(template))
    if not isinstance(matrix, np.ndarray) or matrix.shape != shape or matrix.dtype.kind != "f":
        raise ValueError(f"{path} must hold {shape} numbers, not {getattr(matrix, 'shape', 'several arrays')}")
    return in_h36m_order(matrix, template, str(path))


def in_h36m_order(
    matrix: Float[np.ndarray, "17 vertices"], template: Float[np.ndarray, "vertices 3"], name: str
) -> H36mRegressor:
    """Rows in the order of `H36M17`, limb by limb; `name` says in messages where they are from.

    Raises:
        ValueError: the joints of a limb do not lie on two sides.
    """
    across, order = matrix @ template[:, 0], np.arange(len(H36M17))
    exchanged = []
    for limb, joints in _LIMBS.items():
        left, right = ([H36M17.index(f"{side}_{joint}") for joint in joints] for side in ("left", "right"))
        apart = across[left] - across[right]
        if (apart < -_APART).all():
            order[left], order[right] = right, left
            exchanged.append(limb)
        elif not (apart > _APART).all():
            raise ValueError(f"{name}: the {limb} do not lie left and right on SMPL's template; download it again")
    return H36mRegressor(matrix[order], tuple(exchanged))
