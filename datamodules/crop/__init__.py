"""From a raw sample to one crop; see `crop.make`."""

from datamodules.crop.make import crop_image, make_crop
from datamodules.crop.smpl import RestRoot, change_smpl
from datamodules.crop.surface import mirror_iuv

__all__ = ["RestRoot", "change_smpl", "crop_image", "make_crop", "mirror_iuv"]
