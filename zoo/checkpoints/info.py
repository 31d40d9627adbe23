"""Everything that is known about a model."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.checkpoints.files import parse_metadata, read_metadata, resolve_weights
from zoo.checkpoints.listing import get_checkpoint
from zoo.checkpoints.photographs import on_photographs


def info(name: str) -> dict[str, Any]:
    """Everything known about a model, as plain values: its entry, where it stands on photographs, hyper-parameters.

    Args:
        name: a method or `method.tag`.

    Raises:
        ZooError: no such model.
    """
    entry = get_checkpoint(name)
    facts = {**dataclasses.asdict(entry), "photographs": on_photographs(entry)}
    if entry.availability == "bundled":
        path = resolve_weights(entry)
        facts["config"] = parse_metadata(read_metadata(path), path)[1]
    return facts
