"""One run's checkpoints never mix with another's: `last.ckpt` is always the newest run's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STARTS = ("start_from", "segmenter_from", "backbone_from")
"""Attributes of a method that name the file of an earlier stage; `parts_from` names one for each of some parts."""


def set_aside(folder: Path) -> Path | None:
    """Rename the folder of an earlier run's checkpoints after the time at which that run ended.

    Otherwise a second run would write `last-v1.ckpt` beside the first one's `last.ckpt`, and the next stage, whose
    configuration names the latter, would go on from the first run.

    Returns:
        Where the earlier checkpoints are now; None when there are none.
    """
    saved = [path.stat().st_mtime for path in folder.glob("*.ckpt")]
    if not saved:
        return None
    ended = datetime.fromtimestamp(max(saved), UTC)
    target = folder.with_name(f"{folder.name}_{ended:%Y%m%dT%H%M%S}")
    number = 1
    while target.exists():
        number += 1
        target = folder.with_name(f"{folder.name}_{ended:%Y%m%dT%H%M%S}_{number}")
    folder.rename(target)
    return target


def follow_starts(model: Any, folder: Path, moved: Path) -> None:
    """Let a stage that starts from the run that has been set aside find its file there."""
    for name in STARTS:
        start = getattr(model, name, None)
        if start is not None:
            setattr(model, name, _followed(start, folder.resolve(), moved))
    parts = getattr(model, "parts_from", None)
    if parts is not None:
        model.parts_from = {part: _followed(start, folder.resolve(), moved) for part, start in parts.items()}


def _followed(start: str, folder: Path, moved: Path) -> str:
    path = Path(start).resolve()
    return str(moved / path.relative_to(folder)) if path.is_relative_to(folder) else start


def describe_starts(model: Any) -> list[str]:
    """What a stage starts from, a line per file: its place and when its run wrote it."""
    lines = []
    starts = {name: getattr(model, name, None) for name in STARTS}
    starts |= {f"parts_from {part}": start for part, start in (getattr(model, "parts_from", None) or {}).items()}
    for name, start in starts.items():
        path = Path(start or "")
        if path.is_file():
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            lines.append(f"{name}: {path}, written {written:%Y-%m-%d %H:%M} UTC")
    return lines
