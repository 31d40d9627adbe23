"""Weights of the authors' release (github.com/mohomran/neural_body_fitting, CC BY-NC 4.0) by the names used here.

The release consists of TensorFlow checkpoints. With TensorFlow at hand this makes the dict that `convert_state_dict`
takes, `path` being the checkpoint without its ending:

    {name: tf.train.load_variable(path, name) for name, _ in tf.train.list_variables(path)}

One dict may hold the fitting network, the RefineNet or both. Beside the variables it may hold the authors' file
`train_mean.npy` under `train_mean`: the released encoders predict differences to it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.common.state_dict_mapping import Rule, rename
from lightning_modules.nbf.config import NBFConfig
from lightning_modules.nbf.encoder import LATENTS, Encoder
from lightning_modules.nbf.segmenter import make_segmenter

BODIES = ("smpl", "open")
"""What a converted network may pose: its weights hold no body."""

_MODULE = (
    "enter",
    "units.0.conv1",
    "units.0.conv2",
    "units.1.conv1",
    "units.1.conv2",
    "own",
    "deeper",
    *(f"pooling.convs.{number}" for number in range(4)),
    "leave.conv1",
    "leave.conv2",
)
_DECODER = [f"{step}.{name}" for step in range(4) for name in _MODULE if step or name not in ("own", "deeper")]
"""The decoder's convolutions in the order in which TensorFlow numbered them."""

_LEAVES = {
    "weights": "weight",
    "biases": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_RULES: tuple[Rule, ...] = (
    (r"generator\.resnet_v[12]_50\.", "encoder.backbone."),
    (r"generator\.(?=weight$|bias$)", "encoder.head."),
    (r"resnet_v1_101\.(?!logits)", "segmenter.backbone."),
    (r"decoder\.", "segmenter.decoder."),
    (r"logits\.", "segmenter.logits."),
    (r"mean$", "mean"),
    # what TensorFlow keeps beside a network: the optimiser, the count of steps, a classifier of ImageNet
    (r"(.*\.)?(Adam(_1)?|beta[12]_power|global_step|ExponentialMovingAverage)$", None),
    (r"resnet_v1_101\.logits\.", None),
)
_MEAN_BETAS = (1.748, 0.456, -0.157, -0.883, -0.037, -0.120, 0.049, 0.060, -0.016, 0.021)
"""The first ten of `train_mean.npy`, to three digits."""


def convert_state_dict(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of `NBFNetwork` from TensorFlow's variables; load it with `strict=True`.

    Args:
        state: variable name (with or without `:0`) to array: kernels as height, width, in, out.

    Raises:
        ValueError: a variable that the released networks do not have.
    """
    plain = {_plain(name): value for name, value in state.items()}
    mean = plain.pop("train_mean", None)
    converted = rename({name: _kernel(name, value) for name, value in plain.items()}, _RULES, "NBF")
    counters = [name.removesuffix("running_mean") for name in converted if name.endswith("running_mean")]
    converted |= {f"{name}num_batches_tracked": torch.tensor(0) for name in counters}
    fitting = any(name.startswith("encoder.") for name in converted)
    converted["mean"] = _mean(mean, fitting)
    return converted


def implied_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Hyper-parameters of `NBFModule` that follow from which variables there are.

    Args:
        state: as for `convert_state_dict`.
    """
    names = [_plain(name) for name in state]
    network: dict[str, Any] = {}
    if any("resnet_v2_50" in name for name in names):
        network["encoder"] = "resnet50v2"
    if not any(name.startswith(("resnet_v1_101.", "decoder.")) for name in names):
        return {"network": network | {"segmenter": "none", "input": "true_parts"}, "train": "fitter"}
    if not any(name.startswith("generator.") for name in names):
        return {"network": network | {"encoder": "none"}, "train": "segmenter"}
    return {"network": network}


def build_network(config: Mapping[str, Any]) -> nn.Module:
    """The trainable parts of the network of a module's hyper-parameters, without a body.

    Args:
        config: hyper-parameters of `NBFModule`; those that are not there have the module's defaults.
    """
    settings, network = NBFConfig(**config.get("network", {})), nn.Module()
    network.register_buffer("mean", torch.zeros(LATENTS))
    if settings.encoder != "none":
        network.encoder = Encoder(settings.encoder)
    segmenter = make_segmenter(settings)
    if segmenter is not None:
        network.segmenter = segmenter
    return network


def _plain(name: str) -> str:
    """A variable's name with dots, block units counted from 0, and the leaf as torch calls it."""
    name = name.removesuffix(":0").replace("/", ".")
    name = re.sub(r"\.unit_(\d+)\.bottleneck_v\d\.", lambda match: f".{int(match[1]) - 1}.", name)
    name = re.sub(r"\bconv(\d)\.BatchNorm\.", r"bn\1.", name).replace("shortcut.BatchNorm.", "shortcut_bn.")
    step = re.match(r"Conv(?:_(\d+))?\.", name)
    if step is not None and int(step[1] or 0) < len(_DECODER):
        name = f"decoder.{_DECODER[int(step[1] or 0)]}.{name[step.end() :]}"
    stem, _, leaf = name.rpartition(".")
    return f"{stem}.{_LEAVES[leaf]}" if leaf in _LEAVES else name


def _kernel(name: str, value: Tensor) -> Tensor:
    if not name.endswith("weight") or value.ndim < 2:
        return value
    return (value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T).contiguous()


def _mean(values: Tensor | None, needed: bool) -> Tensor:
    """The encoder's mean: the authors' where it was given, else what is known of it."""
    if values is not None:
        return values.flatten()[:LATENTS].float()
    if needed:
        warnings.warn(
            "the released encoders predict differences to the authors' train_mean.npy; put it in as 'train_mean'. "
            "Without it betas and rotations are those of an upright T-pose plus the differences",
            stacklevel=4,
        )
    upright = torch.tensor([[1.0, 0, 0, 0, -1, 0, 0, 0, -1]])
    unturned = torch.eye(3).flatten().expand(23, 9)
    return torch.cat([torch.tensor(_MEAN_BETAS), upright.flatten(), unturned.flatten()])
