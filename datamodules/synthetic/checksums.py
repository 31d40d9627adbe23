"""What tells a cache folder that is whole from one that is damaged or of something else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILES = ("images.bin", "surfaces.bin", "labels.npz")
_intact: set[Path] = set()
"""Folders that this process has looked through."""


def checksums(folder: Path) -> dict[str, dict[str, Any]]:
    """Size in bytes and SHA-256 of every file of a cache folder but its `facts.json`."""
    return {name: {"bytes": (folder / name).stat().st_size, "sha256": _sha256(folder / name)} for name in FILES}


def find_damage(folder: Path, facts: Mapping[str, Any]) -> str:
    """What is wrong with a cache folder, in a few words; empty when nothing is. Looked up once a process.

    Args:
        folder: with `facts.json` and the files that it names.
        facts: what `facts.json` must say besides the checksums.
    """
    if folder in _intact:
        return ""
    try:
        stored = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        other = [name for name, value in facts.items() if stored.get(name) != value]
        if other:
            return f"facts.json says another {', '.join(other)}"
        if "files" not in stored:
            return "facts.json has no checksums"
        wrong = [name for name, value in checksums(folder).items() if stored["files"].get(name) != value]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        return f"it cannot be read ({type(error).__name__})"
    if wrong:
        return f"{', '.join(wrong)} changed on disk"
    _intact.add(folder)
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
