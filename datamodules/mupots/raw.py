"""The annotations as distributed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from body.mat_files import read_mat
from datamodules.files import require
from datamodules.readers.pinhole import fit_pinhole

FOLDER = "MultiPersonTestSet"
SEQUENCES = tuple(range(1, 21))
NUMBERS = 10000
"""The number of a frame of sequence k is 10000 k + frame, where its annotations have none."""

_SHAPES = {"annot2": (2, 17), "annot3": (3, 17), "univ_annot3": (3, 17)}


@dataclass(frozen=True)
class RawPeople:
    """The people with valid annotations, frame by frame, those of a frame in the order of the file.

    Attributes:
        sequence: 1 to 20.
        frame: counted from 0.
        joints: `univ_annot3`, camera frame, metres.
        pixels: `annot2`.
        cameras: focal lengths and principal point (fx, fy, cx, cy) of every sequence, pixels.
        frames: how many every sequence has, with those in which nobody is annotated.
    """

    sequence: Int[np.ndarray, " people"]
    frame: Int[np.ndarray, " people"]
    joints: Float[np.ndarray, "people 17 3"]
    pixels: Float[np.ndarray, "people 17 2"]
    cameras: Float[np.ndarray, "20 4"]
    frames: Int[np.ndarray, "20"]


def read_raw(root: Path, how_to_get: str) -> RawPeople:
    """Read all sequences.

    Args:
        root: folder with `MultiPersonTestSet`.
        how_to_get: for the message when a file is missing.

    Raises:
        FileNotFoundError: a sequence is not there.
        ValueError: a file is damaged; the message names it.
    """
    parts = [_sequence(require(root, [f"{FOLDER}/TS{k}/annot.mat"], how_to_get)) for k in SEQUENCES]
    counts = [len(part[0]) for part in parts]
    frame, joints, pixels, cameras, frames = zip(*parts, strict=True)
    return RawPeople(
        np.repeat(SEQUENCES, counts),
        np.concatenate(frame),
        np.concatenate(joints),
        np.concatenate(pixels),
        np.stack(cameras),
        np.array(frames),
    )


def image_name(sequence: int, frame: int) -> str:
    """File of a frame, relative to the benchmark's folder."""
    return f"{FOLDER}/TS{sequence}/img_{frame:06d}.jpg"


def _sequence(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Frame, joints and pixels of every valid person, the camera, and the number of frames."""
    cells = read_mat(path, ("annotations",))["annotations"]  # (frames, people), a structure each
    try:
        flags = [bool(cell.size and cell["isValidFrame"].item().item()) for cell in cells.flat]
        valid = np.array(flags, bool).reshape(cells.shape)
        people = cells[valid]
        arrays = [np.array([cell[name].item() for cell in people], np.float64) for name in _SHAPES]
        arrays = [array.reshape(-1, *shape) for array, shape in zip(arrays, _SHAPES.values(), strict=True)]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: annotations is not a cell of {', '.join(_SHAPES)} per person ({error})") from None
    pixels, measured, scaled = (array.swapaxes(1, 2) for array in arrays)  # stored as coordinates by joints
    camera = fit_pinhole(measured.reshape(-1, 3), pixels.reshape(-1, 2)) if len(pixels) else np.ones(4)
    return np.nonzero(valid)[0], scaled / 1000, pixels, camera, len(cells)
