"""Reads what `torch.save` wrote without running anything in it, and before it takes memory that it has no right to."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch


def check_growth(path: Path) -> None:
    """Refuse a file whose parts are compressed, as `torch.save` never does, and would fill the memory.

    Raises:
        ValueError: they would.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > 2 * path.stat().st_size + 10**8:
            raise ValueError(f"its parts are compressed, and would grow to {size / 1e9:.1f} GB")


def read_plain(path: Path) -> Any:
    """Content of a file of tensors and plain values, on the CPU.

    Raises:
        ValueError: see `check_growth`.
        Exception: of many types, of torch, for other files; its messages advise to run whatever is in the file, so
            callers show their own.
    """
    check_growth(path)
    return torch.load(path, map_location="cpu", weights_only=True)
