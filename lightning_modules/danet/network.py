"""DaNet's network in plain PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Pretrained, has_weights
from lightning_modules.common.folding import FoldedCopy, should_fold
from lightning_modules.common.pose_prior import PosePrior
from lightning_modules.common.rotations import matrix_from_6d
from lightning_modules.danet.aggregation import Aggregation
from lightning_modules.danet.backbone_estimator import BackboneEstimator
from lightning_modules.danet.chain import Features
from lightning_modules.danet.charts import CHARTS
from lightning_modules.danet.config import DaNetConfig, RotationNumbers
from lightning_modules.danet.estimator import JOINTS, Estimate, IuvEstimator
from lightning_modules.danet.iuv import TrueIuv, simplify
from lightning_modules.danet.mean_person import MeanPerson
from lightning_modules.danet.part_drop import PartDrop
from lightning_modules.danet.pooling import JointWindows, resample
from lightning_modules.danet.streams import GlobalStream, LocalStreams

_NUMBERS: Mapping[RotationNumbers, int] = {"6d": 6, "matrix": 9}
_CAMERA, _SHAPE = 3, 10
SMALLEST_DEPTH = 0.1
"""Metres, of a body's origin before the camera."""


class Supervised(NamedTuple):
    """Answers on the way to the final ones, which only training reads."""

    rotations: Float[Tensor, "batch joints 3 3"] | None
    """Before refinement."""
    positions: tuple[Float[Tensor, "batch joints 3"], ...]
    """Before and after refinement, metres; empty where no position features are supervised."""


class DaNetOutput(NamedTuple):
    """The network's answer."""

    camera: Float[Tensor, "batch 3"]
    """Scale s and translation (x, y) in metres: crop pixel = (1 + s (X + x)) size / 2."""
    betas: Float[Tensor, "batch 10"]
    rotations: Float[Tensor, "batch joints 3 3"]
    """Child to parent, the orientation first; not orthogonal where matrices are predicted as such."""
    estimate: Estimate
    """IUV maps and windows."""
    supervised: Supervised | None


class DaNet(nn.Module):
    """Image to IUV maps to camera, shape and rotations (section 4). Input is RGB in [0, 1].

    Args:
        config: settings.
        pretrained: weights that the first stage's backbone starts from; see `create_backbone`. True also starts the
            streams' where there are weights for them.
        pose_prior: of the pose that answers are added to, for `joint_prior`.
    """

    mean_camera_shape: Tensor
    mean_pose: Tensor
    joint_parts: Tensor

    def __init__(
        self, config: DaNetConfig = DaNetConfig(), pretrained: Pretrained = False, pose_prior: PosePrior | None = None
    ) -> None:
        super().__init__()
        self.representation, self.rotation = config.representation, config.rotation
        charts, many, all_parts = CHARTS[config.charts], config.streams == "many", config.parts == "all"
        self.register_buffer("joint_parts", charts.joint_channels(all_parts), persistent=False)
        self.crop_size, self.pose_prior = config.crop_size, pose_prior
        windows = JointWindows(charts, config.roi_ratios, config.roi_scale, config.jitter)
        partial = many and config.representation in ("iuv", "segmentation")
        self.estimator: IuvEstimator | BackboneEstimator
        if config.estimator == "backbone":
            self.estimator = BackboneEstimator(charts, config.iuv_backbone, all_parts, windows, partial, pretrained)
        else:
            self.estimator = IuvEstimator(
                charts,
                config.iuv_backbone,
                config.channels,
                all_parts,
                windows,
                partial,
                pretrained,
                config.output_stride,
            )
        self.part_drop = PartDrop(config.drop, config.drop_rate, self.joint_parts)
        width, slots, numbers = self.estimator.channels, self.joint_parts.shape[1] + 1, _NUMBERS[config.rotation]
        planes = {"iuv": 3, "true": 3, "segmentation": 1}.get(config.representation, 0)
        self.global_stream = GlobalStream(
            in_channels=25 * planes or width,
            answers=_CAMERA + _SHAPE + (0 if many else numbers * JOINTS),
            channels=config.stream_channels,
            backbone=config.global_backbone,
            pretrained=pretrained is True and has_weights(config.global_backbone),
        )
        self.local_streams = self.aggregation = None
        if many:
            self.local_streams = LocalStreams(
                JOINTS,
                in_channels=slots * planes or width,
                features=config.features,
                channels=config.stream_channels,
                backbone=config.local_backbone,
                pretrained=pretrained is True and has_weights(config.local_backbone),
            )
            if pose_prior is not None:
                self.start_features = nn.Linear(numbers * JOINTS, config.features * JOINTS)
            self.aggregation = Aggregation(config.aggregation, JOINTS, config.features, numbers, config.learned_edges)
        self._start_from_a_mean(numbers)
        self.fold, self._folded = True, FoldedCopy()

    def _start_from_a_mean(self, numbers: int) -> None:
        """The person whom answers are added to: in the middle of the crop, upright in a frame with y down."""
        self.register_buffer("mean_camera_shape", torch.tensor([0.9] + [0.0] * (_CAMERA + _SHAPE - 1)))
        unturned = torch.eye(3).repeat(JOINTS, 1, 1)
        unturned[0] = torch.diag(torch.tensor([1.0, -1, -1]))
        mean = unturned[..., :2] if numbers == 6 else unturned
        self.register_buffer("mean_pose", mean.reshape(JOINTS, numbers).clone())

    def start_from(self, mean: MeanPerson) -> None:
        """Add answers to another person than the upright one."""
        self.mean_camera_shape.copy_(torch.cat([mean.camera, mean.betas]))
        self.mean_pose.copy_(mean.numbers(self.mean_pose.shape[1]))

    def forward(
        self,
        image: Float[Tensor, "batch 3 size size"],
        true: TrueIuv | None = None,
        supervise: bool | None = None,
    ) -> DaNetOutput:
        """Everything about a batch of crops.

        Args:
            image: RGB crops.
            true: IUV labels, for `representation` `true`.
            supervise: also give the answers that only training reads; as in training when omitted.
        """
        network = self._folded.of(self) if self.fold and should_fold(image, self.training) else self
        return network.regress(network.estimator(image), true, supervise)

    def regress(self, estimate: Estimate, true: TrueIuv | None = None, supervise: bool | None = None) -> DaNetOutput:
        """The second stage.

        Raises:
            ValueError: the labels are missing that `representation` `true` reads.
        """
        body, joints = self.inputs(estimate, true)
        answer = self.global_stream(body)
        known = (answer[:, : _CAMERA + _SHAPE] + self.mean_camera_shape).float()
        camera, betas = known[:, :_CAMERA], known[:, _CAMERA:]
        if self.local_streams is None or self.aggregation is None:
            numbers = answer[:, _CAMERA + _SHAPE :].reshape(-1, JOINTS, _NUMBERS[self.rotation])
            return DaNetOutput(camera, betas, self.matrices(numbers), estimate, None)
        features, start = self.local_streams(joints), self._start(estimate)
        if start is not None:
            features = features + self.start_features((start - self.mean_pose).flatten(1)).view_as(features)
        refined = self.aggregation(features)
        rotations = self.matrices(self.aggregation.rotation(refined.refined), start)
        wanted = self.training if supervise is None else supervise
        return DaNetOutput(camera, betas, rotations, estimate, self._supervised(refined, start) if wanted else None)

    def _start(self, estimate: Estimate) -> Float[Tensor, "batch joints 6"] | None:
        """Numbers of the pose that the backbone's joints suggest, without a prior None."""
        if self.pose_prior is None or estimate.known is None:
            return None
        return self.pose_prior.start(estimate.known)[..., :2].flatten(2)

    def follow(self, output: DaNetOutput, focal: Float[Tensor, " batch"]) -> DaNetOutput:
        """Trunk and limbs put where the backbone's joints are, and the camera that shows them there.

        Args:
            output: with rotations, not just matrices.
            focal: of that camera, see `crop_camera`.
        """
        known = output.estimate.known
        if self.pose_prior is None or known is None:
            return output
        placed = self.pose_prior.follow(output.rotations, output.betas, known, self.crop_size, focal)
        half, scale = self.crop_size / 2, placed.scale[:, None]
        # the prior measures depth from the pelvis, the camera from where the body's coordinates begin
        behind = placed.joints[:, :1, 2]
        away = (focal[:, None] * half / scale - behind).clamp(min=SMALLEST_DEPTH)
        camera = torch.cat([focal[:, None] / away, (placed.shift - half) / scale], 1)
        return output._replace(rotations=placed.rotations, camera=camera)

    def inputs(self, estimate: Estimate, true: TrueIuv | None = None) -> tuple[Tensor, Tensor]:
        """What the global stream and the local ones read."""
        windows = estimate.windows
        if self.representation == "features":
            whole = estimate.features.unsqueeze(1).expand(-1, JOINTS, -1, -1, -1)
            return estimate.features, resample(whole, windows.thetas)
        if self.representation == "true":
            if true is None:
                raise ValueError("this network reads IUV labels (representation: true); put them in")
            around = self.estimator.windows.around(true.places, true.maps.labels())
            joints = simplify(true.maps, self.joint_parts).flatten(2, 3)
            return true.maps.stacked(), resample(joints, around.thetas)
        body, partial = self.part_drop(estimate.iuv, estimate.partial)
        partial = body if partial is None else partial
        if self.representation == "segmentation":
            return body.part, partial.part
        return body.stacked(), partial.stacked()

    def matrices(
        self, numbers: Float[Tensor, "batch joints numbers"], start: Float[Tensor, "batch joints numbers"] | None = None
    ) -> Float[Tensor, "batch joints 3 3"]:
        """Rotations from numbers added to those of a pose, the mean one when omitted; orthogonal where they are six."""
        numbers = numbers.float() + (self.mean_pose if start is None else start)
        return matrix_from_6d(numbers) if self.rotation == "6d" else numbers.view(-1, JOINTS, 3, 3)

    def _supervised(self, features: Features, start: Tensor | None) -> Supervised:
        assert self.aggregation is not None
        head, places = self.aggregation.first_rotation, self.aggregation.position
        rotations = None if head is None else self.matrices(head(features.rotations), start)
        if places is None or features.positions is None or features.refined_positions is None:
            return Supervised(rotations, ())
        spaces = (features.positions, features.refined_positions)
        return Supervised(rotations, tuple(read(space).float() for read, space in zip(places, spaces, strict=True)))
