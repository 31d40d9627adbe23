"""Converted official weights: stored in the zoo's cache with their provenance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from body.atomic import atomic_file
from zoo.checkpoints.entry import Checkpoint
from zoo.documents.resources import cache_folder, file_sha256
from zoo.errors import ZooError, one_line

if TYPE_CHECKING:
    from torch import Tensor


def converted_path(entry: Checkpoint) -> Path:
    """Path of an entry's converted weights, which need not exist; the provenance is beside them as `.json`."""
    return cache_folder() / "converted" / f"{entry.name}.safetensors"


def find_converted(entry: Checkpoint) -> Path | None:
    """The converted weights, or None when there are none.

    Raises:
        ZooError: the file is not the one that was written.
    """
    path = converted_path(entry)
    if not path.is_file():
        return None
    rerun = f"run zoo convert {entry.method} FILE --variant {entry.name.partition('.')[2]} again"
    try:
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ZooError(f"{path} has no provenance beside it; {rerun}") from None
    if file_sha256(path) != expected:
        raise ZooError(f"{path} is damaged; {rerun}")
    return path


def store_converted(entry: Checkpoint, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> Path:
    """Write an entry's converted weights and their provenance.

    Args:
        entry: of `checkpoints.yaml`.
        tensors: state of its module.
        provenance: plain values; `sha256` of the written file is added.

    Raises:
        ZooError: the cache folder cannot be written to.
    """
    from safetensors.torch import save_file

    target = converted_path(entry)
    metadata = {"format": "pt", "name": entry.name, "method": entry.method}
    metadata |= {
        "config": json.dumps(entry.config, sort_keys=True, allow_nan=False),
        "provenance": json.dumps(provenance, allow_nan=False),
    }
    try:
        # the record is in position first: weights without a matching record are refused
        with atomic_file(target) as weights, atomic_file(target.with_suffix(".json")) as record:
            save_file({key: value.contiguous() for key, value in tensors.items()}, weights, metadata)
            facts = json.dumps({**provenance, "sha256": file_sha256(weights)}, indent=1, allow_nan=False)
            record.write_text(facts + "\n", encoding="utf-8")
    except Exception as error:  # safetensors raises an error class of its own for a full disk
        raise ZooError(f"{target} cannot be written ({one_line(error, 200)}); set ZOO_CACHE") from error
    return target
