"""Weights files that leave out what a bundled backbone's file has: a backbone that stayed frozen is stored once.

The metadata of such a file hold, under `shared`, a mapping in JSON: the backbone's name -> `sha256` of its file, and
`tensors`: the name of each tensor left out -> its name in the backbone's file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

SHARED = "shared"
_WORTHWHILE = 2**20  # bytes; below, a file depends on no other one


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors as they are stored, and metadata, of a safetensors file; what it leaves out is filled in.

    Raises:
        SafetensorError: it is no safetensors file.
        ValueError: the backbone that it leaves out is not the one of this installation, or its metadata are damaged.
    """
    with safe_open(path, framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  (not a mapping)
        metadata = dict(stream.metadata() or {})
    if SHARED not in metadata:
        return tensors, metadata
    for backbone, names, stored in _parse(metadata.pop(SHARED), path):
        if tensors.keys() & names.keys() or not stored.keys() >= set(names.values()):
            raise ValueError(f"{path} is damaged: what it leaves out is not what backbone {backbone} has")
        tensors |= {name: stored[key] for name, key in names.items()}
    return tensors, metadata


def leave_out_shared(tensors: Mapping[str, Tensor], folder: Path | None = None) -> tuple[dict[str, Tensor], str | None]:
    """What is left of a state without the tensors that are bit for bit those of a bundled backbone.

    Args:
        tensors: as they are to be stored.
        folder: of the backbones' files; the package's when None.

    Returns:
        The state, and the value of `shared` for the metadata; None where too little is shared.
    """
    kept, shared = dict(tensors), {}
    for path in sorted((folder or _shipped()).glob("*.safetensors")):
        stored = load_file(path)
        names = {name: key for name in kept if (key := _find_equal(name, kept[name], stored)) is not None}
        if sum(kept[name].nbytes for name in names) >= _WORTHWHILE:
            shared[path.stem] = {"sha256": _sha256(path), "tensors": names}
            kept = {name: value for name, value in kept.items() if name not in names}
    return kept, json.dumps(shared, sort_keys=True) if shared else None


def _find_equal(name: str, value: Tensor, stored: Mapping[str, Tensor]) -> str | None:
    """Name of the stored tensor that has the same name, after a prefix, and the same values."""
    parts = name.split(".")
    keys = (".".join(parts[start:]) for start in range(1, len(parts)))
    return next((key for key in keys if key in stored and _same_bits(value, stored[key])), None)


def _same_bits(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors are the same once floats are widened to 32 bits, as they are when they are loaded."""
    if first.is_floating_point() and second.is_floating_point():
        first, second = first.float().view(torch.int32), second.float().view(torch.int32)
    return first.dtype == second.dtype and torch.equal(first, second)


def _parse(text: str, path: Path) -> list[tuple[str, dict[str, str], dict[str, Tensor]]]:
    """Of each backbone: its name, the names of tensors left out with those in its file, and the tensors of its file."""
    try:
        shared: dict[str, Any] = json.loads(text)
        facts = [(name, str(entry["sha256"]), dict(entry["tensors"])) for name, entry in shared.items()]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is damaged: its metadata do not say what it leaves out") from None
    return [(name, names, _load_backbone(name, sha256, path)) for name, sha256, names in facts]


def _load_backbone(name: str, sha256: str, path: Path) -> dict[str, Tensor]:
    file = _shipped() / f"{name}.safetensors"
    if not name.isidentifier() or not file.is_file():
        raise ValueError(f"{path} needs the backbone {name}, which is missing from {_shipped()}; reinstall the package")
    if _sha256(file) != sha256:
        raise ValueError(
            f"{path} needs the backbone {name} with sha256 {sha256[:12]}..., and {file} is another; "
            "reinstall the package, or use the version that the weights came with"
        )
    return load_file(file)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _shipped() -> Path:
    from lightning_modules.common.backbones.registry import SHIPPED

    return SHIPPED
