"""A segmenter that needs no decoder: the part maps of a backbone that has some."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from body.parts import merge_table
from lightning_modules.common.backbones import Pretrained, create_pyramid
from lightning_modules.common.backbones.movenet_people import PersonMaps
from lightning_modules.common.joint_prior import check_knows_joints, person_maps
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.precision import full_precision

_LEAST = 1e-9


class BackboneParts(nn.Module):
    """Log probabilities of the parts, which are sums over the backbone's 24.

    Args:
        backbone: `people_movenet`.
        parts: how many there are.
        pretrained: weights that it starts from; see `create_backbone`.

    Raises:
        ValueError: the backbone says no parts.
    """

    merge: Tensor

    def __init__(self, backbone: str, parts: int, pretrained: Pretrained = False) -> None:
        super().__init__()
        self.backbone = create_pyramid(backbone, pretrained)
        check_knows_joints(self.backbone, "segmenter: backbone")
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        coarse = torch.as_tensor(merge_table(parts)).long()
        self.register_buffer("merge", functional.one_hot(coarse, parts + 1).float(), persistent=False)

    def maps(self, image: Float[Tensor, "batch 3 height width"]) -> PersonMaps:
        """What the backbone says of RGB crops in [0, 1]."""
        return person_maps(self.backbone, self.backbone(self.normalise(image))[0])

    def logits(self, maps: PersonMaps) -> Float[Tensor, "batch classes rows columns"]:
        """Of the background and the parts, at a quarter of the crop's size; float32."""
        with full_precision(maps.parts):
            fine = functional.softmax(maps.parts.float(), 1)
            return torch.einsum("bfyx,fc->bcyx", fine, self.merge).clamp(min=_LEAST).log()

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes rows columns"]:
        """RGB in [0, 1] to logits."""
        return self.logits(self.maps(image))
