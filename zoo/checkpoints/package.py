"""`zoo package`: a Lightning checkpoint becomes a weights file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from body.atomic import atomic_file
from zoo.checkpoints.files import TRAINING
from zoo.checkpoints.lightning_files import read_lightning_checkpoint
from zoo.checkpoints.listing import parse_checkpoints
from zoo.checkpoints.load import build_model, load_state, without_initialisation
from zoo.documents.resources import file_sha256
from zoo.errors import ZooError


def package_checkpoint(checkpoint: Path, name: str, folder: Path, listing: Path | None) -> dict[str, Any]:
    """Write `folder/NAME.safetensors` and its facts into the entry NAME of `listing`.

    Matrices and kernels are stored in 16 bits; vectors (biases, normalisation statistics) in 32, since they are small
    and variances near zero would underflow. The file's metadata hold the method and its hyper-parameters. Listed
    weights ship beside the bundled backbones, so that they leave out one that stayed as it was; others are whole.

    Args:
        checkpoint: written by `zoo fit`.
        name: `method.tag`, an entry of `listing`.
        folder: for the weights.
        listing: a `checkpoints.yaml`; None for weights that are in no list.

    Returns:
        The fields that were written.

    Raises:
        ZooError: the checkpoint cannot be read, does not fit the method, or holds values beyond 16-bit floats.
    """
    from safetensors.torch import save_file

    from lightning_modules.common.shared_weights import SHARED, leave_out_shared

    state, config, trained, origin = read_lightning_checkpoint(checkpoint)
    method = name.partition(".")[0]
    if trained not in (None, method):
        raise ZooError(f"{checkpoint} holds weights of {trained}, so they cannot be called {name}")
    module = build_model(method, without_initialisation(method, config))
    config = {key: value for key, value in module.hparams.items() if not key.startswith("_")}
    load_state(module, state, f"{checkpoint} does not fit {method}")
    tensors = {key: _to_storage_dtype(key, value) for key, value in state.items()}
    tensors, shared = (tensors, None) if listing is None else leave_out_shared(tensors)
    target = folder / f"{name}.safetensors"
    metadata = {
        "format": "pt",
        "name": name,
        "method": method,
        "config": json.dumps(config, sort_keys=True, allow_nan=False),
        **({TRAINING: json.dumps(origin, sort_keys=True)} if origin and listing is None else {}),
        **({} if shared is None else {SHARED: shared}),
    }
    with atomic_file(target) as partial:
        save_file(tensors, partial, metadata)
        partial.chmod(0o644)  # safetensors writes files for their owner only
    facts = {
        "availability": "bundled",
        "file": target.name,
        "sha256": file_sha256(target),
        "bytes": target.stat().st_size,
        "parameters": sum(weight.numel() for weight in module.parameters()),
    }
    if listing is not None:
        update_listing(listing, name, facts)
    return facts


def _to_storage_dtype(key: str, value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return value.contiguous()
    if not bool(torch.isfinite(value).all()):
        raise ZooError(f"{key} holds values that are not finite; the training diverged")
    stored = value.half() if value.ndim >= 2 else value.float()
    if not bool(torch.isfinite(stored).all()):
        raise ZooError(f"{key} holds values up to {float(value.abs().max()):g}, beyond 16-bit floats")
    return stored.contiguous()


def update_listing(listing: Path, name: str, facts: dict[str, Any]) -> None:
    """Set top-level fields of one entry in a `checkpoints.yaml`, leaving every other line and comment as it is.

    Raises:
        ZooError: there is no such entry, or the result would not be a valid list; the file is then left alone.
    """
    import yaml

    lines = listing.read_text(encoding="utf-8").splitlines()
    if f"{name}:" not in lines:
        raise ZooError(f"{listing} has no entry {name}; write its other fields first")
    start = lines.index(f"{name}:") + 1
    end = next((i for i in range(start, len(lines)) if re.match(r"[^\s#]", lines[i])), len(lines))
    block = _without_source(lines[start:end])
    for key, value in facts.items():
        row = f"  {key}: {_flow_yaml(value)}"
        present = [i for i, line in enumerate(block) if line.startswith(f"  {key}:")]
        position = present[0] if present else next(i for i, line in enumerate(block) if line.startswith("  body:"))
        block[position : position + len(present)] = [row]
    text = "\n".join([*lines[:start], *block, *lines[end:]]) + "\n"
    parse_checkpoints(yaml.safe_load(text))
    with atomic_file(listing) as partial:
        partial.write_text(text, encoding="utf-8")


def _flow_yaml(value: Any) -> str:
    """YAML's flow style. JSON would do but for numbers such as 1e-05, which YAML reads as strings."""
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1_000_000)
    return text.removesuffix("...\n").strip()


def _without_source(block: list[str]) -> list[str]:
    """The entry without `source`, which said why there were no weights."""
    remaining, inside = [], False
    for line in block:
        inside = line.startswith("  source:") or (inside and line.startswith("   "))
        remaining += [] if inside else [line]
    return remaining
