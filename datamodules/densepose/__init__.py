"""DensePose-COCO."""

from datamodules.densepose.datamodule import DensePoseCocoDataModule

__all__ = ["DensePoseCocoDataModule"]
