"""Attacks on the annotations of benchmarks: what is read is finite, or the file is named."""

import json
import pickle
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fake import coco, lsp, pw3d

from datamodules.coco import CocoDataModule
from datamodules.files import DamagedData, FileDataModule
from datamodules.images import UnreadableImageError
from datamodules.lsp import LspDataModule
from datamodules.pw3d import Pw3dDataModule
from datamodules.settings import CropSettings
from tests.attack.mutations import Attack, mutations
from zoo.errors import ZooError

_VALUES = [float("nan"), float("inf"), 1e111, -1e38, None, "text", [], {}, -1, 2**70, True, [[1]], ""]


def _written(folder: Path) -> Iterator[tuple[str, list[Path], Callable[[], FileDataModule], str]]:
    """Benchmarks: name, the files of its labels, its datamodule, a split."""
    crops = CropSettings(size=64)
    for name in ("coco", "3dpw", "3dpw of spin", "lsp"):
        (folder / name).mkdir(parents=True)
    coco.write(folder / "coco")
    truth = pw3d.write(folder / "3dpw", body="open")
    pw3d.write(folder / "3dpw of spin", body="open")
    pw3d.to_spin(folder / "3dpw of spin", truth["test"])
    lsp.write_lsp(folder / "lsp")
    options: dict[str, Any] = {"crops": crops, "num_workers": 0}
    neutral = {**options, "protocol": "3dpw-test-14j-neutral"}
    yield (
        "coco",
        sorted((folder / "coco/annotations").glob("*train20*.json")),
        lambda: CocoDataModule(str(folder / "coco"), **options),
        "train",
    )
    yield (
        "3dpw",
        sorted((folder / "3dpw").rglob("test/*.pkl")),
        lambda: Pw3dDataModule(str(folder / "3dpw"), **neutral),
        "test",
    )
    yield (
        "3dpw of spin",
        [folder / "3dpw of spin/3dpw_test.npz"],
        lambda: Pw3dDataModule(str(folder / "3dpw of spin"), layout="spin", **neutral),
        "test",
    )
    yield (
        "lsp",
        sorted((folder / "lsp").rglob("joints.mat")),
        lambda: LspDataModule(str(folder / "lsp"), **options),
        "test",
    )


def _replaced(tree: Any, rng: random.Random) -> Any:
    """A copy of nested values with one of them replaced."""
    if isinstance(tree, dict) and tree and rng.random() < 0.95:
        key = rng.choice(list(tree))
        return {**tree, key: _replaced(tree[key], rng)}
    if isinstance(tree, list) and tree and rng.random() < 0.95:
        place = rng.randrange(len(tree))
        return [*tree[:place], _replaced(tree[place], rng), *tree[place + 1 :]]
    if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" and tree.size and rng.random() < 0.8:
        changed = tree.copy()
        changed.flat[rng.randrange(tree.size)] = rng.choice(_VALUES[:4])
        return changed
    return rng.choice(_VALUES)


def _changed(path: Path, content: bytes, number: int) -> tuple[str, bytes]:
    """Damaged bytes, or for every other one a damaged value in a whole file."""
    rng = random.Random(number)
    if path.suffix == ".json" and number % 2:
        return "value", json.dumps(_replaced(json.loads(content), rng)).encode()
    if path.suffix == ".pkl" and number % 2:
        return "value", pickle.dumps(_replaced(pickle.loads(content, encoding="latin1"), rng), protocol=2)
    return next(mutations(content, 1, seed=number))


def _read(make: Callable[[], FileDataModule], split: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = make().dataset(split)
            samples = [dataset[index] for index in range(min(4, len(dataset)))]
    except (DamagedData, FileNotFoundError, UnreadableImageError) as error:  # what `zoo fit` says in one line
        raise ZooError(str(error)) from None
    for key, value in ((key, value) for sample in samples for key, value in sample.items()):
        numbers = torch.as_tensor(value) if isinstance(value, np.ndarray | torch.Tensor | float) else None
        if numbers is not None and numbers.is_floating_point() and not bool((numbers.abs() < 1e7).all()):
            raise AssertionError(f"{key} holds {numbers.abs().max():g}")


def benchmarks(count: int, folder: Path) -> Attack:
    """Mutated labels of COCO, 3DPW (two layouts) and LSP."""
    written = list(_written(folder / "benchmarks"))
    for number in range(count):
        name, files, make, split = written[number % len(written)]
        path = files[number // len(written) % len(files)]
        content = path.read_bytes()
        label, changed = _changed(path, content, number)

        def attempt(path=path, content=content, changed=changed, make=make, split=split) -> None:
            path.write_bytes(changed)
            try:
                _read(make, split)
            finally:
                path.write_bytes(content)

        yield f"{name}, {path.name}, {label}", attempt
