"""Settings of Neural Body Fitting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lightning_modules.common.config import Config, NetworkConfig

Segmenter = Literal["refinenet", "deeplab", "backbone", "none"]
PartCount = Literal[1, 3, 6, 12, 24]
InputKind = Literal["parts", "true_parts", "rgb", "joints14", "joints24"]
Coding = Literal["hard", "soft"]
Rotations = Literal["absolute", "relative"]
Distance = Literal["euclidean", "squared", "geman_mcclure", "tukey"]
LatentDistance = Literal["absolute", "squared", "geman_mcclure", "tukey"]
Points = Literal["joints", "landmarks", "vertices"]
Scale = Literal["crop", "keypoints", "true_body"]
Stages = Literal["both", "segmenter", "fitter"]


@dataclass(frozen=True, kw_only=True)
class NBFConfig(NetworkConfig):
    """The settings of both networks.

    Attributes:
        encoder: of the fitting stage: `resnet50v1` or `resnet50v2` (the release's), a name in
            `lightning_modules.common.backbones`, or `none` for a segmenter alone.
        segmenter: of the first stage (Table 2); `backbone` for the part maps of `people_movenet`, `none` where the
            encoder is given its input.
        segmenter_backbone: `resnet101v1` (the release's) or a name in `lightning_modules.common.backbones`.
        segmenter_channels: width of RefineNet's decoder.
        segmenter_norm: batch norm in it, for trainings without ImageNet weights; not in the paper.
        input_size: side of the encoder's input in pixels.
        parts: how many there are (Table 1).
        input: what the encoder is given (Table 1): the segmenter's `parts`, `true_parts`, the image (`rgb`), or the
            true joints as blobs (`joints14`, `joints24`).
        coding: of the segmenter's parts: `hard` colours the most probable label of each pixel, as the release; `soft`
            blends the colours by probability, so that gradients reach the segmenter.
        rotations: what the estimated matrices are, and the rotations of all methods.
        proper_rotations: never reflections; the release has no such correction.
        joint_prior: numbers are added to the pose that the backbone's joints suggest instead of a mean one, and in the
            end trunk and limbs are put where these joints are; for segmenter `backbone`. Not in the paper.

    Raises:
        ValueError: as for `NetworkConfig`, or `joint_prior` with another segmenter.
    """

    crop_size: int = 512
    encoder: str = "resnet50v1"
    segmenter: Segmenter = "refinenet"
    segmenter_backbone: str = "resnet101v1"
    segmenter_channels: int = 256
    segmenter_norm: bool = False
    input_size: int = 224
    parts: PartCount = 12
    input: InputKind = "parts"
    coding: Coding = "hard"
    rotations: Rotations = "absolute"
    proper_rotations: bool = True
    joint_prior: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.joint_prior and (self.segmenter != "backbone" or self.input != "parts"):
            raise ValueError("joint_prior: true takes joints from the segmenter; set segmenter: backbone, input: parts")


@dataclass(frozen=True, kw_only=True)
class NBFLossConfig(Config):
    """What the networks are trained with.

    Attributes:
        part_weight: of the segmentation's cross entropy.
        latent_weight: of L_lat (Tables 3 and 4).
        joints3d_weight: of L_3D.
        joints2d_weight: of L_2D.
        latent_distance: of shape and rotations: `absolute` (the paper's choice), `squared`, or one of the robust losses
            of its appendix, `geman_mcclure` and `tukey` (see `losses.penalty`).
        distance: of joints: `euclidean` (as released), `squared` (as written), or a robust one.
        robust_width: residual at which robust losses level off: of an entry, in metres, in halves of the picture.
        points: what L_3D and L_2D compare: SMPL's 24 `joints`, UP's 91 `landmarks` (of SMPL's mesh) or all `vertices`.
        labelled_share: share of training samples whose 3D labels are used (Table 4).
        segmenter_interval: the segmenter is run in every so many training steps only, and an encoder for `parts` is
            given the true ones in the others, which are several times as fast.
        true_parts_steps: first steps in which the segmenter is not run at all.

    Raises:
        ValueError: a setting is none of its choices, or the interval or the width is not positive.
    """

    part_weight: float = 1.0
    latent_weight: float = 1.0
    joints3d_weight: float = 0.0
    joints2d_weight: float = 1.0
    latent_distance: LatentDistance = "absolute"
    distance: Distance = "euclidean"
    robust_width: float = 0.2
    points: Points = "joints"
    labelled_share: float = 1.0
    segmenter_interval: int = 1
    true_parts_steps: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segmenter_interval < 1:
            raise ValueError("segmenter_interval counts steps; give 1 for every step")
        if self.robust_width <= 0:
            raise ValueError(f"robust_width is {self.robust_width}; give the residual at which robust losses level off")
