"""Settings of DaNet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from body.choices import check_choice
from lightning_modules.common.config import Config, NetworkConfig

ChartsName = Literal["densepose", "open"]
EstimatorKind = Literal["heads", "backbone"]
Representation = Literal["iuv", "segmentation", "features", "true"]
Streams = Literal["many", "one"]
AggregationKind = Literal["gcn", "lstm", "direct", "implicit", "none"]
JointParts = Literal["near", "all"]
Ratios = Literal["released", "equal", "learned"]
WindowScale = Literal["joints", "foreground"]
Drop = Literal["none", "part", "part_release", "block", "unit"]
RotationNumbers = Literal["6d", "matrix"]
LossTerms = Literal["paper", "release"]

RELEASED_WEIGHTS: dict[str, float] = {
    "u": 0.5, "v": 0.5, "index": 1.0, "coarse": 1.0, "partial_u": 0.5, "partial_v": 0.5, "partial_index": 1.0,
    "point_u": 0.5, "point_v": 0.5, "point_index": 0.3, "mask": 2.0, "place": 1.0, "first_rotation": 60.0,
    "rotation": 60.0, "betas": 0.06, "first_position": 1.0, "position": 1.0, "joints_2d": 300.0, "joints_3d": 300.0,
    "vertices": 0.0, "orthogonality": 0.0, "camera": 0.0, "scale": 1.0,
}  # fmt: skip
"""The release's weights. Terms with weight 0 are left out."""

PAPER_WEIGHTS = {**RELEASED_WEIGHTS, "joints_2d": 0.1, "joints_3d": 0.1, "vertices": 1.0, "orthogonality": 1.0,
                 "camera": 1.0, "rotation": 1.0, "first_rotation": 1.0, "betas": 1.0, "scale": 0.0}  # fmt: skip
"""For the terms of Eqs. 1 to 4. The paper prints no weights; where the first release has one, it is here."""


@dataclass(frozen=True, kw_only=True)
class DaNetConfig(NetworkConfig):
    """The network's settings; maps are a quarter of the crop's size.

    Attributes:
        iuv_backbone: of the first stage: an HRNet, or a network whose last features deconvolutions enlarge.
        output_stride: of its last map, at most; not heeded for an HRNet.
        estimator: what says IUV maps: `heads` on the backbone's features, or the `backbone` itself (`people_movenet`).
        joint_prior: rotations are added to those that the backbone's joints suggest instead of a mean person's, and in
            the end trunk and limbs are put where these joints are; for estimator `backbone` and streams `many`. Not in
            the paper.
        charts: of the IUV labels: `densepose` (SMPL) or `open` (the open body).
        channels: width of the deconvolutions' features, for backbones that are no HRNet.
        representation: what the second stage reads: `iuv`, `segmentation` (Index alone), `features` (the first
            stage's last ones, whole or in windows), or `true` (IUV labels, which show what could be reached; Table 7
            and Fig. 12).
        streams: `many`, or `one` for everything (Table 8, "Baseline").
        aggregation: refinement (Table 9). `gcn`: position-aided graph; `implicit`: the same without anything that says
            what positions are; `direct`: of rotation features; `lstm`: along the limbs (the early version); `none`.
        learned_edges: weights of a graph's edges are learned.
        parts: which parts a joint's map keeps: those `near` it, or `all` (Table 8, "D-Net-AP").
        roi_ratios: of the joints' windows (Eq. 2): `released` (learned by the authors, constants), `equal` (0.5 and
            0.1) or `learned` (parameters). What the authors learned is for `joints`; with `foreground`, `released` is
            `equal`.
        roi_scale: which the ratios are of: `joints`: the longer of the joint's bones, as in the release; `foreground`:
            the box around the person in the Index map, as in the paper.
        jitter: move and scale the windows at random in training: places by up to 0.05, scales by 10 %.
        drop: what training drops from the maps between the stages. `part`: PartDrop as in the paper, which blanks the
            dropped parts of the cleaned maps; `part_release`: as released, which sets their logits to zero before the
            maps are cleaned, so that another part or the background takes their place; `block`: DropBlock of 7 x 7
            pixels; `unit`: Dropout of single pixels, both of the foreground only; `none`.
        drop_rate: probability of a part, or of a pixel.
        rotation: numbers that are estimated per rotation: `6d`, or the 9 of a `matrix`.
        global_backbone: of the global stream.
        local_backbone: of the local streams, which share it; it ends before its last stage.
        stream_channels: that the streams' backbones read.
        features: width of a rotation feature.

    Raises:
        ValueError: as for `NetworkConfig`, or the rate is no probability.
    """

    crop_size: int = 224
    iuv_backbone: str = "hrnet_w48"
    output_stride: int | None = None
    estimator: EstimatorKind = "heads"
    joint_prior: bool = False
    charts: ChartsName = "densepose"
    channels: int = 256
    representation: Representation = "iuv"
    streams: Streams = "many"
    aggregation: AggregationKind = "gcn"
    learned_edges: bool = True
    parts: JointParts = "near"
    roi_ratios: Ratios = "released"
    roi_scale: WindowScale = "joints"
    jitter: bool = True
    drop: Drop = "part_release"
    drop_rate: float = 0.3
    rotation: RotationNumbers = "6d"
    global_backbone: str = "resnet18"
    local_backbone: str = "resnet18"
    stream_channels: int = 64
    features: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.drop_rate < 1:
            raise ValueError(f"drop_rate {self.drop_rate} is no probability below 1")
        if self.joint_prior and (self.estimator, self.streams, self.rotation) != ("backbone", "many", "6d"):
            raise ValueError("joint_prior: true goes with estimator: backbone, streams: many and rotation: 6d")


@dataclass(frozen=True, kw_only=True)
class DaNetLossConfig(Config):
    """What the network is trained with (Eqs. 1 to 4).

    Attributes:
        terms: `release` (squared errors, smooth L1 for maps) or `paper` (L1 throughout, and orthogonality, vertices
            and camera).
        weights: of terms whose weight differs from the set's (`RELEASED_WEIGHTS`, `PAPER_WEIGHTS`); 0 leaves a term
            out.
        estimator_steps: first steps in which the first stage is trained alone.

    Raises:
        ValueError: `terms` is neither, or there is no term of a name.
    """

    terms: LossTerms = "release"
    weights: dict[str, float] = field(default_factory=dict)
    estimator_steps: int = 5000

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.weights:
            check_choice("loss term", name, RELEASED_WEIGHTS)

    def weight_of_terms(self) -> dict[str, float]:
        """Weight of every term by name."""
        return {**(RELEASED_WEIGHTS if self.terms == "release" else PAPER_WEIGHTS), **self.weights}
