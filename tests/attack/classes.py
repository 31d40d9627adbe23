"""Classes of attacks: each yields labels and calls of the public reader that is attacked."""

import io
import json
import random
import shutil
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from body.safe_pickle import UnreadablePickle
from body.smpl_files import read_smpl_file
from tests.attack.benchmarks import benchmarks
from tests.attack.caches import caches
from tests.attack.mutations import WEIGHTS, Attack, mutations, read_as
from tests.attack.texts import configurations, pages
from tests.body.pickle_fuzz import mutated, valid
from tests.distributed_files import write_body
from zoo.checkpoints.archives import unpack
from zoo.checkpoints.convert import read_official
from zoo.checkpoints.files import parse_metadata, read_safetensors
from zoo.checkpoints.lightning_files import check_checkpoint, read_lightning_checkpoint
from zoo.errors import ZooError
from zoo.prediction.images import read_image
from zoo.prediction.inputs import check_boxes, resolve_intrinsics
from zoo.results.files import MEASURED, read_result

REFUSALS = (ZooError, UnreadablePickle)
"""What users are meant to read."""
_NUMBERS = [0.0, -1.0, 1e-38, 1e38, 1e308, float("nan"), float("inf"), -float("inf"), 0.5, 100.0, 2.0**31]


def pictures(count: int, folder: Path) -> Attack:
    """Mutated image files of five formats."""
    picture = Image.effect_noise((64, 48), 40).convert("RGB")
    for form in ("JPEG", "PNG", "TIFF", "WEBP", "GIF"):
        stream = io.BytesIO()
        picture.save(stream, form)
        for label, data in mutations(stream.getvalue(), count // 5, seed=len(form)):
            yield f"{form}, {label}", partial(read_as, folder, "a.jpg", data, read_image)


def weights(count: int, folder: Path) -> Attack:
    """Mutated safetensors: the header and its metadata."""

    def read(path: Path) -> object:
        return parse_metadata(read_safetensors(path)[1], path)

    for label, data in mutations(WEIGHTS.read_bytes(), count):
        yield label, partial(read_as, folder, "a.safetensors", data, read)


def checkpoints(count: int, folder: Path) -> Attack:
    """Mutated checkpoints of Lightning: what a run takes, what `zoo.load` and what `zoo convert` make of them."""
    readers = {"run": check_checkpoint, "load": read_lightning_checkpoint, "convert": read_official}
    for zipped in (True, False):
        stream = io.BytesIO()
        content = {"state_dict": {"x": torch.zeros(1000)}, "hyper_parameters": {"lr": 1e-3}}
        torch.save(content, stream, _use_new_zipfile_serialization=zipped)
        for number, (label, data) in enumerate(mutations(stream.getvalue(), count // 2)):
            name, read = list(readers.items())[number % len(readers)]
            yield f"{name}, {label}", partial(read_as, folder, "a.ckpt", data, read)


def pickles(count: int, folder: Path) -> Attack:
    """Mutated body models: as distributed, with chumpy's classes, and saved again by protocols 0 to 5."""
    rng = random.Random(0)
    with pytest.MonkeyPatch.context() as patch:
        write_body(folder / "model.pkl", patch, 3, 10)
    contents = [(folder / "model.pkl").read_bytes(), *valid()]
    for number in range(count):
        data = mutated(contents[number % len(contents)], rng.choice(contents), rng)
        yield f"number {number}", partial(read_as, folder, "a.pkl", data, _read_body)


def _read_body(path: Path) -> None:
    try:
        read_smpl_file(path)
    except ValueError as error:  # as documented, for what is a pickle but no model
        raise UnreadablePickle(str(error)) from None


def results(count: int, folder: Path) -> Attack:
    """Mutated result files."""
    for label, data in mutations(next(MEASURED.glob("*.json")).read_bytes(), count):
        yield label, partial(read_as, folder, "open-v1__a.json", data, read_result)
    for depth in (10, 1000, 100_000):
        yield f"nested {depth}", partial(read_as, folder, "open-v1__a.json", b"[" * depth, read_result)


def archives(count: int, folder: Path) -> Attack:
    """Mutated zip archives: nothing is left of one that is refused."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "text" * 100)
        archive.writestr("c.txt", "more")

    def unpacked(path: Path) -> None:
        target = folder / "archives" / "unpacked"
        shutil.rmtree(target.parent, ignore_errors=True)
        try:
            unpack(path, target)
        except ZooError:
            if target.parent.exists() and any(target.parent.iterdir()):
                raise AssertionError("a part was left") from None
            raise

    for label, data in mutations(stream.getvalue(), count):
        yield label, partial(read_as, folder, "a.zip", data, unpacked)


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
    "pickles": pickles,
    "results": results,
    "archives": archives,
    "numbers": numbers,
    "caches": caches,
    "benchmarks": benchmarks,
    "pages": pages,
    "configurations": configurations,
}
NEVER_REFUSED = ("caches", "pages")
"""A damaged cache is made anew, and every name is shown."""
