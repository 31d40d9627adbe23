"""Where mixed precision has to stop."""

from __future__ import annotations

import torch
from torch import Tensor


def full_precision(like: Tensor) -> torch.autocast:
    """Context in which autocast leaves matrix products alone, for coordinates and sums.

    A half-precision product rounds a pixel of a large image to the next two or four, and a sum over the edges of a mesh
    exceeds what float16 can hold.

    Args:
        like: a tensor on the device in question.
    """
    return torch.autocast(like.device.type, enabled=False)
