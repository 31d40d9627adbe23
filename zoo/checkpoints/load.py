"""`zoo.load`: a name becomes a model with its weights."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.checkpoints.files import checked_file, read_safetensors, what_to_do
from zoo.checkpoints.hub import WEIGHTS, fetch_published
from zoo.checkpoints.listing import get_checkpoint, has_landed, read_checkpoints
from zoo.errors import ZooError
from zoo.resources import file_sha256
from zoo.results.result import WeightsIdentity

if TYPE_CHECKING:
    from torch import Tensor

    from lightning_modules.base import PoseModule

TRAINING_ONLY = ("part_loss.",)
"""Weights that prediction never uses. A file may lack them or have more of them than the model; nothing else may."""

STARTS: dict[str, Any] = {
    "pretrained": False, "backbone_from": None, "start_from": None, "segmenter_from": None,
    "pose_steps": 0, "estimator_steps": 0, "true_parts_steps": 0,
}  # fmt: skip
"""Hyper-parameters of how a training starts (from what, with which part), and their values for one that goes on."""


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

    Only safetensors are read; listed, converted and published files are checked against their SHA-256, and the state
    must fit exactly.

    Args:
        name: a method (its default weights), `method.tag`, a `.safetensors` file, a folder with `model.safetensors`,
            or a Hub repository `user/name` that `zoo push` wrote.
        revision: Hub commit, tag or branch; for listed weights the listed commit when omitted.
        cache_dir: Hub cache instead of the usual one (`HF_HOME`).
        offline: True keeps off the network; None leaves it to `HF_HUB_OFFLINE`.
        device: where the model goes.
        **overrides: hyper-parameters that replace the stored ones, such as `body="smpl"`.

    Raises:
        ZooError: there is no such model, its weights cannot be had, or they do not fit.
    """
    cache = None if cache_dir is None else Path(cache_dir)
    path = _local_file(name)
    if path is not None and revision is not None:
        raise ZooError(f"{path} is a local file, so it has no revision {revision!r}")
    if path is None and "/" in str(name):
        path = fetch_published(str(name), revision, cache, offline)
    if path is not None:
        tensors, metadata = read_safetensors(path)
        method, config = described(metadata, path)
    else:
        entry = get_checkpoint(str(name))
        path = checked_file(entry, revision=revision, cache_dir=cache, offline=offline)
        if not has_landed(entry):
            raise ZooError(f"{entry.name} cannot be loaded: {what_to_do(entry)}")
        tensors, _ = read_safetensors(path)
        method, config = entry.method, entry.config
    model = build(method, {**started(config), **overrides})
    fill(model, tensors, f"{path} does not fit {method}")
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise ZooError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None


def fill(model: PoseModule, tensors: dict[str, Tensor], failure: str) -> None:
    """Put weights into a model; those under `TRAINING_ONLY` may be left over or missing, and then stay as they are.

    Args:
        model: of the method.
        tensors: its state.
        failure: how the message begins when they do not fit.

    Raises:
        ZooError: a name or shape is missing, unknown or different.
    """
    own = model.state_dict()
    left_over = {key for key in tensors.keys() - own.keys() if key.startswith(TRAINING_ONLY)}
    missing = {key for key in own.keys() - tensors.keys() if key.startswith(TRAINING_ONLY)}
    state = {key: value for key, value in tensors.items() if key not in left_over} | {key: own[key] for key in missing}
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ZooError(f"{failure}: {' '.join(str(error).split())[:400]}") from None


def started(config: dict[str, Any]) -> dict[str, Any]:
    """Hyper-parameters of trained weights, whose start (`STARTS`) is behind them."""
    return {key: STARTS.get(key, value) for key, value in config.items()}


def full_name(name: str) -> str:
    """`method.tag` for a method's name, which means its default; any other name as it is."""
    defaults = {entry.method: entry.name for entry in read_checkpoints().values() if entry.default}
    return defaults.get(name, name)


def identify(weights: str, overrides: Mapping[str, Any] | None = None) -> WeightsIdentity:
    """Name and SHA-256 of listed weights, or of a file.

    Args:
        weights: name in `checkpoints.yaml`, or a file.
        overrides: hyper-parameters that replaced the stored ones.

    Raises:
        ZooError: neither.
    """
    if Path(weights).is_file():
        return WeightsIdentity(Path(weights).name, file_sha256(Path(weights)), overrides or {})
    entry = get_checkpoint(weights)
    return WeightsIdentity(entry.name, str(entry.sha256), overrides or {})


def build(method: str, config: dict[str, Any]) -> PoseModule:
    """A method's module, freshly initialised.

    Raises:
        ZooError: no such method, or it does not take these hyper-parameters.
    """
    from lightning_modules import get_method

    try:
        return get_method(method)(**config)
    except (KeyError, TypeError, ValueError, FileNotFoundError, pickle.UnpicklingError) as error:
        message = str(error.args[0]) if error.args else str(error)
        raise ZooError(f"{method} cannot be built: {' '.join(message.split())}") from error


def _local_file(name: str | Path) -> Path | None:
    """The weights file that `name` points at, or None when it is a name."""
    path = Path(name)
    if path.is_dir():
        return path / WEIGHTS
    if path.suffix == ".safetensors" or isinstance(name, Path):
        return path
    if path.suffix == ".ckpt":
        raise ZooError(f"{path}: only safetensors are loaded; convert with zoo package {path} NAME")
    if path.suffix in (".pth", ".pt", ".tar", ".bin", ".pkl", ".zip"):
        raise ZooError(
            f"{path}: only safetensors are loaded; authors' files become some with zoo convert METHOD {path}"
        )
    return None


def described(metadata: dict[str, str], path: Path) -> tuple[str, dict[str, Any]]:
    """Method and hyper-parameters from a weights file's own metadata.

    Raises:
        ZooError: the zoo did not write the file.
    """
    if "method" not in metadata or "config" not in metadata:
        raise ZooError(f"{path} does not say which method it is for; it was not written by this zoo")
    try:
        config = json.loads(metadata["config"])
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise ZooError(f"{path}: its config is not a mapping in JSON")
    return metadata["method"], config
