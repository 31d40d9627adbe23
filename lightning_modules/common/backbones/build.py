"""A feature network of timm, started from weights or not."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from lightning_modules.common.backbones.movenet import MEAN, STD, MoveNet
from lightning_modules.common.backbones.pretrained import Pretrained, find_weights
from lightning_modules.common.backbones.registry import BACKBONES, BackboneSpec
from lightning_modules.common.normalisation import IMAGENET_MEAN, IMAGENET_STD

# a network cannot be built with what it does not know, or has no maps
_REFUSALS = (RuntimeError, AttributeError, TypeError, AssertionError, NotImplementedError, IndexError, KeyError)
_ANY_SIZE: Sequence[dict[str, Any]] = ({"strict_img_size": False}, {"dynamic_img_size": True})


class Built(NamedTuple):
    """A feature network and what it expects of an image."""

    net: Any
    side: int | None
    """The only side of an image that it reads; None for any."""
    mean: Sequence[float]
    std: Sequence[float]


def build(
    name: str, spec: BackboneSpec, pretrained: Pretrained, options: dict[str, Any], output_stride: int | None
) -> Built:
    """The network of a registry entry.

    Args:
        name: of the entry.
        spec: the entry.
        pretrained: as in `create_backbone`.
        options: for timm, beside the entry's.
        output_stride: of the last map, for networks that timm can dilate; not heeded for others.

    Raises:
        ValueError: the network has no feature maps, or its weights cannot be had.
    """
    if spec.make is not None:
        return Built(_make(name, spec, pretrained, options, output_stride), None, MEAN, STD)
    source = timm.get_pretrained_cfg(spec.model)
    fixed = source is not None and source.fixed_input_size
    weights = find_weights(name, spec, pretrained) if pretrained else None
    problem: Exception | None = None
    for stride in ({"output_stride": output_stride}, {}) if output_stride else ({},):
        for size in (*_ANY_SIZE, {}) if fixed else ({},):
            try:
                net = _create(spec.model, weights, {**spec.options, **options, **stride, **size})
            except _REFUSALS as error:
                problem = error
                continue
            side = source.input_size[-1] if fixed and not size else None
            statistics = (IMAGENET_MEAN, IMAGENET_STD) if source is None else (source.mean, source.std)
            return Built(net, side, *statistics)
    reason = " ".join(str(problem).split())[:200]
    if weights is not None:
        raise ValueError(f"backbone {name!r} cannot start from these weights: {reason}") from problem
    raise ValueError(f"timm's {name!r} has no feature maps ({reason}); use one of {', '.join(BACKBONES)}") from problem


def _make(
    name: str, spec: BackboneSpec, pretrained: Pretrained, options: dict[str, Any], output_stride: int | None
) -> MoveNet:
    """A network of the zoo's own."""
    assert spec.make is not None
    if output_stride and "output_stride" in inspect.signature(spec.make).parameters:
        options = options | {"output_stride": output_stride}
    net = spec.make(**{**spec.options, **options})
    if pretrained:
        path = find_weights(name, spec, pretrained)["file"]
        try:
            net.load({key: value.float() for key, value in load_file(path).items()})
        except (RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"backbone {name!r} cannot start from these weights: {reason}") from error
    return net


def _create(model: str, weights: dict[str, Any] | None, options: dict[str, Any]) -> Any:
    """The network; if it starts from weights, none of its random ones are left.

    timm says nothing of layers that a file does not have. Two networks that are made with the same seed, one of them
    with the file, are alike there.
    """
    if weights is None:
        return timm.create_model(model, features_only=True, **options)
    nets = []
    for pretrained in (False, True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            overlay = {"pretrained_cfg_overlay": weights} if pretrained and weights else {}
            nets.append(timm.create_model(model, pretrained=pretrained, features_only=True, **overlay, **options))
    random, started = (dict(net.named_parameters()) for net in nets)
    left = [key for key, value in random.items() if value.ndim > 1 and value.any() and torch.equal(value, started[key])]
    if left:
        raise RuntimeError(f"they have no {', '.join(left[:3])}{' and others' if len(left) > 3 else ''}")
    return nets[1]
