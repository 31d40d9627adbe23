"""DaNet's network in plain PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Pretrained, has_weights
from lightning_modules.common.folding import FoldedCopy, should_fold
from lightning_modules.common.rotations import matrix_from_6d
from lightning_modules.danet.aggregation import Aggregation
from lightning_modules.danet.chain import Features
from lightning_modules.danet.charts import CHARTS
from lightning_modules.danet.estimator import JOINTS, Estimate, IuvEstimator
from lightning_modules.danet.iuv import IuvMaps, simplify
from lightning_modules.danet.part_drop import PartDrop
from lightning_modules.danet.pooling import JointWindows, resample
from lightning_modules.danet.streams import GlobalStream, LocalStreams

REPRESENTATIONS = ("iuv", "segmentation", "features", "true")
STREAMS = ("many", "one")
ROTATIONS = {"6d": 6, "matrix": 9}

_CAMERA, _SHAPE = 3, 10


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
        iuv_backbone: of the first stage: `hrnet_w48`, `resnet50`, or another one (`common.backbones`).
        charts: `densepose` or `open`.
        channels: width of the deconvolutions' features, for backbones that are no HRNet.
        representation: what the second stage reads: `iuv`, `segmentation` (Index alone), `features` (the first
            stage's last ones, whole or in windows), or `true` (IUV labels, which show what could be reached; Table 7
            and Fig. 12).
        streams: `many`, or `one` for everything (Table 8, "Baseline").
        aggregation: see `Aggregation`.
        learned_edges: see `Aggregation`.
        parts: `near` or `all`: which parts a joint's map keeps (Table 8, "D-Net-AP").
        roi_ratios: see `JointWindows`.
        roi_scale: see `JointWindows`.
        jitter: see `JointWindows`.
        drop: see `PartDrop`.
        drop_rate: see `PartDrop`.
        rotation: `6d` or `matrix`.
        global_backbone: of the global stream.
        local_backbone: of the local streams.
        stream_channels: that the streams' backbones see.
        features: width of a rotation feature.
        pretrained: weights that the first stage's backbone starts from; see `create_backbone`. True also starts the
            streams' where there are weights for them.

    Raises:
        ValueError: a setting is not known, or does not go with another.
    """

    mean_camera_shape: Tensor
    mean_pose: Tensor
    joint_parts: Tensor

    def __init__(
        self,
        iuv_backbone: str = "hrnet_w48",
        charts: str = "densepose",
        channels: int = 256,
        representation: str = "iuv",
        streams: str = "many",
        aggregation: str = "gcn",
        learned_edges: bool = True,
        parts: str = "near",
        roi_ratios: str = "released",
        roi_scale: str = "joints",
        jitter: bool = True,
        drop: str = "part_release",
        drop_rate: float = 0.3,
        rotation: str = "6d",
        global_backbone: str = "resnet18",
        local_backbone: str = "resnet18",
        stream_channels: int = 64,
        features: int = 128,
        pretrained: Pretrained = False,
    ) -> None:
        super().__init__()
        _check(charts=(charts, CHARTS), representation=(representation, REPRESENTATIONS), streams=(streams, STREAMS))
        _check(parts=(parts, ("near", "all")), rotation=(rotation, ROTATIONS))
        self.representation, self.rotation = representation, rotation
        chart, many = CHARTS[charts], streams == "many"
        windows = JointWindows(chart, roi_ratios, roi_scale, jitter)
        self.register_buffer("joint_parts", chart.joint_channels(parts == "all"), persistent=False)
        own_maps = many and representation in ("iuv", "segmentation")
        self.estimator = IuvEstimator(chart, iuv_backbone, channels, parts == "all", windows, own_maps, pretrained)
        self.part_drop = PartDrop(drop, drop_rate, self.joint_parts)
        width, slots, numbers = self.estimator.channels, self.joint_parts.shape[1] + 1, ROTATIONS[rotation]
        planes = {"iuv": 3, "true": 3, "segmentation": 1}.get(representation, 0)
        answers = _CAMERA + _SHAPE + (0 if many else numbers * JOINTS)
        start = pretrained is True and has_weights(global_backbone)
        self.global_stream = GlobalStream(25 * planes or width, answers, stream_channels, global_backbone, start)
        self.local_streams = self.aggregation = None
        if many:
            local = (JOINTS, slots * planes or width, features, stream_channels, local_backbone)
            self.local_streams = LocalStreams(*local, pretrained is True and has_weights(local_backbone))
            self.aggregation = Aggregation(aggregation, JOINTS, features, numbers, learned_edges)
        self._start_from_a_mean(numbers)
        self.fold, self._folded = True, FoldedCopy()

    def _start_from_a_mean(self, numbers: int) -> None:
        """The person whom answers are added to: in the middle of the crop, upright in a frame with y down."""
        self.register_buffer("mean_camera_shape", torch.tensor([0.9] + [0.0] * (_CAMERA + _SHAPE - 1)))
        unturned = torch.eye(3).repeat(JOINTS, 1, 1)
        unturned[0] = torch.diag(torch.tensor([1.0, -1, -1]))
        mean = unturned[..., :2] if numbers == 6 else unturned
        self.register_buffer("mean_pose", mean.reshape(JOINTS, numbers).clone())

    def forward(
        self,
        image: Float[Tensor, "batch 3 size size"],
        true: IuvMaps | None = None,
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

    def regress(self, estimate: Estimate, true: IuvMaps | None = None, supervise: bool | None = None) -> DaNetOutput:
        """The second stage.

        Raises:
            ValueError: the labels are missing that `representation` `true` reads.
        """
        body, joints = self.inputs(estimate, true)
        answer = self.global_stream(body)
        known = (answer[:, : _CAMERA + _SHAPE] + self.mean_camera_shape).float()
        camera, betas = known[:, :_CAMERA], known[:, _CAMERA:]
        if self.local_streams is None or self.aggregation is None:
            numbers = answer[:, _CAMERA + _SHAPE :].reshape(-1, JOINTS, ROTATIONS[self.rotation])
            return DaNetOutput(camera, betas, self.matrices(numbers), estimate, None)
        refined = self.aggregation(self.local_streams(joints))
        rotations = self.matrices(self.aggregation.rotation(refined.refined))
        wanted = self.training if supervise is None else supervise
        return DaNetOutput(camera, betas, rotations, estimate, self._supervised(refined) if wanted else None)

    def inputs(self, estimate: Estimate, true: IuvMaps | None = None) -> tuple[Tensor, Tensor]:
        """What the global stream and the local ones read."""
        windows = estimate.windows
        if self.representation == "features":
            whole = estimate.features.unsqueeze(1).expand(-1, JOINTS, -1, -1, -1)
            return estimate.features, resample(whole, windows.thetas)
        if self.representation == "true":
            if true is None:
                raise ValueError("this network reads IUV labels (representation: true); put them in")
            return true.stacked(), resample(simplify(true, self.joint_parts).flatten(2, 3), windows.thetas)
        body, joints = self.part_drop(estimate.iuv, estimate.partial)
        joints = body if joints is None else joints
        if self.representation == "segmentation":
            return body.part, joints.part
        return body.stacked(), joints.stacked()

    def matrices(self, numbers: Float[Tensor, "batch joints numbers"]) -> Float[Tensor, "batch joints 3 3"]:
        """Rotations from numbers added to the mean pose; orthogonal where there are six of them."""
        numbers = numbers.float() + self.mean_pose
        return matrix_from_6d(numbers) if self.rotation == "6d" else numbers.view(-1, JOINTS, 3, 3)

    def _supervised(self, features: Features) -> Supervised:
        assert self.aggregation is not None
        head, places = self.aggregation.first_rotation, self.aggregation.position
        rotations = None if head is None else self.matrices(head(features.rotations))
        if places is None or features.positions is None or features.refined_positions is None:
            return Supervised(rotations, ())
        spaces = (features.positions, features.refined_positions)
        return Supervised(rotations, tuple(read(space).float() for read, space in zip(places, spaces, strict=True)))


def _check(**settings: tuple[str, object]) -> None:
    """Refuse settings that are unknown."""
    for name, (value, known) in settings.items():
        if value not in known:  # type: ignore[operator]
            raise ValueError(f"no {name} {value!r}; use one of {', '.join(known)}")  # type: ignore[arg-type]
