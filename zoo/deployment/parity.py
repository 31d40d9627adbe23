"""Whether an exported file answers as the model does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from lightning_modules.base import PoseModule
from zoo.deployment.predictor import INPUTS, Predictor, example_inputs
from zoo.errors import ZooError

Runner = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
"""Inputs by name to outputs by name, in another runtime."""
LIMIT_MM = 0.1
_POINTS = ("joints", "vertices")


def largest_difference(model: PoseModule, predictor: Predictor, run: Runner, sizes: Sequence[int] = (1, 3)) -> float:
    """The farthest that a joint or vertex of the exported file is from the model's, mm, for batches of these sizes.

    Raises:
        ZooError: an output has another shape, or is not finite.
    """
    farthest = 0.0
    for size in sizes:
        inputs = example_inputs(model, size, seed=size)
        with torch.no_grad():
            expected = dict(zip(predictor.names, predictor(*inputs), strict=True))
        found = run({name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)})
        for name, value in expected.items():
            if found[name].shape != tuple(value.shape) or not np.isfinite(found[name]).all():
                raise ZooError(f"{name} of the exported file is {found[name].shape}, or not finite; {value.shape} here")
            if name in _POINTS:
                distance = np.linalg.norm(found[name].astype(np.float64) - value.double().numpy(), axis=-1)
                farthest = max(farthest, 1000 * float(distance.max()))
    return farthest


def check_parity(difference: float, limit: float) -> None:
    """Refuse what disagrees.

    Raises:
        ZooError: the difference, in mm, is larger than the limit.
    """
    if not difference <= limit:
        raise ZooError(
            f"the exported file moves joints or vertices by up to {difference:.3g} mm, more than {limit:g}; nothing "
            "was written"
        )
