"""The open benchmark, and a model measured on it without a command line."""

from __future__ import annotations

import pytorch_lightning as pl

from datamodules.base import BaseDataModule
from datamodules.open_v2.datamodule import OpenV2DataModule
from datamodules.settings import CropSettings
from datamodules.synthetic import SyntheticDataModule
from lightning_modules.base import PoseModule
from zoo.results.evaluation import make_test_result
from zoo.results.quiet import quiet_lightning
from zoo.results.result import Result, WeightsIdentity


def open_benchmark() -> SyntheticDataModule:
    """The open benchmark with its 600 test images, rendered unless they are cached."""
    datamodule = SyntheticDataModule(num_workers=0, batch_size=20)
    datamodule.setup("test")
    return datamodule


def benchmark_of(model: PoseModule) -> SyntheticDataModule | OpenV2DataModule:
    """The test images that go with the renderings that a model was trained on, in crops that it reads.

    Those of `open-v2` ship, those of `open-v1` are rendered unless they are cached.
    """
    skeleton = model.batch_skeleton or model.skeleton
    kind = OpenV2DataModule if model.protocol.id == "open-v2" else SyntheticDataModule
    crops = CropSettings(skeleton=skeleton.name, size=model.crop_size, margin=model.crop_margin)
    datamodule = kind(crops=crops, num_workers=0, batch_size=20)
    datamodule.setup("test")
    return datamodule


def measure(model: PoseModule, datamodule: BaseDataModule, weights: WeightsIdentity, command: str) -> Result:
    """Evaluate the model on the whole test split, in 32-bit floats on the CPU.

    Raises:
        ZooError: a number is not finite.
    """
    quiet_lightning()
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.test(model, datamodule=datamodule, verbose=False)
    kind = type(datamodule)
    config = {"datamodule": f"{kind.__module__}.{kind.__name__}", "batch_size": datamodule.batch_size}
    return make_test_result(trainer, model, datamodule, weights, config, command)
