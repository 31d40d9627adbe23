"""`zoo.load`: a name becomes a model with its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.checkpoints import get_checkpoint, read_checkpoints
from zoo.errors import ZooError
from zoo.weights import checked_file, read_safetensors

if TYPE_CHECKING:
    from lightning_modules.base import PoseModule

FILE = "model.safetensors"
"""Name of the weights in a folder or Hub repository."""


def load(
    name: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
    device: str = "cpu",
    **overrides: Any,
) -> PoseModule:
    """A method's LightningModule with its weights, in eval mode.

    Only safetensors are read, listed files are checked against their SHA-256, and the state must fit exactly.

    Args:
        name: a method (its default weights), `method.tag`, a `.safetensors` file, a folder with `model.safetensors`,
            or a Hub repository `user/name`.
        revision: Hub commit, tag or branch.
        cache_dir: Hub cache instead of the usual one.
        offline: True keeps off the network.
        device: where the model goes.
        **overrides: hyper-parameters that replace the stored ones, such as `body="smpl"`.

    Raises:
        ZooError: there is no such model, its weights cannot be had, or they do not fit.
    """
    cache = None if cache_dir is None else Path(cache_dir)
    path = _local_file(name)
    tag = str(name)
    if path is None and "/" in tag:
        from zoo.hub import fetch

        path = fetch(tag, FILE, revision, cache, offline)
    if path is not None:
        tensors, metadata = read_safetensors(path)
        method, config = _described(metadata, path)
    else:
        entry = get_checkpoint(tag)
        path = checked_file(entry, revision=revision, cache_dir=cache, offline=offline)
        tensors, _ = read_safetensors(path)
        method, config = entry.method, entry.config
    model = build(method, {**config, **overrides})
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ZooError(f"{path} does not fit {method}: {' '.join(str(error).split())[:400]}") from None
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise ZooError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None


def full_name(name: str) -> str:
    """`method.tag` for a method's name, which means its default; any other name as it is."""
    defaults = {entry.method: entry.name for entry in read_checkpoints().values() if entry.default}
    return defaults.get(name, name)


def build(method: str, config: dict[str, Any]) -> PoseModule:
    """A method's module, freshly initialised.

    Raises:
        ZooError: no such method, or it does not take these hyper-parameters.
    """
    from lightning_modules import get_method

    try:
        return get_method(method)(**config)
    except (KeyError, TypeError, ValueError, FileNotFoundError) as error:
        message = str(error.args[0]) if error.args else str(error)
        raise ZooError(f"{method} cannot be built: {' '.join(message.split())}") from error


def _local_file(name: str | Path) -> Path | None:
    """The weights file that `name` points at, or None when it is a name."""
    path = Path(name)
    if path.is_dir():
        return path / FILE
    if path.suffix == ".safetensors" or isinstance(name, Path):
        return path
    if path.suffix in (".ckpt", ".pth", ".pt", ".tar", ".bin"):
        raise ZooError(f"{path}: only safetensors are loaded; convert with python -m zoo.package_weights {path} NAME")
    return None


def _described(metadata: dict[str, str], path: Path) -> tuple[str, dict[str, Any]]:
    """Method and hyper-parameters from a file's own metadata."""
    if "method" not in metadata or "config" not in metadata:
        raise ZooError(f"{path} does not say which method it is for; it was not written by this zoo")
    config = json.loads(metadata["config"])
    if not isinstance(config, dict):
        raise ZooError(f"{path}: its config is not a mapping")
    return metadata["method"], config
