"""Makes the test split that ships: `python -m datamodules.open_v2.ship BUNDLE FOLDER`."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from datamodules.open_v2.generator import BACKGROUNDS
from datamodules.open_v2.source import PhotoSource
from datamodules.open_v2.split import PhotoSplit
from datamodules.synthetic.cache import Record, ensure, write_records
from datamodules.synthetic.checksums import checksums

SAMPLES, SIZE = 600, 256
_QUALITY, _LOSSLESS = 88, 101  # of WebP
_SURFACE = 128  # pixels a side of the IUV maps
_STEP = 4  # to which their coordinates are rounded


def ship(bundle: Path, folder: Path, samples: int = SAMPLES, size: int = SIZE) -> None:
    """Render the test split, take a picture of each sample, and put them with labels and checksums into a folder.

    Args:
        bundle: what `bundle.make_bundle` made.
        folder: replaced when all is done.
        samples: 600 is the benchmark.
        size: side of the pictures, pixels.
    """
    split = PhotoSplit("test", samples, size, 0, bundle)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        source = PhotoSource(ensure(split, Path(scratch)), "test", bundle / BACKGROUNDS)
        partial = Path(scratch) / "finished"
        partial.mkdir()
        write_records(_finished(source), partial)
        facts = split.facts() | {"files": checksums(partial)}
        (partial / "facts.json").write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)


def _finished(source: PhotoSource) -> Iterator[Record]:
    for index in range(len(source)):
        bgr = np.ascontiguousarray(source.image(index)[..., ::-1])
        image = bytes(cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1])
        whole = source.surface(index)
        side = min(_SURFACE, len(whole))
        small = cv2.resize(whole, (side, side), interpolation=cv2.INTER_NEAREST)
        small[..., 1:] = np.minimum(np.rint(small[..., 1:] / _STEP) * _STEP, 255)
        surface = bytes(cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS])[1])
        yield image, surface, source.labels(index)


if __name__ == "__main__":
    ship(Path(sys.argv[1]), Path(sys.argv[2]))
