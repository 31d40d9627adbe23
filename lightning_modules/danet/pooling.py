"""Joint-centric RoI pooling (section 4.1): where every joint looks, and the resampling.

Convention:
    Places lie in [-1, 1] as `grid_sample` has them with `align_corners=True`: x first, -1 the middle of the first
    column. A cell i of n becomes 2 i / n - 1, as in the release, so the last one lies at 1 - 2 / n. The scale of a
    window is half its side: 1 covers the whole map.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import SMPL24
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.danet.charts import Charts
from lightning_modules.danet.config import Ratios, WindowScale

_SHARPNESS = 10.0
_VISIBLE = 0.5
_HIDDEN_RATIO = 0.8
_CENTRE_JITTER, _SCALE_JITTER = 0.1, 0.2

RELEASED_RATIO = (
    0.6827488, 1.2050959, 1.1849039, 1.3892102, 1.0949879, 1.0947448, 1.6018374, 1.0222101, 1.0536219, 0.8735159,
    0.35833353, 0.44389617, 1.0155953, 1.2463734, 1.2582259, 0.5802805, 1.1734062, 1.2033107, 1.1978842, 1.204344,
    0.84852725, 0.8551517, 0.46325213, 0.3972259,
)  # fmt: skip
RELEASED_OFFSET = (
    0.09105359, 0.02297057, 0.02257976, 0.2006476, 0.01430975, 0.01649577, 0.11027719, 0.06102319, 0.06142722,
    0.16606377, 0.7373183, 0.7548186, 0.07830715, 0.15315747, 0.14974837, 0.25240502, 0.06382725, 0.06352104, 0.046521,
    0.0466027, 0.06009533, 0.05492286, 0.21719937, 0.21409516,
)  # fmt: skip

PARENTS = SMPL24.parent_indices
CHILDREN = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 10, 11, 15, 16, 17, 15, 18, 19, 20, 21, 22, 23, 22, 23)
"""The child that a joint's bone leads to; leaves are their own."""


class Windows(NamedTuple):
    """Where the joints look."""

    centres: Float[Tensor, "batch joints 2"]
    """Of the joints, before jitter; with gradients."""
    hidden: Bool[Tensor, "batch joints"]
    """The part at the joint's place does not show it."""
    thetas: Float[Tensor, "batch joints 2 3"]
    """Window to map, as in `affine_grid`."""


def centres_of(heatmaps: Float[Tensor, "batch joints size size"]) -> Float[Tensor, "batch joints 2"]:
    """Expected places under a softmax of ten times the heat maps."""
    return soft_argmax_nd(_SHARPNESS * heatmaps.float()) * (2 / heatmaps.shape[-1]) - 1


def visibility(
    labels: Int[Tensor, "batch height width"],
    centres: Float[Tensor, "batch joints 2"],
    seen: Bool[Tensor, "joints parts"],
) -> Float[Tensor, "batch joints"]:
    """Bilinear sample, at each joint, of the map that is 1 where a part shows the joint; 0 outside of the map.

    Args:
        labels: part of every pixel.
        centres: places of the joints.
        seen: see `Charts.visibility_table`.
    """
    height, width = labels.shape[1:]
    place = (centres + 1) / 2 * torch.tensor([width - 1, height - 1], device=centres.device)
    low = place.floor()
    joints = torch.arange(centres.shape[1], device=centres.device)
    total = torch.zeros_like(centres[..., 0])
    for right in (0, 1):
        for down in (0, 1):
            corner = low + torch.tensor([right, down], device=centres.device)
            weight = (1 - (place - corner).abs()).prod(-1)
            x, y = corner.long().unbind(-1)
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            cell = y.clamp(0, height - 1) * width + x.clamp(0, width - 1)
            total = total + weight * inside * seen[joints, labels.flatten(1).gather(1, cell)]
    return total


def body_scale(centres: Float[Tensor, "batch joints 2"]) -> Float[Tensor, " batch"]:
    """Half the longer side of the box around all joints."""
    return (centres.amax(1) - centres.amin(1)).amax(-1) / 2


def bone_scales(centres: Float[Tensor, "batch joints 2"]) -> Float[Tensor, "batch joints"]:
    """Length of the longer of a joint's two bones; `body_scale` for the root."""
    bones = [(centres[:, list(others)] - centres).norm(dim=-1) for others in (CHILDREN, PARENTS)]
    scales = torch.maximum(*bones)
    return torch.cat([body_scale(centres)[:, None], scales[:, 1:]], 1)


def foreground_scale(labels: Int[Tensor, "batch height width"]) -> Float[Tensor, " batch"]:
    """Longer side of the box around the foreground as a share of the map's (Eq. 2); 1 where there is none."""
    person = labels > 0
    sides = []
    for axis in (1, 2):
        line = person.any(axis).float()
        first, last = line.argmax(1), line.shape[1] - 1 - line.flip(1).argmax(1)
        sides.append((last - first + 1) / line.shape[1])
    return torch.where(person.any(2).any(1), torch.maximum(*sides), torch.ones_like(sides[0]))


def window_matrices(
    centres: Float[Tensor, "batch joints 2"], scales: Float[Tensor, "batch joints"]
) -> Float[Tensor, "batch joints 2 3"]:
    """[[s, 0, x], [0, s, y]] of every joint."""
    nothing = torch.zeros_like(scales)
    rows = [torch.stack([scales, nothing, centres[..., 0]], -1), torch.stack([nothing, scales, centres[..., 1]], -1)]
    return torch.stack(rows, -2)


def window_grids(thetas: Float[Tensor, "batch joints 2 3"], size: int) -> Float[Tensor, "batch joints size size 2"]:
    """Places in the map that the cells of every window show."""
    shape = [thetas.shape[0] * thetas.shape[1], 1, size, size]
    grids = functional.affine_grid(thetas.flatten(0, 1), shape, align_corners=True)
    return grids.view(*thetas.shape[:2], size, size, 2)


def resample(
    maps: Float[Tensor, "batch joints channels size size"], thetas: Float[Tensor, "batch joints 2 3"]
) -> Float[Tensor, "batch joints channels size size"]:
    """Every joint's map as seen in its window: bilinear, zero outside.

    Args:
        maps: of every joint, or one for all of them, expanded.
        thetas: windows.
    """
    grids = window_grids(thetas, maps.shape[-1]).flatten(0, 1).to(maps.dtype)
    return functional.grid_sample(maps.flatten(0, 1), grids, align_corners=True).view_as(maps)


class JointWindows(nn.Module):
    """Chooses the windows of all joints: s_k = ratio_k scale + offset_k around each joint (Eq. 2).

    Args:
        charts: of the Index map.
        ratios: see `DaNetConfig.roi_ratios`.
        scale_from: see `DaNetConfig.roi_scale`.
        jitter: see `DaNetConfig.jitter`.
    """

    seen: Tensor

    def __init__(
        self, charts: Charts, ratios: Ratios = "released", scale_from: WindowScale = "joints", jitter: bool = True
    ) -> None:
        super().__init__()
        self.scale_from, self.jitter = scale_from, jitter
        released = ratios != "equal" and scale_from == "joints"
        ratio = torch.tensor(RELEASED_RATIO) if released else torch.full((len(SMPL24),), 0.5)
        offset = torch.tensor(RELEASED_OFFSET) if released else torch.full((len(SMPL24),), 0.1)
        if ratios == "learned":
            self.ratio, self.offset = nn.Parameter(ratio), nn.Parameter(offset)
        else:
            self.register_buffer("ratio", ratio)
            self.register_buffer("offset", offset)
        self.register_buffer("seen", charts.visibility_table(), persistent=False)

    def forward(
        self, heatmaps: Float[Tensor, "batch joints height width"], labels: Int[Tensor, "batch height width"]
    ) -> Windows:
        """Windows from the joints' heat maps and the part of every pixel; no gradient leaves through the windows."""
        centres = centres_of(heatmaps)
        return self.around(centres, labels)

    def around(self, centres: Float[Tensor, "batch joints 2"], labels: Int[Tensor, "batch height width"]) -> Windows:
        """Windows around places that are known."""
        places = centres.detach()
        if self.jitter and self.training:
            places = places + _CENTRE_JITTER * (torch.rand_like(places) - 0.5)
        hidden = visibility(labels, places, self.seen) < _VISIBLE
        return Windows(centres, hidden, window_matrices(places, self.scales(places, hidden, labels)))

    def scales(
        self,
        places: Float[Tensor, "batch joints 2"],
        hidden: Bool[Tensor, "batch joints"],
        labels: Int[Tensor, "batch height width"] | None = None,
    ) -> Float[Tensor, "batch joints"]:
        """Half the sides of the windows; that of a hidden joint, unless the root, is 0.8 of the body's."""
        if self.scale_from == "joints" or labels is None:
            measure = bone_scales(places)
        else:
            measure = foreground_scale(labels)[:, None].expand(hidden.shape)
        scales = self._jittered(measure * self.ratio.relu() + self.offset.relu())
        if self.scale_from == "joints":
            below_root = torch.arange(hidden.shape[1], device=hidden.device) > 0
            whole = _HIDDEN_RATIO * body_scale(places)[:, None]
            scales = torch.where(hidden & below_root, whole, scales)
        return self._jittered(scales)

    def _jittered(self, scales: Float[Tensor, "batch joints"]) -> Float[Tensor, "batch joints"]:
        if not (self.jitter and self.training):
            return scales
        return scales * (1 + _SCALE_JITTER * (torch.rand_like(scales) - 0.5))
