"""A first stage without heads: what a backbone that knows people says, as an estimate."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import OPEN36, SMPL24
from lightning_modules.common.backbones import Pretrained, create_backbone
from lightning_modules.common.backbones.movenet_people import PARTS, PersonMaps
from lightning_modules.common.joint_prior import STRIDE, check_knows_joints, known_joints, person_maps
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.precision import full_precision
from lightning_modules.danet.charts import Charts
from lightning_modules.danet.estimator import Estimate
from lightning_modules.danet.iuv import IuvMaps, simplify
from lightning_modules.danet.pooling import JointWindows, resample

_LEAST = 1e-9
_PLACES = [OPEN36.index(joint) for joint in SMPL24.joints]


class BackboneEstimator(nn.Module):
    """IUV maps and joints that `people_movenet` has learnt; a joint's own map is a part of the whole body's.

    Args:
        charts: of the maps.
        backbone: `people_movenet`.
        all_parts: see `IuvEstimator`, as for the arguments after it.
        windows: where joints look.
        partial: whether joints have maps.
        pretrained: weights of the backbone.

    Raises:
        ValueError: the backbone says nothing of people.
    """

    coarse: Tensor
    kept: Tensor

    def __init__(
        self,
        charts: Charts,
        backbone: str,
        all_parts: bool,
        windows: JointWindows,
        partial: bool = True,
        pretrained: Pretrained = False,
    ) -> None:
        super().__init__()
        self.backbone = create_backbone(backbone, pretrained, maps=(-1,), output_stride=STRIDE)
        check_knows_joints(self.backbone, "estimator: backbone")
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        self.channels, self.windows, self.wants_partial = self.backbone.channels[-1], windows, partial
        table = functional.one_hot(charts.coarse_table(), len(charts.coarse)).float()
        self.register_buffer("coarse", table, persistent=False)
        self.register_buffer("kept", charts.joint_channels(all_parts), persistent=False)

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Estimate:
        """RGB crops in [0, 1] to maps; the Index is the logarithm of probabilities."""
        features = self.backbone(self.normalise(image))[-1]
        maps = person_maps(self.backbone, features)
        parts = functional.softmax(maps.parts.float(), 1)
        iuv = self._iuv(maps, parts.clamp(min=_LEAST).log())
        with full_precision(parts):
            coarse = torch.einsum("bpyx,pc->bcyx", parts, self.coarse).clamp(min=_LEAST).log()
        known = known_joints(maps)
        side = features.shape[-1]
        windows = self.windows.around(known.cells[:, _PLACES] * (2 / side) - 1, iuv.labels())
        partial = self._partial(iuv, parts, windows.thetas) if self.wants_partial else None
        return Estimate(features, iuv, coarse, maps.joints[:, _PLACES], windows, partial, known)

    def _iuv(self, maps: PersonMaps, index: Float[Tensor, "batch 25 height width"]) -> IuvMaps:
        """U and V of the background are zero."""
        u, v = (functional.pad(chart.float(), (0, 0, 0, 0, 1, 0)) for chart in torch.split(maps.surface, PARTS, 1))
        return IuvMaps(u, v, index)

    def _partial(
        self, iuv: IuvMaps, parts: Float[Tensor, "batch 25 height width"], thetas: Float[Tensor, "batch joints 2 3"]
    ) -> IuvMaps:
        simple = simplify(iuv._replace(part=parts), self.kept)
        return IuvMaps.unstacked(resample(simple.flatten(2, 3), thetas).view_as(simple))
