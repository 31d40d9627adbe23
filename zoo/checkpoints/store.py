"""Official weights that this user has converted: kept in the zoo's cache with their provenance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from body.atomic import atomic_file
from zoo.checkpoints.listing import Checkpoint
from zoo.errors import ZooError
from zoo.resources import cache_folder, file_sha256

if TYPE_CHECKING:
    from torch import Tensor


def converted_path(entry: Checkpoint) -> Path:
    """Where an entry's converted weights are, or would be; the provenance lies beside them as `.json`."""
    return cache_folder() / "converted" / f"{entry.name}.safetensors"


def converted_file(entry: Checkpoint) -> Path | None:
    """The converted weights, or None when there are none.

    Raises:
        ZooError: the file is not the one that was written.
    """
    path = converted_path(entry)
    if not path.is_file():
        return None
    again = f"run zoo convert {entry.method} FILE --variant {entry.name.partition('.')[2]} again"
    try:
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ZooError(f"{path} has lost its provenance; {again}") from None
    if file_sha256(path) != expected:
        raise ZooError(f"{path} is damaged; {again}")
    return path


def store(entry: Checkpoint, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> Path:
    """Write an entry's converted weights and where they came from.

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
    metadata |= {"config": json.dumps(entry.config, sort_keys=True), "provenance": json.dumps(provenance)}
    try:
        # the note is there first: weights without the note that fits them are refused, never believed
        with atomic_file(target) as weights, atomic_file(target.with_suffix(".json")) as note:
            save_file({key: value.contiguous() for key, value in tensors.items()}, weights, metadata)
            about = json.dumps({**provenance, "sha256": file_sha256(weights)}, indent=1)
            note.write_text(about + "\n", encoding="utf-8")
    except Exception as error:  # safetensors has its own error for a full disk
        raise ZooError(f"{target} cannot be written ({' '.join(str(error).split())[:200]}); set ZOO_CACHE") from error
    return target
