"""The README's pictures, drawn again: `PYTHONPATH=docs:. python -m generate.pictures`."""

from __future__ import annotations

from pathlib import Path

from generate.figures.banner import draw_banner
from generate.figures.examples import draw_example

FOLDER = Path(__file__).resolve().parents[1] / "pictures"

if __name__ == "__main__":
    (FOLDER / "banner.jpg").write_bytes(draw_banner())
    (FOLDER / "danet.jpg").write_bytes(draw_example("danet"))
