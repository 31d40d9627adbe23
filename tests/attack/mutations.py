"""Damaged copies of a file."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

WEIGHTS = Path(__file__).parents[2] / "zoo/checkpoints/weights/nbf.open_tiny.safetensors"
Attack = Iterator[tuple[str, Callable[[], object]]]
"""What is tried: a label, and a call of the reader that is attacked."""


def mutations(data: bytes, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """A file with flipped bits, cut, with bytes repeated, overwritten or inserted."""
    rng = random.Random(seed)
    for _ in range(count):
        kind, place = rng.choice(("flip", "cut", "repeat", "overwrite", "insert")), rng.randrange(min(len(data), 4096))
        if kind == "cut":
            place = rng.randrange(len(data))
        end = min(len(data), place + rng.randrange(1, 64))
        changed = {
            "flip": lambda p=place: data[:p] + bytes([data[p] ^ (1 << rng.randrange(8))]) + data[p + 1 :],
            "cut": lambda p=place: data[:p],
            "repeat": lambda p=place, e=end: data[:e] + data[p:],
            "overwrite": lambda p=place, e=end: data[:p] + rng.randbytes(e - p) + data[e:],
            "insert": lambda p=place: data[:p] + rng.randbytes(8) + data[p:],
        }[kind]()
        yield f"{kind} at {place}", changed


def read_as(folder: Path, name: str, content: bytes, read: Callable[[Path], object]) -> object:
    """What a reader makes of a content in a file of some name."""
    (folder / name).write_bytes(content)
    return read(folder / name)
