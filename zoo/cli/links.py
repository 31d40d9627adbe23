"""What the data take from the model, so that no configuration says it twice: crops, joints, body and protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from pytorch_lightning.cli import LightningArgumentParser

from datamodules.settings import CropSettings
from metrics import PROTOCOLS
from zoo.errors import ZooError


def link_data(parser: LightningArgumentParser) -> None:
    """Let the model decide what it is fed with, whichever method and benchmark are chosen."""
    for target, value in LINKS.items():
        parser.link_arguments(("model", "data.class_path"), target, compute_fn=value)


def linked_crops(model: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the crops that follow from a configuration's `model`, without those that it leaves to a default."""
    crops = {name.rpartition(".")[2]: value for name, value in LINKS.items() if ".crops." in name}
    found = {name: value(model, "") for name, value in crops.items()}
    return {name: value for name, value in found.items() if value is not None}


def refuse_linked(tree: Mapping[str, Any], arguments: Sequence[str]) -> None:
    """Refuse values for what is taken from the model: they would have no effect.

    Args:
        tree: a configuration.
        arguments: of the command line.

    Raises:
        ZooError: the message names the setting of the model to change instead.
    """
    for target in LINKS:
        typed = target.replace(".init_args", "")
        if any(word.partition("=")[0] in (f"--{target}", f"--{typed}") for word in arguments) or _holds(tree, target):
            raise ZooError(f"{typed} is taken from the model; set {_SETTINGS[target]} instead")


def _holds(tree: Any, name: str) -> bool:
    for part in name.split("."):
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True


def _settings(model: Any) -> Any:
    return model.get("init_args", {})


def _crop_size(model: Any, _: str) -> Any:
    settings = _settings(model)
    network = settings.get("network")
    return settings.get("crop_size") if network is None else network.get("crop_size")


def _crop_margin(model: Any, _: str) -> Any:
    return (_settings(model).get("network") or {}).get("crop_margin", CropSettings.margin)


def _skeleton(model: Any, _: str) -> Any:
    return _settings(model).get("skeleton")


def _body(model: Any, _: str) -> Any:
    """The open body where the method has none."""
    body = _settings(model).get("body")
    return "open" if body in (None, "none") else body


def _protocol(model: Any, data: str) -> Any:
    """The model's, except for a benchmark that has other ones: it keeps its own, which a run that evaluates refuses."""
    module, _, name = data.rpartition(".")
    offered = getattr(getattr(import_module(module), name), "protocols", None)
    protocol = _settings(model).get("protocol")
    protocol = PROTOCOLS[protocol].data_id if protocol and protocol in PROTOCOLS else protocol
    return protocol if offered is None or protocol in offered else None


LINKS: dict[str, Callable[[Any, str], Any]] = {
    "data.init_args.crops.size": _crop_size,
    "data.init_args.crops.margin": _crop_margin,
    "data.init_args.crops.skeleton": _skeleton,
    "data.init_args.crops.body": _body,
    "data.init_args.protocol": _protocol,
}
"""Setting of the data -> how it follows from the model's `class_path` and `init_args`, and the data's class."""

_SETTINGS = {
    "data.init_args.crops.size": "model.network.crop_size",
    "data.init_args.crops.margin": "model.network.crop_margin",
    "data.init_args.crops.skeleton": "model.skeleton",
    "data.init_args.crops.body": "model.body",
    "data.init_args.protocol": "model.protocol",
}
