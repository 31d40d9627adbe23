"""UP-3D: SMPL fitted to images of LSP, LSP-Extended, MPII and FashionPose (Lassner et al. 2017)."""

from datamodules.up3d.datamodule import Up3dDataModule

__all__ = ["Up3dDataModule"]
