"""The one folder of licensed files that the user keeps: `$ZOO_ASSETS`. Its layout is in `zoo/README.md`."""

from __future__ import annotations

import os
from pathlib import Path


def assets_folder() -> Path | None:
    """`$ZOO_ASSETS`, or None when it is not set."""
    value = os.environ.get("ZOO_ASSETS")
    return Path(value).expanduser() if value else None


def find_asset(*names: str) -> Path | None:
    """The first of these files or folders, named relative to the assets folder, that is there."""
    root = assets_folder()
    existing = (root / name for name in names if root is not None and (root / name).exists())
    return next(existing, None)
