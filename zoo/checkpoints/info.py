"""Everything that is known about a model."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.checkpoints.files import parse_metadata, read_metadata, resolve_weights
from zoo.checkpoints.listing import get_checkpoint


def info(name: str) -> dict[str, Any]:
    """Everything known about a model, as plain values: its entry, and the hyper-parameters in its file.

    Args:
        name: a method or `method.tag`.

    Raises:
        ZooError: no such model.
    """
    entry = get_checkpoint(name)
    facts = dataclasses.asdict(entry)
    if entry.availability == "bundled":
        path = resolve_weights(entry)
        facts["config"] = parse_metadata(read_metadata(path), path)[1]
    return facts
