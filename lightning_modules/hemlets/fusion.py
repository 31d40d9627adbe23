"""Where image features and encoded heat maps meet."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.folding import state_of
from lightning_modules.common.precision import full_precision


class _Folded(NamedTuple):
    """Kernels of the two convolutions that are left, and their common bias."""

    feature: Float[Tensor, "hidden channels 3 3"]
    encoded: Float[Tensor, "hidden encoded 1 1"]
    bias: Float[Tensor, " hidden"]


class Fusion(nn.Module):
    """3x3 convolution of the features, concatenated with the encoded maps, then a 1x1 convolution, batch norm and ReLU.

    Nothing non-linear stands between the two convolutions and the norm, so that in eval mode, where no gradient is
    wanted, they are one: `relu(feature * A + encoded * B + c)`, with A, B and c worked out once and kept until a weight
    changes. In training they stay apart, as published: there the product would have to be formed at every step.

    Args:
        channels: width of the features.
        feature: width after the 3x3 convolution.
        encoded: width of the encoded maps.
        hidden: width of the answer.
    """

    def __init__(self, channels: int, feature: int, encoded: int, hidden: int) -> None:
        super().__init__()
        self.feature = nn.Conv2d(channels, feature, 3, padding=1)
        self.mix = nn.Conv2d(feature + encoded, hidden, 1)
        self.norm = nn.BatchNorm2d(hidden)
        self._folded: tuple[tuple[object, ...], _Folded] | None = None

    def forward(
        self, features: Float[Tensor, "batch channels height width"], encoded: Float[Tensor, "batch maps height width"]
    ) -> Float[Tensor, "batch hidden height width"]:
        """Features and encoded maps, mixed."""
        if self.training or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self.as_published(features, encoded)
        folded = self._kept()
        mixed = functional.conv2d(features, folded.feature, folded.bias, padding=1)
        return mixed.add_(functional.conv2d(encoded, folded.encoded)).relu_()

    def as_published(
        self, features: Float[Tensor, "batch channels height width"], encoded: Float[Tensor, "batch maps height width"]
    ) -> Float[Tensor, "batch hidden height width"]:
        """The same, layer by layer."""
        both = torch.cat([self.feature(features), encoded], 1)
        return functional.relu(self.norm(self.mix(both)), inplace=True)

    def _kept(self) -> _Folded:
        """The folded weights; made anew when one of those they come from has moved or changed."""
        now = state_of(self)
        if self._folded is None or self._folded[0] != now:
            with full_precision(self.mix.weight):
                self._folded = now, self.fold()
        return self._folded[1]

    @torch.no_grad()
    def fold(self) -> _Folded:
        """A = g W_f K, B = g W_e, c = g (W_f k + w - mean) + shift with g = scale / std, worked out in float64."""
        mean, variance = self.norm.running_mean, self.norm.running_var
        assert mean is not None
        assert variance is not None
        assert self.feature.bias is not None
        assert self.mix.bias is not None
        first, kernel = self.feature.weight.double(), self.mix.weight.double().flatten(1)
        gain = self.norm.weight.double() / (variance.double() + self.norm.eps).sqrt()
        scaled = gain[:, None] * kernel
        of_feature, of_encoded = scaled[:, : len(first)], scaled[:, len(first) :]
        bias = of_feature @ self.feature.bias.double() + self.norm.bias.double()
        bias = bias + gain * (self.mix.bias.double() - mean.double())
        product = (of_feature @ first.flatten(1)).view(-1, *first.shape[1:])
        kind = self.mix.weight.dtype
        return _Folded(product.to(kind), of_encoded[..., None, None].to(kind), bias.to(kind))

    def __getstate__(self) -> dict[str, object]:
        """Without the folded weights, which a copy makes for itself."""
        return {**self.__dict__, "_folded": None}
