"""Writing of shards: a split of any benchmark as tar files and an index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from body.atomic import atomic_file
from body.extras import import_extra
from datamodules.sample import RawSample
from datamodules.shards.index import INDEX, Index, Shard
from datamodules.shards.record import encode_sample


def write_shards(samples: Iterable[RawSample], folder: Path, size: int = 1000, quality: int = 95) -> Index:
    """Write `000000.tar`, `000001.tar`, ..., then `shards.json`, without which nothing is read.

    Args:
        samples: in the order in which they are to lie; shuffle them if neighbours are alike, as frames of a video.
        folder: an empty one, or one that is not there.
        size: samples a shard. A training needs a shard for every loading process at least; many more mix better.
        quality: of the JPEGs.

    Raises:
        ValueError: something is in the folder, there are no samples, or the size is not positive.
        OSError: the folder cannot be written.
    """
    if size < 1:
        raise ValueError(f"a shard has 1 sample at least, not {size}")
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; shards need a folder of their own")
    folder.mkdir(parents=True, exist_ok=True)
    writer, shards, group = import_extra("webdataset", "shards").TarWriter, list[Shard](), list[RawSample]()

    def flush() -> None:
        name = f"{len(shards):06d}.tar"
        with atomic_file(folder / name) as partial:
            with partial.open("wb") as stream, writer(stream, encoder=False) as tar:
                for position, sample in enumerate(group):
                    tar.write({"__key__": f"{position:06d}", **encode_sample(sample, quality)})
            digest = hashlib.sha256(partial.read_bytes()).hexdigest()
        shards.append(Shard(name, len(group), digest))
        group.clear()

    for sample in samples:
        group.append(sample)
        if len(group) == size:
            flush()
    if group:
        flush()
    if not shards:
        raise ValueError("there are no samples to write")
    index = Index(tuple(shards))
    with atomic_file(folder / INDEX) as partial:
        partial.write_text(json.dumps(index.as_json(), indent=1))
    return index
