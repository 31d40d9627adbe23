"""What LSP and LSP-Extended share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Num

from body.skeleton import LSP14
from datamodules.annotations import Annotations
from datamodules.mpii.people import People, people_table
from datamodules.readers.boxes import boxes_of_points

LAYOUTS = ("raw", "spin")


def check_layout(layout: str, fits: str | None) -> None:
    """Refuse an unknown layout, and fits with a layout that has none."""
    if layout not in LAYOUTS:
        raise ValueError(f"LSP has no layout {layout!r}; use one of {', '.join(LAYOUTS)}")
    if fits is not None and layout != "spin":
        raise ValueError(f"fits belong to layout spin, not {layout}")


def lsp_table(
    root: Path, names: list[str], pixels: Num[np.ndarray, "people 14 2"], valid: Bool[np.ndarray, "people 14"]
) -> Annotations:
    """Annotations of images with one person each, in boxes tight around the joints that count."""
    pixels = pixels.astype(np.float64)
    return people_table(root, People(names, pixels, valid, boxes_of_points(pixels, valid)), skeleton=LSP14)
