"""MPII Human Pose, from its own MATLAB file and from the files that others made of it."""

from datamodules.mpii.datamodule import MpiiDataModule

__all__ = ["MpiiDataModule"]
