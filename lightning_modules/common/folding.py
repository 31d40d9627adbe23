"""Networks as inference runs them: batch norms folded into their convolutions, channels last."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class FoldedCopy:
    """The copy of a network that inference uses; it is kept, and made anew when a weight has moved or changed.

    It gives the same outputs up to rounding. Its weights lie in memory beside the network's own, never in a checkpoint.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[object, ...], nn.Module] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> FoldedCopy:
        return FoldedCopy()

    def of(self, network: nn.Module) -> Any:
        """The folded copy of a network in eval mode; of the same class."""
        now = state_of(network)
        if self._kept is None or self._kept[0] != now:
            with torch.inference_mode(False), torch.no_grad():
                folded = copy.deepcopy(network)
                fold_batch_norms(folded)
                self._kept = now, folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self._kept[1]


def state_of(network: nn.Module) -> tuple[object, ...]:
    """Differs as soon as one of a network's weights has moved or changed; nothing is copied."""
    return tuple(
        (value.data_ptr(), value.dtype, None if value.is_inference() else value._version)
        for value in network.state_dict(keep_vars=True).values()
    )


def should_fold(like: torch.Tensor, training: bool) -> bool:
    """Whether to run a folded copy: without gradients, on a CPU, and not while a graph is traced."""
    return not (training or torch.is_grad_enabled() or torch.compiler.is_compiling()) and like.device.type == "cpu"


def fold_batch_norms(network: nn.Module) -> None:
    """Fold every 2D batch norm that directly follows a convolution in its parent, in place; it becomes the identity."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(network.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(network, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(network, name, nn.Identity())
        else:
            fold_batch_norms(child)
        before = name, child
