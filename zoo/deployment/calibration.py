"""What int8 costs: calibration and measurement on the open benchmark's shipped images, which are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from datamodules.open_v2.datamodule import OpenV2DataModule
from datamodules.settings import CropSettings
from lightning_modules.base import PoseModule
from zoo.deployment.parity import Runner
from zoo.deployment.predictor import INPUTS, Predictor
from zoo.errors import ZooError, one_line

IMAGES = "the shipped test images of open-v2"
_CALIBRATION_EVERY, _MEASURED_EVERY = 25, 7


@dataclass(frozen=True)
class Cost:
    """What a graph of lesser precision costs on the open benchmark.

    Attributes:
        images: how many; none of them was calibrated on.
        error: mean distance of a joint from its label, relative to the root, mm, of the model.
        reduced_error: the same of the graph.
        moved: mean distance between the two's joints, relative to the root, mm.
        farthest: the largest one.
    """

    images: int
    error: float
    reduced_error: float
    moved: float
    farthest: float

    def check(self, limit: float) -> None:
        """Refuse what costs too much; where errors are large, joints can move far and leave the mean error as it was.

        Raises:
            ZooError: joints move, or the mean error grows, by more than the limit, mm.
        """
        if not max(self.moved, self.reduced_error - self.error) <= limit:
            raise ZooError(
                f"int8 moves joints by {self.moved:.1f} mm on average, at most {self.farthest:.0f}, and takes the mean "
                f"error from {self.error:.1f} to {self.reduced_error:.1f} mm; {limit:g} are allowed; nothing was "
                "written; --int8-limit allows more"
            )


def calibration_crops(model: PoseModule) -> list[dict[str, np.ndarray]]:
    """Inputs of a graph, image by image."""
    found = _batches(model, lambda index: index % _CALIBRATION_EVERY == 0, size=1)
    return [{name: batch[name].numpy() for name in INPUTS} for batch in found]


def measure_cost(model: PoseModule, predictor: Predictor, run: Runner) -> Cost:
    """The errors of a model and of a graph that stands for it.

    Args:
        model: on the CPU in fp32.
        predictor: of it.
        run: the graph.
    """
    wanted = predictor.names.index("joints")
    root = model.skeleton.root_index
    places = torch.tensor((model.batch_skeleton or model.skeleton).positions_of(model.skeleton))
    images, errors = 0, ([], [], [])  # type: int, tuple[list[Tensor], list[Tensor], list[Tensor]]
    for batch in _batches(model, lambda index: index % _MEASURED_EVERY == 0 and index % _CALIBRATION_EVERY != 0, 8):
        inputs = [batch[name] for name in INPUTS]
        with torch.no_grad():
            exact = predictor(*inputs)[wanted]
        found = run({name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)})["joints"]
        reduced, labels = torch.from_numpy(np.asarray(found)), batch["joints"][:, places]
        valid = batch["joints_valid"][:, places] & (places >= 0)  # of what is no joint of the labels, -1 picks another
        valid &= valid[:, [root]]
        images += len(valid)
        points = [joints - joints[:, [root]] for joints in (exact, reduced, labels)]
        for errors_of, (one, other) in zip(errors, ((0, 2), (1, 2), (0, 1)), strict=True):
            errors_of.append(1000 * (points[one] - points[other]).norm(dim=-1)[valid])
    of_model, of_graph, moved = (torch.cat(values) for values in errors)
    return Cost(images, float(of_model.mean()), float(of_graph.mean()), float(moved.mean()), float(moved.max()))


def _batches(model: PoseModule, wanted: Callable[[int], bool], size: int) -> Iterator[Mapping[str, Tensor]]:
    skeleton = model.batch_skeleton or model.skeleton
    crops = CropSettings(skeleton=skeleton.name, size=model.crop_size, margin=model.crop_margin)
    datamodule = OpenV2DataModule(crops=crops, num_workers=0)
    try:
        datamodule.setup("test")
        dataset: Dataset[Any] = datamodule.dataset("test")
    except (KeyError, ValueError) as error:
        raise ZooError(
            f"int8 is calibrated on the open body, which this model does not fit: {one_line(error)}"
        ) from None
    chosen = [index for index in range(len(dataset)) if wanted(index)]  # type: ignore[arg-type]
    collate = datamodule.test_dataloader().collate_fn
    yield from DataLoader(Subset(dataset, chosen), batch_size=size, collate_fn=collate)
