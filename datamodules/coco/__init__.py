"""COCO keypoints."""

from datamodules.coco.datamodule import CocoDataModule

__all__ = ["CocoDataModule"]
