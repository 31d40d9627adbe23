"""Classes of attacks: each yields labels and calls of the public reader that is attacked."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from body.safe_pickle import UnreadablePickle
from zoo.checkpoints.archives import unpack
from zoo.checkpoints.files import parse_metadata, read_safetensors
from zoo.checkpoints.lightning_files import check_checkpoint
from zoo.errors import ZooError
from zoo.prediction.images import read_image
from zoo.prediction.inputs import check_boxes, resolve_intrinsics
from zoo.results.files import MEASURED, read_result

Attack = Iterator[tuple[str, Callable[[], object]]]
REFUSALS = (ZooError, UnreadablePickle)
WEIGHTS = Path(__file__).parents[2] / "zoo/checkpoints/weights/nbf.open_tiny.safetensors"
_NUMBERS = [0.0, -1.0, 1e-38, 1e38, 1e308, float("nan"), float("inf"), -float("inf"), 0.5, 100.0, 2.0**31]


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


def _file(folder: Path, name: str, content: bytes, read: Callable[[Path], object]) -> object:
    (folder / name).write_bytes(content)
    return read(folder / name)


def pictures(count: int, folder: Path) -> Attack:
    """Mutated image files of five formats."""
    picture = Image.effect_noise((64, 48), 40).convert("RGB")
    for form in ("JPEG", "PNG", "TIFF", "WEBP", "GIF"):
        stream = io.BytesIO()
        picture.save(stream, form)
        for label, data in mutations(stream.getvalue(), count // 5, seed=len(form)):
            yield f"{form}, {label}", partial(_file, folder, "a.jpg", data, read_image)


def weights(count: int, folder: Path) -> Attack:
    """Mutated safetensors: the header and its metadata."""

    def read(path: Path) -> object:
        return parse_metadata(read_safetensors(path)[1], path)

    for label, data in mutations(WEIGHTS.read_bytes(), count):
        yield label, partial(_file, folder, "a.safetensors", data, read)


def checkpoints(count: int, folder: Path) -> Attack:
    """Mutated checkpoints of Lightning, as `--ckpt_path` takes them before a run."""
    stream = io.BytesIO()
    torch.save({"state_dict": {"x": torch.zeros(1000)}}, stream)
    for label, data in mutations(stream.getvalue(), count):
        yield label, partial(_file, folder, "a.ckpt", data, check_checkpoint)


def results(count: int, folder: Path) -> Attack:
    """Mutated result files."""
    for label, data in mutations(next(MEASURED.glob("*.json")).read_bytes(), count):
        yield label, partial(_file, folder, "open-v1__a.json", data, read_result)
    for depth in (10, 1000, 100_000):
        yield f"nested {depth}", partial(_file, folder, "open-v1__a.json", b"[" * depth, read_result)


def archives(count: int, folder: Path) -> Attack:
    """Mutated zip archives."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "text" * 100)
        archive.writestr("c.txt", "more")
    for label, data in mutations(stream.getvalue(), count):
        yield label, partial(_file, folder, "a.zip", data, lambda path: unpack(path, folder / "unpacked"))


def numbers(count: int, folder: Path) -> Attack:
    """Boxes and camera matrices of strange numbers; what is taken must be finite."""
    rng, pixels = random.Random(0), np.zeros((64, 64, 3), np.uint8)

    def finite(values: object) -> None:
        if not np.isfinite(np.asarray(values)).all():
            raise AssertionError("not finite")

    for _ in range(count // 2):
        box = rng.choices(_NUMBERS, k=4)
        yield f"box {box}", lambda box=box: finite(check_boxes([box], 64, 64))
        matrix = np.array(rng.choices(_NUMBERS, k=9)).reshape(3, 3)
        yield f"matrix {json.dumps(matrix.tolist())}", lambda m=matrix: finite(resolve_intrinsics(m, pixels))


CLASSES = {
    "pictures": pictures,
    "weights": weights,
    "checkpoints": checkpoints,
    "results": results,
    "archives": archives,
    "numbers": numbers,
}
