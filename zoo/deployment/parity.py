"""Whether an exported file answers as the model does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from datamodules.open_v2.datamodule import OpenV2DataModule
from datamodules.settings import CropSettings
from lightning_modules.base import PoseModule
from zoo.deployment.predictor import INPUTS, Predictor
from zoo.errors import ZooError

Runner = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
"""Inputs by name to outputs by name, in another runtime."""
LIMIT_MM = 0.1
_POINTS = ("joints", "vertices")


def largest_difference(model: PoseModule, predictor: Predictor, run: Runner, sizes: Sequence[int] = (1, 3)) -> float:
    """The farthest that a joint or vertex of the exported file is from the model's, mm, for batches of these sizes.

    Crops show people: where there is nobody, a body that follows joints magnifies rounding ten times as much.

    Raises:
        ZooError: an output has another shape, or is not finite.
    """
    farthest = 0.0
    for size in sizes:
        inputs = person_inputs(model, size)
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


def person_inputs(model: PoseModule, batch: int) -> tuple[Tensor, ...]:
    """Crops of people from the test images of `open-v2`, which ship with the package, in the order of `INPUTS`."""
    people = OpenV2DataModule(crops=CropSettings(size=model.crop_size), num_workers=0).dataset("test")
    rows = [people[(101 * batch + 37 * number) % len(people)] for number in range(batch)]
    return tuple(torch.stack([row[name] for row in rows]).float() for name in INPUTS)


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
