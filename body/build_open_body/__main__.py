"""Command line: write the open body's data file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np

from body.build_open_body.assemble import build
from body.open_body import DATA_FILE


def main() -> None:
    """Build the arrays and write them in one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DATA_FILE, help="file to write (default: the packaged one)")
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix(f".{os.getpid()}.npz")
    arrays: dict[str, Any] = build()
    np.savez_compressed(temporary, **arrays)
    temporary.replace(out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
