"""Which precisions the methods work in, and where half precision has to stop."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

Precision = Literal["fp32", "bf16", "fp16"]
"""Of a network's convolutions and matrix products in prediction; coordinates and geometry are always float32."""
DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_PRODUCTS = (nn.modules.conv._ConvNd, nn.Linear)
_HALF = (torch.bfloat16, torch.float16)
_Output = TypeVar("_Output")


class FullPrecision(nn.Module):
    """A part of a network that stays float32 in every precision: its `forward` is `in_full_precision`.

    For networks whose answers half precision would move by centimetres, such as those of depthwise convolutions, which
    gain little from it.
    """


def in_full_precision(forward: Callable[[Any, Tensor], _Output]) -> Callable[[Any, Tensor], _Output]:
    """A `forward` that reads a float32 tensor, whatever it is given, and that autocast leaves alone."""

    @functools.wraps(forward)
    def in_float32(self: Any, image: Tensor) -> _Output:
        with full_precision(image):
            return forward(self, image.float())

    return in_float32


def full_precision(like: Tensor) -> AbstractContextManager[Any]:
    """Context in which autocast leaves matrix products alone, for coordinates and sums.

    A half-precision product rounds a pixel of a large image to the next two or four, and a sum over the edges of a mesh
    exceeds what float16 can hold. Where there is no autocast there is no context either: `torch.export` would make a
    graph of its own of each.

    Args:
        like: a tensor on the device in question.
    """
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


def check_precision(precision: str) -> None:
    """Refuse a precision of Lightning's in which labels and coordinates themselves are not 32-bit floats.

    Raises:
        ValueError: it is one of them.
    """
    if precision not in ("32", "32-true", "16-mixed", "bf16-mixed"):
        raise ValueError(
            f"precision {precision} is not supported: pixels and millimetres need 32-bit numbers; use bf16-mixed, "
            "16-mixed or 32-true"
        )


def product_layers(network: nn.Module, exempt: Sequence[str] = ()) -> list[nn.Module]:
    """Convolutions and linear layers of a network, without those in the named parts of it and in `FullPrecision`."""
    exact = {id(layer) for part in network.modules() if isinstance(part, FullPrecision) for layer in part.modules()}
    return [
        layer
        for name, layer in network.named_modules()
        if isinstance(layer, _PRODUCTS) and name.partition(".")[0] not in exempt and id(layer) not in exact
    ]


def keep_coordinates(layers: Sequence[nn.Module], convert: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """What a cast to half precision does to a model: only its network's convolutions and linear layers take part.

    Norms, recurrent layers, body models and all other buffers stay float32; moves between devices reach everything.

    Args:
        layers: those that take part.
        convert: what `nn.Module._apply` was asked to do to every tensor.
    """
    weights = [weight for layer in layers for weight in layer.parameters(recurse=False)]
    products = {id(weight) for weight in weights} | {id(weight.grad) for weight in weights if weight.grad is not None}

    def converted(tensor: Tensor) -> Tensor:
        moved = convert(tensor)
        rounded = moved.dtype in _HALF and tensor.dtype == torch.float32 and id(tensor) not in products
        return tensor.to(moved.device) if rounded else moved

    return converted


def product_dtype(module: nn.Module, layers: Sequence[nn.Module]) -> torch.dtype:
    """Type of the weights of these layers of a module; everything else is float32.

    Raises:
        ValueError: it is not, or they have several types: the module was cast by other ways than its own.
    """
    among = {id(layer) for layer in layers}
    products, others = set[torch.dtype](), set[torch.dtype]()
    for layer in module.modules():
        kinds = products if id(layer) in among else others
        kinds |= {weight.dtype for weight in layer.parameters(recurse=False)}
    kind = next(iter(products)) if len(products) == 1 else torch.float32
    wrong = ((products | others) - {torch.float32}) - ({kind} if kind in _HALF and not others & {kind} else set())
    if wrong:
        raise ValueError(
            f"the model's weights are {str(wrong.pop()).removeprefix('torch.')}; call model.float(), and for half "
            "precision model.half() or model.bfloat16() on the whole of it"
        )
    return kind


def autocast_to(kind: torch.dtype, device: torch.device) -> AbstractContextManager[None]:
    """Context in which a model with weights of this type predicts; for float32 the user's own autocast stays."""
    return nullcontext() if kind == torch.float32 else torch.autocast(device.type, kind)


def check_trainable(kind: torch.dtype) -> None:
    """Refuse to train weights of half precision.

    Raises:
        ValueError: they are.
    """
    if kind != torch.float32:
        raise ValueError(
            f"the model's weights are {str(kind).removeprefix('torch.')}, too coarse for the steps of a training; call "
            "model.float(), and train with precision bf16-mixed or 16-mixed"
        )


def fast_on_this_cpu(precision: Precision) -> bool:
    """Whether a CPU has instructions for it; without them bf16 is slow, and float16 some 80 times slower than fp32."""
    if precision == "fp16":
        return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    return precision == "fp32" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
