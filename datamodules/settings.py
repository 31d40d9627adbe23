"""How samples become crops: the settings that every datamodule shares."""

from __future__ import annotations

from dataclasses import dataclass

from body.choices import check_types
from datamodules.aliases import JointRule
from datamodules.augment import DEFAULT_AUGMENTATION, Augmentation


@dataclass(frozen=True)
class CropSettings:
    """What a batch looks like, whatever the benchmark.

    Attributes:
        skeleton: joint set of the batches.
        body: body model that `vertices` come from (`body.load.load_body`).
        size: side of the crops in pixels.
        margin: the square window is this many times the longer side of the person's box; the model's, on the command
            line.
        box_scale: how much larger than the benchmark's boxes people are, where boxes are tight around joints.
        augmentation: how training samples change at random; None for not at all.
        iuv_size: side of the surface labels in pixels; `size` when omitted.
        same_joints: which joints of different benchmarks count as the same, see `datamodules.aliases`; those of
            one name when omitted.
        max_fit_error: training does without SMPL fits that are farther than this (metres) from the 3D joints, see
            `datamodules.fit_check`; all fits count when omitted.
        render_iuv: make surface labels from the SMPL parameters of samples that come without.

    Raises:
        TypeError: a setting is of another type than it should be.
        ValueError: a size, the margin or the boxes' scale is not positive.
    """

    skeleton: str = "smpl29"
    body: str = "open"
    size: int = 128
    margin: float = 1.25
    box_scale: float = 1.0
    augmentation: Augmentation | None = DEFAULT_AUGMENTATION
    iuv_size: int | None = None
    same_joints: JointRule | None = None
    max_fit_error: float | None = None
    render_iuv: bool = False

    def __post_init__(self) -> None:
        check_types(CropSettings, vars(self))
        sizes = (self.size, self.margin, self.box_scale, 1 if self.iuv_size is None else self.iuv_size)
        if min(sizes) <= 0:
            raise ValueError(f"crops need a positive size, iuv_size, margin and box_scale, not {self}")

    @property
    def window_scale(self) -> float:
        """The square window in longer sides of the benchmark's box."""
        return self.margin * self.box_scale

    @property
    def label_size(self) -> int:
        """Side of the surface labels in pixels."""
        return self.size if self.iuv_size is None else self.iuv_size


DEFAULT_CROPS = CropSettings()
