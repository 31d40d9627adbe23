"""The open benchmark, and a model measured on it without a command line."""

from __future__ import annotations

import pytorch_lightning as pl

from datamodules.synthetic import SyntheticDataModule
from lightning_modules.base import PoseModule
from zoo.results.evaluation import make_test_result
from zoo.results.result import Result, WeightsIdentity


def open_benchmark() -> SyntheticDataModule:
    """The open benchmark with its 600 test images, rendered unless they are cached."""
    datamodule = SyntheticDataModule(num_workers=0, batch_size=20)
    datamodule.setup("test")
    return datamodule


def measure(model: PoseModule, datamodule: SyntheticDataModule, weights: WeightsIdentity, command: str) -> Result:
    """Evaluate the model on the whole test split, in 32-bit floats on the CPU.

    Raises:
        ZooError: a number is not finite.
    """
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.test(model, datamodule=datamodule, verbose=False)
    config = {"datamodule": "datamodules.synthetic.SyntheticDataModule", "batch_size": datamodule.batch_size}
    return make_test_result(trainer, model, datamodule, weights, config, command)
