"""Weight files: found or fetched, checked, and read as plain tensors."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor

from zoo.checkpoints import Checkpoint
from zoo.errors import ZooError
from zoo.resources import weights_folder


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors, floats widened to 32 bits, and metadata of a safetensors file.

    Raises:
        ZooError: no such file, or not safetensors.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  (not a mapping)
            metadata = stream.metadata() or {}
    except SafetensorError as error:
        raise ZooError(f"{path} is not a safetensors file ({error}); only those are loaded") from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}, metadata


def checked_file(
    entry: Checkpoint, *, revision: str | None = None, cache_dir: Path | None = None, offline: bool | None = None
) -> Path:
    """Path of an entry's weights, whose SHA-256 is the listed one.

    Args:
        entry: of `checkpoints.yaml`.
        revision: Hub commit or branch instead of the listed one.
        cache_dir: Hub cache instead of the usual one.
        offline: whether to keep off the network; as `HF_HUB_OFFLINE` says when omitted.

    Raises:
        ZooError: the weights are not to be had, or the file is not the listed one.
    """
    if entry.availability not in ("bundled", "hub"):
        raise ZooError(f"{entry.name} cannot be loaded: {_what_to_do(entry)}")
    if entry.file is None:
        raise ZooError(f"{entry.name}: file is missing from checkpoints.yaml")
    if entry.availability == "bundled":
        path = weights_folder() / entry.file
        if not path.is_file():
            raise ZooError(f"{path} is missing; reinstall human-mesh-zoo")
    else:
        from zoo.hub import fetch

        source = entry.source
        if source is None or source.repo is None:
            raise ZooError(f"{entry.name}: source.repo is missing from checkpoints.yaml")
        path = fetch(source.repo, entry.file, revision or source.revision, cache_dir, offline)
    found = file_sha256(path)
    if found != entry.sha256 and revision is None:
        if entry.availability == "hub":
            path.resolve().unlink()  # the blob that the cache link points at, so that the next load fetches it anew
            path.unlink(missing_ok=True)
        raise ZooError(f"{path} is not the listed file (sha256 {found[:12]}..., not {str(entry.sha256)[:12]}...)")
    return path


def _what_to_do(entry: Checkpoint) -> str:
    source = entry.source
    parts = [source.reason, source.page] if source is not None else []
    return "; ".join(part for part in parts if part) or "no weights are listed"
