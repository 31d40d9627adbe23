"""Boxes of Human3.6M's `MySegmentsMat/ground_truth_bb`: one MATLAB 7.3 file per video, one mask per frame.

The cell array `Masks` (F x 1 references) holds logical images, which HDF5 shows transposed (width, height); ones fill
the box. Decoding a full-size mask per frame is slow, so `zoo data prepare human36m` stores the boxes of every video as
`boxes/S9_Directions_1.60457274.npy`, (F, 4) float32, which are read instead when they are there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from body.atomic import atomic_file
from body.extras import import_extra

LOOSENESS = 4 / 3
"""The boxes are this much wider than tight ones: SPIN crops 0.9 of their longer side, and 1.2 of a tight box's."""


def read_boxes(stored: Path, masks: Path, frames: Int[np.ndarray, " rows"]) -> Float[np.ndarray, "rows 4"]:
    """Tight boxes of some frames of a video.

    Args:
        stored: array of the video's boxes, if it has been prepared.
        masks: the authors' file, read otherwise.
        frames: counted from 0.

    Returns:
        (x, y, width, height), pixels; the authors' boxes shrunk about their centres by `LOOSENESS`.

    Raises:
        FileNotFoundError: neither file is there.
        ValueError: a file is damaged, or ends before the last wanted frame.
    """
    if stored.is_file():
        boxes = _load(stored)
        if len(frames) and frames.max() >= len(boxes):
            raise ValueError(f"{stored} has {len(boxes)} boxes, but frame {frames.max()} is needed; remove the file")
        boxes = boxes[frames]
    else:
        boxes = mask_boxes(masks, frames)
    size = boxes[:, 2:] / LOOSENESS
    return np.concatenate([boxes[:, :2] + (boxes[:, 2:] - size) / 2, size], 1)


def mask_boxes(path: Path, frames: Int[np.ndarray, " rows"] | None = None) -> Float[np.ndarray, "rows 4"]:
    """The authors' own boxes (x, y, width, height), of all frames or of some; zeros where a mask is empty.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or ends before the last wanted frame.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}: unpack the benchmark's bounding boxes, or take those of the joints (boxes: joints)"
        )
    try:
        with import_extra("h5py", "data").File(path) as file:
            references = file["Masks"][()].reshape(-1)
            if frames is not None and len(frames) and frames.max() >= len(references):
                raise ValueError(f"it has {len(references)} masks, but frame {frames.max()} is needed")
            wanted = range(len(references)) if frames is None else frames
            boxes = [_box(file[references[int(frame)]][()].T) for frame in wanted]
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); unpack it again") from None
    return np.array(boxes, np.float32).reshape(-1, 4)


def store_boxes(masks: Path, stored: Path) -> None:
    """Write the boxes of a video's masks as an array, unless it is there."""
    if stored.is_file():
        return
    with atomic_file(stored) as partial, partial.open("wb") as file:
        np.save(file, mask_boxes(masks))


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def _load(path: Path) -> Float[np.ndarray, "frames 4"]:
    try:
        return np.load(path, allow_pickle=False).reshape(-1, 4)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); remove it and run `zoo data prepare human36m`") from None
