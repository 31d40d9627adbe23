"""Image backbones: any network of timm, and the zoo's own, as feature maps of known width and stride."""

from lightning_modules.common.backbones.create import create_backbone, create_pose_hrnet, create_pyramid
from lightning_modules.common.backbones.features import Backbone, count_upsamplings
from lightning_modules.common.backbones.pretrained import Pretrained
from lightning_modules.common.backbones.registry import BACKBONES, BackboneSpec, has_weights
from lightning_modules.common.backbones.split import create_split_backbone

__all__ = [
    "BACKBONES",
    "Backbone",
    "BackboneSpec",
    "Pretrained",
    "count_upsamplings",
    "create_backbone",
    "create_pose_hrnet",
    "create_pyramid",
    "create_split_backbone",
    "has_weights",
]
