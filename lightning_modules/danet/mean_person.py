"""The person that DaNet's answers are added to, from SPIN's `smpl_mean_params.npz`, as the release starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from body.assets import find_asset
from lightning_modules.common.rotations import matrix_from_6d

Start = Literal["upright", "spin"]
"""`upright`: a T-pose of mean shape. `spin`: the mean over SPIN's training data."""

FILE = "body_models/smpl/smpl_mean_params.npz"
_SHAPES = {"pose": (24, 6), "shape": (10,), "cam": (3,)}


class MeanPerson(NamedTuple):
    """A camera (see `DaNetOutput.camera`), a shape, and a pose as the first two columns of 24 rotations, row by row."""

    camera: Float[Tensor, "3"]
    betas: Float[Tensor, "10"]
    rotations: Float[Tensor, "24 6"]

    def numbers(self, count: int) -> Float[Tensor, "24 numbers"]:
        """The pose as 6 numbers a joint, or as 9, which are its whole matrices."""
        return self.rotations if count == 6 else matrix_from_6d(self.rotations[None]).view(len(self.rotations), 9)


def read_mean_person(path: Path | None = None) -> MeanPerson:
    """Read SPIN's file.

    Args:
        path: the file; that in `$ZOO_ASSETS` when omitted.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is another file.
    """
    file = path or find_asset(FILE)
    if file is None:
        raise FileNotFoundError(
            f"start: spin needs smpl_mean_params.npz: run fetch_data.sh of github.com/nkolot/SPIN and put it into "
            f"$ZOO_ASSETS/{Path(FILE).parent}, or set start: upright"
        )
    try:
        with np.load(file, allow_pickle=False) as stored:
            values = {name: np.asarray(stored[name], np.float32).reshape(shape) for name, shape in _SHAPES.items()}
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{file} is not SPIN's smpl_mean_params.npz: {error}") from None
    if not all(np.isfinite(value).all() for value in values.values()):
        raise ValueError(f"{file} holds numbers that are not finite; fetch it again")
    camera, betas, rotations = (torch.from_numpy(values[name]) for name in ("cam", "shape", "pose"))
    return MeanPerson(camera, betas, rotations)
