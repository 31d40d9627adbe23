"""What LSP and LSP-Extended share."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Num

from body.skeleton import LSP14
from datamodules.annotations import Annotations
from datamodules.mpii.people import People, image_sizes, people_table
from datamodules.readers.boxes import boxes_of_points

Layout = Literal["raw", "spin"]


def check_fits(layout: Layout, fits: str | None) -> None:
    """Refuse fits with a layout that has none."""
    if fits is not None and layout != "spin":
        raise ValueError(f"fits belong to layout spin, not {layout}")


def share_outside(root: Path, table: Annotations, rows: int) -> float:
    """Share of the valid 2D joints of the first rows that lie outside their images; 0 where no image is there."""
    names = [table.images[row] for row in range(min(rows, len(table)))]
    present = [row for row, name in enumerate(names) if (root / name).is_file()]
    if not present or table.joints_2d is None or table.joints_2d_valid is None:
        return 0.0
    sizes = image_sizes(root, [names[row] for row in present])
    pixels, valid = table.joints_2d[present], table.joints_2d_valid[present]
    outside = np.asarray(((pixels < -0.5) | (pixels > sizes[:, None] - 0.5)).any(-1))
    return float(outside[valid].mean()) if valid.any() else 0.0


def lsp_table(
    root: Path, names: list[str], pixels: Num[np.ndarray, "people 14 2"], valid: Bool[np.ndarray, "people 14"]
) -> Annotations:
    """Annotations of images with one person each, in boxes tight around the joints that count."""
    pixels = pixels.astype(np.float64)
    return people_table(root, People(names, pixels, valid, boxes_of_points(pixels, valid)), skeleton=LSP14)
