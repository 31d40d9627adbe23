"""The network of Cascaded Dimension-Lifting in plain PyTorch, in any width."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.cascaded_lifting.config import CascadeConfig
from lightning_modules.cascaded_lifting.lifting import CAMERA_NUMBERS, LiftingNet, PoseStatistics, pinhole_joints
from lightning_modules.common.backbones import Pretrained, count_upsamplings, create_backbone
from lightning_modules.common.heads import enlarging
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.joint_prior import VolumePrior, check_knows_joints, person_maps
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.precision import full_precision

_RATES = (1, 2, 4, 8)
_MIDDLE_CAMERA = (0.0, 0.0, 1.0, 0.0)  # a crop in the middle of the photograph, half as wide as the focal length


class CascadeOutput(NamedTuple):
    """What the network says about a crop, step by step."""

    joints: Float[Tensor, "batch joints 3"]
    """2.5D, in cells and bins (see `targets`)."""
    bone_maps: Float[Tensor, "batch bones height width"] | None
    """None of these four without `intermediate`."""
    joint_maps: Float[Tensor, "batch joints height width"] | None
    cube: Float[Tensor, "batch bins height width"] | None
    ordinal: Float[Tensor, "batch bins height width"] | None
    """Logits of P^c, Eq. 5."""
    lifted: Float[Tensor, "batch joints 3"] | None
    """Camera frame, metres, relative to the root; None without the lifting block."""


class _Steps(NamedTuple):
    """What lies between the image's features and the volumes."""

    features: Tensor
    """Of the volumes."""
    bone_maps: Tensor | None
    joint_maps: Tensor | None
    cube: Tensor | None
    ordinal: Tensor | None


class CascadeNet(nn.Module):
    """Backbone, image-context branch, step-by-step heat maps, fused volumes, lifting block (Fig. 2); RGB in [0, 1].

    Args:
        config: settings.
        joints: N.
        bones: number of bone maps.
        ordinal: have the ordinal head, which supervises and says nothing to what comes after it.
        lifting: have the lifting block.
        root: joint that lifted joints are relative to.
        pretrained: weights that the backbone starts from; see `create_backbone`.
        prior: what the backbone says of the joints is to count; for `people_movenet`.

    Raises:
        ValueError: no such backbone, it ends at a stride below 4, or it has no maps for the prior.
    """

    def __init__(
        self,
        config: CascadeConfig = CascadeConfig(),
        joints: int = 18,
        bones: int = 17,
        ordinal: bool = True,
        lifting: bool = True,
        root: int = 0,
        pretrained: Pretrained = False,
        prior: VolumePrior | None = None,
    ) -> None:
        super().__init__()
        context, bins = config.head_channels, config.bins
        self.config, self.count, self.root = config, joints, root
        self.backbone = create_backbone(config.backbone, pretrained, maps=(-1,), output_stride=config.output_stride)
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        channels, times = self.backbone.channels[-1], count_upsamplings(self.backbone, config.backbone)
        self.context = enlarging(channels, context, times)
        self.intermediate = config.intermediate
        if config.intermediate:
            self._add_steps(channels, times, bones, ordinal)
        self.volume_head = nn.Conv2d(context, joints * bins, 1)
        init_convolutions(*(part for name, part in self.named_children() if name != "backbone"))
        self.prior = prior
        if prior is not None:
            check_knows_joints(self.backbone)
        self.statistics = PoseStatistics(joints)
        extra = CAMERA_NUMBERS + 3 * joints if config.lifting_camera else 0
        self.lifting = None
        if lifting:
            self.lifting = LiftingNet(joints, config.lifting_channels, config.lifting_blocks, config.dropout, extra)

    def _add_steps(self, channels: int, times: int, bones: int, ordinal: bool) -> None:
        """Bones, joints, their order in depth."""
        config, joints = self.config, self.count
        context, branch, bins = config.head_channels, config.branch_channels, config.bins
        self.bone_branch = enlarging(channels, branch, times) if config.own_upsampling else None
        structure = branch if config.own_upsampling else context
        self.bone_head = nn.Conv2d(structure, bones, 1)
        shared = context if config.own_upsampling else 0
        self.joint_fusion = _two_layers(structure + shared + bones, branch)
        self.joint_head = nn.Conv2d(branch, joints, 1)
        self.dilated = DilatedBlock(context, branch)
        self.depth_fusion = _two_layers(joints + branch, branch)
        self.cube_head = nn.Conv2d(branch, bins, 1)
        self.ordinal_head = nn.Conv2d(branch, bins, 1) if ordinal else None
        self.volume_fusion = _layer(branch + context + bins, context)

    def forward(
        self, image: Float[Tensor, "batch 3 size size"], camera: Float[Tensor, "batch 4"] | None = None
    ) -> CascadeOutput:
        """All steps; `camera` as `lifting.camera_numbers`, a usual one when omitted."""
        found = self.cascade(image)
        return found if self.lifting is None else found._replace(lifted=self.lift(found.joints, camera))

    def cascade(self, image: Float[Tensor, "batch 3 size size"]) -> CascadeOutput:
        """The first stage: everything but the lifting block."""
        features = self.backbone(self.normalise(image))[-1]
        context = self.context(features)
        found = self._steps(features, context) if self.intermediate else _Steps(context, None, None, None, None)
        volumes = torch.unflatten(self.volume_head(found.features), 1, (self.count, self.config.bins))
        if self.prior is None:
            joints = soft_argmax_nd(volumes)
        else:
            joints = self.prior(volumes, person_maps(self.backbone, features))
        return CascadeOutput(joints, found.bone_maps, found.joint_maps, found.cube, found.ordinal, None)

    def _steps(self, features: Tensor, context: Tensor) -> _Steps:
        """From the backbone's features and those of the image-context branch to all maps."""
        if self.bone_branch is None:
            structure = context
            bone_maps = self.bone_head(structure)
            mixed = [structure, bone_maps]
        else:
            structure = self.bone_branch(features)
            bone_maps = self.bone_head(structure)
            mixed = [structure, context, bone_maps]
        joint_maps = self.joint_head(self.joint_fusion(torch.cat(mixed, 1)))
        deep = self.depth_fusion(torch.cat([joint_maps, self.dilated(context)], 1))
        cube = self.cube_head(deep)
        ordinal = None if self.ordinal_head is None else self.ordinal_head(deep)
        return _Steps(self.volume_fusion(torch.cat([deep, context, cube], 1)), bone_maps, joint_maps, cube, ordinal)

    def lift(
        self, joints: Float[Tensor, "batch joints 3"], camera: Float[Tensor, "batch 4"] | None = None
    ) -> Float[Tensor, "batch joints 3"]:
        """3D joints relative to the root, metres, from 2.5D ones, through which no gradient goes back.

        Raises:
            ValueError: the network has no lifting block.
        """
        if self.lifting is None:
            raise ValueError("this network has no lifting block: it is of the first stage")
        extent = torch.tensor([self.config.cells, self.config.cells, self.config.bins], device=joints.device)
        seen = joints.detach() * (2 / extent) - 1
        guess, extra = self.statistics.mean.expand_as(seen), []
        if self.config.lifting_camera:
            if camera is None:  # len() would fix the batch of an exported graph
                camera = torch.tensor(_MIDDLE_CAMERA, device=seen.device).expand(seen.shape[0], -1)
            guess = pinhole_joints(seen.float(), camera.float(), self.config.depth_range)
            guess = guess - guess[:, self.root, None]
            extra = [camera, ((guess - self.statistics.mean) / self.statistics.spread).flatten(1)]
        with full_precision(joints):
            standardised = self.lifting(torch.cat([seen.flatten(1), *extra], 1))
            return standardised * self.statistics.spread + guess


class DilatedBlock(nn.Module):
    """Four 3 x 3 convolutions side by side that reach 1, 2, 4 and 8 cells far, and one 1 x 1 over all.

    Args:
        channels: width of the features.
        width: of the answer; each of the four has a quarter.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        quarter = -(-width // len(_RATES))
        self.reaches = nn.ModuleList(_layer(channels, quarter, rate) for rate in _RATES)
        self.mix = nn.Sequential(
            nn.Conv2d(quarter * len(_RATES), width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Features that have seen their surroundings."""
        return self.mix(torch.cat([reach(features) for reach in self.reaches], 1))


def _layer(channels: int, width: int, rate: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=rate, dilation=rate, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


def _two_layers(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(_layer(channels, width), _layer(width, width))
