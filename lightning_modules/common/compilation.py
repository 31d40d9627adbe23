"""`torch.compile` for prediction, and whether this machine has what it takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def find_compiler_fault(device: torch.device) -> str | None:
    """Why nothing can be compiled for a device, in one line; None where its compiler is there."""
    if device.type == "cpu":
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            return "there is no C++ compiler; install g++, or name one in CXX"
        return None
    from torch.utils._triton import has_triton

    return None if has_triton() else f"there is no Triton for device {device.type}; pip install triton"


def compile_parts(parts: Sequence[nn.Module]) -> None:
    """Compile modules in place; it happens when they are first called, and takes half a minute to two.

    Batches of one and of more are compiled apart, the latter for all sizes from the second size on. In prediction,
    weights are folded into the compiled code: one that is changed afterwards has no effect.

    Args:
        parts: to be called with tensors, without gradients.
    """
    for part in parts:
        part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        part.compile(options={"freezing": True})
