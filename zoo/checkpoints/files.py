"""Weights files: located or downloaded, verified, and read as plain tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.foreign import explain_foreign
from zoo.checkpoints.listing import get_checkpoint
from zoo.checkpoints.store import find_converted
from zoo.documents.resources import file_sha256, weights_folder
from zoo.errors import ZooError, one_line

if TYPE_CHECKING:
    from torch import Tensor

TRAINING = "training"
"""Of the metadata of a weights file: the command and the configuration that trained them, in JSON."""


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors, floats widened to 32 bits, and metadata of a safetensors file; a backbone it leaves out is filled in.

    Raises:
        ZooError: no such file, or not safetensors; or see `shared_weights.read_weights`.
    """
    from safetensors import SafetensorError

    from lightning_modules.common.shared_weights import read_weights

    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    try:
        tensors, metadata = read_weights(path)
    except ValueError as error:
        raise ZooError(one_line(error, 400)) from None
    except SafetensorError as error:
        what = explain_foreign(path) or f"{path} is not a safetensors file ({error}); only those are loaded"
        raise ZooError(what) from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}, metadata


def parse_metadata(metadata: dict[str, str], path: Path) -> tuple[str, dict[str, Any]]:
    """Method and hyper-parameters from the metadata of a weights file.

    Raises:
        ZooError: the metadata are not those of a file of the zoo.
    """
    if "method" not in metadata or "config" not in metadata:
        raise ZooError(f"{path} does not name a method in its metadata; it was not written by this zoo")
    try:
        config = json.loads(metadata["config"], parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise ZooError(f"{path}: its config is not a mapping in JSON")
    return metadata["method"], config


def parse_training(metadata: dict[str, str]) -> dict[str, str]:
    """`command` and `config` of the training, where `zoo package` found them in the checkpoint."""
    try:
        training = json.loads(metadata.get(TRAINING, "{}"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return {}
    known = training if isinstance(training, dict) else {}
    return {key: known[key] for key in ("command", "config") if isinstance(known.get(key), str)}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a safetensors file, without its tensors.

    Raises:
        ZooError: no such file, or not safetensors.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    try:
        with safe_open(path, framework="np") as stream:
            return stream.metadata() or {}
    except SafetensorError as error:
        what = explain_foreign(path) or f"{path} is not a safetensors file ({error}); only those are loaded"
        raise ZooError(what) from None


def resolve_weights(
    entry: Checkpoint, *, revision: str | None = None, cache_dir: Path | None = None, offline: bool | None = None
) -> Path:
    """Path of an entry's weights, verified against the listed SHA-256, or the one recorded at conversion.

    Args:
        entry: of `checkpoints.yaml`.
        revision: Hub commit or branch instead of the listed one; the file is then verified against the
            `config.json` of that revision.
        cache_dir: Hub cache instead of the default one.
        offline: whether to avoid the network; as `HF_HUB_OFFLINE` says when omitted.

    Raises:
        ZooError: the weights are not available, or the file is not the listed one.
    """
    if revision is not None and entry.availability != "hub":
        raise ZooError(f"{entry.name} is not on the Hub, so it has no revision {revision!r}")
    if entry.availability == "bundled":
        return _resolve_bundled(entry)
    if entry.availability == "hub":
        return _resolve_hub(entry, revision, cache_dir, offline)
    converted = find_converted(entry)
    if converted is None:
        raise ZooError(f"{entry.name} cannot be loaded: {how_to_obtain(entry)}")
    return converted


def resolve_initial_weights(name: str) -> Path:
    """The file that a training starts from: a path as it is, or that of weights the zoo lists.

    Raises:
        ZooError: the name is not listed, or its weights are not available.
    """
    if Path(name).suffix in (".ckpt", ".safetensors", ".pth"):
        return Path(name)
    return resolve_weights(get_checkpoint(name))


def resolve_starts(module: Any) -> None:
    """Put files in place of the names of weights that a module's training starts from.

    Raises:
        ZooError: see `resolve_initial_weights`.
    """
    start, parts = getattr(module, "backbone_from", None), getattr(module, "parts_from", None)
    if start is not None:
        module.backbone_from = str(resolve_initial_weights(start))
    if parts is not None:
        module.parts_from = {part: str(resolve_initial_weights(name)) for part, name in parts.items()}


def _resolve_bundled(entry: Checkpoint) -> Path:
    path = weights_folder() / str(entry.file)
    if not path.is_file():
        raise ZooError(f"{path} is missing; reinstall human-mesh-zoo")
    actual = file_sha256(path)
    if actual != entry.sha256:
        raise ZooError(
            f"{path} is not the listed file (sha256 {actual[:12]}..., not {str(entry.sha256)[:12]}...); "
            "reinstall human-mesh-zoo"
        )
    return path


def _resolve_hub(entry: Checkpoint, revision: str | None, cache_dir: Path | None, offline: bool | None) -> Path:
    from zoo.checkpoints.hub import fetch, fetch_published, verify_cached

    source = entry.source
    if source is None or source.repo is None:
        raise ZooError(f"{entry.name}: source.repo is missing from checkpoints.yaml")
    if revision is not None:
        return fetch_published(source.repo, revision, cache_dir, offline)
    path = fetch(source.repo, str(entry.file), source.revision, cache_dir, offline)
    verify_cached(path, str(entry.sha256))
    return path


def how_to_obtain(entry: Checkpoint) -> str:
    """How to obtain weights that cannot be loaded yet, in one line."""
    source = entry.source
    reason = (source.reason if source is not None else None) or "no weights are listed"
    if entry.availability == "none":
        return f"there are no weights: {reason} (as of {source.date if source is not None else 'unknown'})"
    page, file = (source.page, source.file) if source is not None else (None, None)
    return f"get {file} from the authors' page {page} ({reason}), then run: zoo convert {entry.method} {file}"
