"""Which precisions the methods work in, and where mixed precision has to stop."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def full_precision(like: Tensor) -> torch.autocast:
    """Context in which autocast leaves matrix products alone, for coordinates and sums.

    A half-precision product rounds a pixel of a large image to the next two or four, and a sum over the edges of a mesh
    exceeds what float16 can hold.

    Args:
        like: a tensor on the device in question.
    """
    return torch.autocast(like.device.type, enabled=False)


def check_precision(precision: str) -> None:
    """Refuse a precision of Lightning's in which weights and coordinates themselves are not 32-bit floats.

    Raises:
        ValueError: it is one of them.
    """
    if precision not in ("32", "32-true", "16-mixed", "bf16-mixed"):
        raise ValueError(
            f"precision {precision} is not supported: pixels and millimetres need 32-bit weights; use bf16-mixed, "
            "16-mixed or 32-true"
        )


def check_weights_dtype(module: nn.Module) -> None:
    """Refuse a module that was cast to another type than float32.

    Raises:
        ValueError: it was.
    """
    kind = next((weight.dtype for weight in module.parameters() if weight.dtype != torch.float32), None)
    if kind is not None:
        raise ValueError(
            f"the model's weights are {str(kind).removeprefix('torch.')}; call model.float(), and use torch.autocast "
            "for half precision"
        )
