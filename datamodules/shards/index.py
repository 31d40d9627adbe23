"""What shards there are, and which of them a loading process reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from body.extras import import_extra

INDEX = "shards.json"
_NAME = re.compile(r"[\w-][\w.-]*\.tar")
_LARGEST = 64 * 2**20


@dataclass(frozen=True)
class Shard:
    """A tar file.

    Attributes:
        name: of the file.
        samples: how many it holds.
        sha256: of the file.
    """

    name: str
    samples: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """The shards of a training set, in the order in which they were written."""

    shards: tuple[Shard, ...]

    @property
    def samples(self) -> int:
        """Of all shards."""
        return sum(shard.samples for shard in self.shards)

    def as_json(self) -> dict[str, Any]:
        """For `shards.json`."""
        return {"format": 1, "samples": self.samples, "shards": [asdict(shard) for shard in self.shards]}

    def assigned(self, seed: int, epoch: int, parts: int) -> list[list[Shard]]:
        """Shards of each of some loading processes: all of them once, in another order in every epoch.

        Raises:
            ValueError: there are fewer shards than processes.
        """
        if parts > len(self.shards):
            raise ValueError(
                f"{len(self.shards)} shards for {parts} loading processes, of which each needs one; set fewer "
                "num_workers, or write smaller shards"
            )
        order = np.random.default_rng((seed, epoch)).permutation(len(self.shards))
        return [[self.shards[number] for number in order[part::parts]] for part in range(parts)]

    def batches(self, seed: int, epoch: int, processes: int, workers: int, batch_size: int) -> int:
        """Whole batches that every process can give in an epoch; each of its workers fills its own."""
        full = [
            sum(shard.samples for shard in part) // batch_size
            for part in self.assigned(seed, epoch, processes * workers)
        ]
        return min(sum(full[rank * workers : (rank + 1) * workers]) for rank in range(processes))


def read_index(root: str) -> Index:
    """The index of a folder or of an https address.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or names files outside of the folder.
    """
    place = place_of(root, INDEX)
    try:
        with import_extra("webdataset", "shards").gopen(place) as stream:
            text = stream.read(_LARGEST)
        rows = json.loads(text)["shards"]
        shards = tuple(Shard(str(row["name"]), int(row["samples"]), str(row["sha256"])) for row in rows)
    except OSError:
        raise FileNotFoundError(f"{place} cannot be read; `zoo data shard` writes it with the shards") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{place} is damaged ({error}); write the shards again") from None
    _check(shards, place)
    return Index(shards)


def place_of(root: str, name: str) -> str:
    """Where a file of the shards lies.

    Raises:
        ValueError: the root is neither a folder nor an https address.
    """
    if root.startswith("https://"):
        return f"{root.rstrip('/')}/{name}"
    if re.match(r"\w+:(?!\\)", root):  # webdataset would run pipe: as a command
        raise ValueError(f"shards lie in a folder or at an https:// address, not at {root!r}")
    return str(Path(root).expanduser() / name)


def _check(shards: Sequence[Shard], place: str) -> None:
    wrong = [shard.name for shard in shards if not _NAME.fullmatch(shard.name) or shard.samples < 1]
    if wrong or not shards or len({shard.name for shard in shards}) < len(shards):
        raise ValueError(f"{place} lists {wrong[0] if wrong else 'no or equal shards'!r}; write the shards again")
