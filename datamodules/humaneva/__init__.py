"""HumanEva-I, from its videos and calibration and the joints that its release code computes."""

from datamodules.humaneva.datamodule import HumanEvaDataModule

__all__ = ["HumanEvaDataModule"]
