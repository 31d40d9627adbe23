"""What MeshNet can predict a mesh with: the lixel head of the paper and the alternatives that it was compared with.

Every head answers with (x, y, z) in its own bins, from a backbone's last features. Where the paper does not give the
width of a layer, it is chosen so that the network has the number of parameters that its Table 1 states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.heads import LixelHead, pooled_block, pooled_lines, upsampling
from lightning_modules.common.heatmaps import soft_argmax, soft_argmax_nd


@dataclass(frozen=True)
class HeadSize:
    """What a head is made for.

    Attributes:
        in_channels: width of the features.
        side: their height and width.
        points: number of vertices V.
        bins: length D of the heat maps, `side` times a power of two.
        channels: width c' of the enlarged features.
    """

    in_channels: int
    side: int
    points: int
    bins: int
    channels: int

    @property
    def upsamplings(self) -> int:
        """How often `side` is doubled to get `bins`.

        Raises:
            ValueError: it cannot be.
        """
        times = (self.bins // self.side).bit_length() - 1
        if self.side << max(times, 0) != self.bins:
            sizes = ", ".join(str(self.side << k) for k in range(4))
            raise ValueError(f"heat maps of {self.bins} bins cannot be made of {self.side} x {self.side}; use {sizes}")
        return times

    @property
    def enlarged(self) -> int:
        """Width of the features after the deconvolutions."""
        return self.channels if self.upsamplings else self.in_channels


class SizedLixelHead(LixelHead):
    """The head of the paper: one 1D heat map per vertex and axis, averaged after the deconvolutions."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__(size.in_channels, size.points, size.bins, size.channels, size.upsamplings)


class MaxLixelHead(SizedLixelHead):
    """Lixels of the largest value in each column and row (Table 9, "max pooling")."""

    def marginals(self, upsampled: Tensor) -> tuple[Tensor, Tensor]:
        """Largest values over y and over x."""
        return upsampled.amax(2), upsampled.amax(3)


class WeightedLixelHead(SizedLixelHead):
    """Lixels of learnt sums over columns and rows (Table 9, "weighted sum")."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__(size)
        self.sum_y = nn.Conv2d(size.enlarged, size.enlarged, (size.bins, 1))
        self.sum_x = nn.Conv2d(size.enlarged, size.enlarged, (1, size.bins))

    def marginals(self, upsampled: Tensor) -> tuple[Tensor, Tensor]:
        """Convolutions whose kernels are as high (wide) as the map."""
        return self.sum_y(upsampled).squeeze(2), self.sum_x(upsampled).squeeze(3)


class EarlyLixelHead(SizedLixelHead):
    """Lixels that are averaged before they are enlarged, by 1D deconvolutions (Table 8, "avg on F_M")."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__(size)
        self.deconv = upsampling(size.in_channels, size.channels, size.upsamplings, dims=1)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins."""
        along_x, along_y = self.deconv(features.mean(2)), self.deconv(features.mean(3))
        depth = pooled_lines(self.conv_z_1, features, self.bins)
        logits = self.conv_x(along_x), self.conv_y(along_y), self.conv_z_2(depth)
        return torch.stack([soft_argmax(axis) for axis in logits], -1)


class PooledLixelHead(nn.Module):
    """Lixels from globally averaged features: uncertainty without place (Table 1, "lixel hm. wo. spatial")."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__()
        self.bins = size.bins
        width = size.channels * 3 // 2
        self.block = pooled_block(size.in_channels, width * size.bins)
        self.heatmaps = nn.ModuleList(nn.Conv1d(width, size.points, 1) for _ in range(3))

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins."""
        lines = pooled_lines(self.block, features, self.bins)
        return torch.stack([soft_argmax(heatmap(lines)) for heatmap in self.heatmaps], -1)


class CoordinateHead(nn.Module):
    """Coordinates from two fully connected layers (Table 1, "xyz coord."); 0 is the middle of the volume."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__()
        self.bins, width = size.bins, 16 * size.channels
        self.block = pooled_block(size.in_channels, width)
        self.coordinates = nn.Linear(width, 3 * size.points)
        nn.init.normal_(self.coordinates.weight, std=0.001)
        nn.init.zeros_(self.coordinates.bias)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins."""
        inside = self.coordinates(pooled_lines(self.block, features, 1)[..., 0]).unflatten(1, (-1, 3))
        return (inside.float() + 0.5) * self.bins


class PixelHead(nn.Module):
    """A 2D heat map for x and y, and lixels for z (Table 2, "xy pixel hm. + z lixel hm.")."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__()
        self.bins = size.bins
        self.deconv = upsampling(size.in_channels, size.channels, size.upsamplings)
        self.conv_xy = nn.Conv2d(size.enlarged, size.points, 1)
        self.conv_z_1 = pooled_block(size.in_channels, size.channels * size.bins)
        self.conv_z_2 = nn.Conv1d(size.channels, size.points, 1)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins."""
        plane = soft_argmax_nd(self.conv_xy(self.deconv(features)))
        depth = soft_argmax(self.conv_z_2(pooled_lines(self.conv_z_1, features, self.bins)))
        return torch.cat([plane, depth.unsqueeze(-1)], -1)


class PixelDepthHead(nn.Module):
    """A 2D heat map, and a map of depths that is read where it points (Table 10, "2.5D heatmap")."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__()
        self.bins = size.bins
        self.deconv = upsampling(size.in_channels, size.channels, size.upsamplings)
        self.conv_xy = nn.Conv2d(size.enlarged, size.points, 1)
        self.conv_z = nn.Conv2d(size.enlarged, size.points, 1)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins."""
        enlarged = self.deconv(features)
        logits, depths = self.conv_xy(enlarged), self.conv_z(enlarged).float()
        likelihood = functional.softmax(logits.flatten(2), -1, dtype=torch.float32).view_as(logits)
        depth = ((likelihood * depths).sum((2, 3)) + 0.5) * self.bins
        return torch.cat([soft_argmax_nd(logits), depth.unsqueeze(-1)], -1)


class VoxelHead(nn.Module):
    """A 3D heat map per vertex (Table 2, "xyz voxel hm.")."""

    def __init__(self, size: HeadSize) -> None:
        super().__init__()
        self.bins = size.bins
        self.deconv = upsampling(size.in_channels, size.channels, size.upsamplings)
        self.conv_xyz = nn.Conv2d(size.enlarged, size.points * size.bins, 1)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins; channel = vertex * bins + z."""
        return soft_argmax_nd(self.conv_xyz(self.deconv(features)).unflatten(1, (-1, self.bins)))


MESH_HEADS: Mapping[str, Callable[[HeadSize], nn.Module]] = {
    "lixel": SizedLixelHead,
    "lixel_max": MaxLixelHead,
    "lixel_weighted": WeightedLixelHead,
    "lixel_early": EarlyLixelHead,
    "lixel_pooled": PooledLixelHead,
    "coordinates": CoordinateHead,
    "pixel_lixel": PixelHead,
    "pixel_depth": PixelDepthHead,
    "voxel": VoxelHead,
}
"""Heads by `config.LixelHeadName`; the head `smpl` is a `BodyHead`, which needs a body too."""
