"""UPi-S1h: silhouettes and body parts drawn by hand over LSP, LSP-Extended, MPII and FashionPose (Lassner et al. 2017).

Layout: `data/lsp/im%04d_segmentation.png` (0 background) and `data/lsp/im%04d_part_segmentation.png` (1 to 6, the order
of `body.parts.part_names(6)`; 0 background, 255 where none was drawn), as large as the images.
`data/lsp_extended` and `data/mpii/images` have silhouettes only, counted with five digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from datamodules.files import require

HOW_TO_GET = "UPi-S1h: download upi-s1h.zip from files.is.tuebingen.mpg.de/classner/up and unpack it"
PARTS = 6


class DrawnParts:
    """Part labels and silhouettes of images, as extra fields of an `AnnotatedSource`.

    Args:
        root: folder of UPi-S1h.
        names: of the images without ending, below `data`, such as `lsp/im1001`.
    """

    def __init__(self, root: Path, names: list[str]) -> None:
        self.folder, self.names = require(root, ("data", "upi-s1h/data"), HOW_TO_GET), names

    def __call__(self, index: int) -> dict[str, Any]:
        """`part_labels` and `silhouette` of a row.

        Raises:
            FileNotFoundError: a file is not there.
            ValueError: a file is no image, or has other labels than these.
        """
        path = self.folder / f"{self.names[index]}_part_segmentation.png"
        parts = read_labels(path)
        unknown = set(np.unique(parts).tolist()) - {*range(PARTS + 1), 255}
        if unknown:
            raise ValueError(f"{path} has labels {sorted(unknown)}, not 0 to {PARTS} and 255")
        silhouette = read_labels(self.folder / f"{self.names[index]}_segmentation.png")
        return {"part_labels": parts, "silhouette": (silhouette > 0).astype(np.uint8)}


def read_labels(path: Path) -> UInt8[np.ndarray, "height width"]:
    """A label image as it is stored; of several channels the first.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no image.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there. {HOW_TO_GET}")
    labels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED) if path.stat().st_size else None
    if labels is None or labels.dtype != np.uint8:
        raise ValueError(f"{path} is not a readable label image; unpack it again")
    return labels if labels.ndim == 2 else np.ascontiguousarray(labels[..., 0])
