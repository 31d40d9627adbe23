"""Feature maps of a timm network, whatever it returns: (batch, channels, height, width), of known width and stride."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.normalisation import IMAGENET_MEAN, IMAGENET_STD


def resize(features: Float[Tensor, "batch channels height width"], size: tuple[int, int]) -> Tensor:
    """Bilinear resize, half-pixel centres; the map itself where it has the size."""
    if features.shape[-2:] == size:
        return features
    return functional.interpolate(features, size, mode="bilinear", align_corners=False)


class InputSize(nn.Module):
    """Resizes images to what a network can read.

    Args:
        side: the only side that it reads; None for any.
        scale: of the image otherwise. Example: patches of 14 pixels lie 16 pixels apart at a scale of 14 / 16.
    """

    def __init__(self, side: int | None = None, scale: float = 1.0) -> None:
        super().__init__()
        self.side, self.scale = side, scale

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The image, resized."""
        height, width = image.shape[-2:]
        side = self.side
        return resize(image, (side or round(height * self.scale), side or round(width * self.scale)))


class Backbone(nn.Module):
    """A network that returns its feature maps, from fine to coarse.

    Args:
        net: timm network (or its part) whose last outputs are the maps.
        channels: width of each returned map.
        reductions: stride of each returned map relative to the image.
        channels_last: the network's own maps are (batch, height, width, channels).
        input_size: what the image is resized to first.
        resampled: maps are resized to the stated strides, which the network's own differ from.
        mean: of the images that its weights were trained on; see `Normalise`.
        std: see `mean`.

    Attributes:
        input_stride: of what goes in: 1 for an image, 4 for the body of a network that was cut.
    """

    def __init__(
        self,
        net: nn.Module,
        channels: Sequence[int],
        reductions: Sequence[int],
        *,
        channels_last: bool = False,
        input_size: InputSize | None = None,
        resampled: bool = False,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.net, self.channels, self.reductions = net, list(channels), list(reductions)
        self.channels_last, self.input_size, self.resampled = channels_last, input_size, resampled
        self.mean, self.std, self.input_stride = tuple(mean), tuple(std), 1

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """Feature maps, fine to coarse; a network cut at its stem returns those after the cut."""
        height, width = (side * self.input_stride for side in image.shape[-2:])
        seen = image if self.input_size is None else self.input_size(image)
        maps = list(self.net(seen))[-len(self.channels) :]
        if self.channels_last:
            maps = [features.permute(0, 3, 1, 2) for features in maps]
        if not self.resampled:
            return maps
        return [
            resize(features, (-(-height // stride), -(-width // stride)))
            for features, stride in zip(maps, self.reductions, strict=True)
        ]


def count_upsamplings(backbone: Backbone, name: str) -> int:
    """How many times the last features have to be doubled to a quarter of the image.

    Raises:
        ValueError: they are finer already.
    """
    times = backbone.reductions[-1].bit_length() - 3
    if times < 0:
        raise ValueError(
            f"backbone {name!r} ends at stride {backbone.reductions[-1]}; use one that goes on to stride 4"
        )
    return times
