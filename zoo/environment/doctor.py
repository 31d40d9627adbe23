"""The checks of `zoo doctor`, one function each."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from zoo.checkpoints.listing import read_checkpoints
from zoo.environment.assets import BODY_ASSETS, Asset
from zoo.environment.benchmark_assets import benchmark_assets
from zoo.errors import ZooError
from zoo.resources import cache_folder

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "timm", "smplx", "numpy", "embreex", "trimesh")


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: what was looked at.
        state: `ok`, `missing` (optional, something is not possible without it) or `broken`.
        detail: what was found, what is wrong, what to do.
        unlocks: what is possible with it.
    """

    name: str
    state: str
    detail: str
    unlocks: str = ""


def packages() -> Iterator[Check]:
    """Versions of Python and of the packages that matter."""
    yield Check("python", "ok", platform.python_version())
    for name in PACKAGES:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "broken", "not installed; reinstall human-mesh-zoo")


def accelerator() -> Iterator[Check]:
    """CUDA, and which reduced precisions the processor can train in."""
    import torch

    if not torch.cuda.is_available():
        yield Check("cuda", "missing", "no CUDA device; the CPU does everything, slowly", "quick training")
        yield Check("precision", "ok", "32-true, bf16-mixed (CPU)")
        return
    bf16 = ", bf16-mixed" if torch.cuda.is_bf16_supported() else ""
    yield Check("cuda", "ok", f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}")
    yield Check("precision", "ok", f"32-true, 16-mixed{bf16}")


def renderer() -> Iterator[Check]:
    """One ray against one triangle."""
    import numpy as np

    try:
        from body.raycast import RayScene

        triangle = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2]], np.float32), np.array([[0, 1, 2]])
        hit = RayScene([triangle]).cast(np.zeros((1, 3), np.float32), np.array([[0, 0, 1]], np.float32))
        met = abs(float(hit.distance[0]) - 2) < 1e-5
    except ImportError as error:
        yield Check("ray casting", "broken", f"embreex cannot be imported ({error}); reinstall embreex")
        return
    yield Check("ray casting", "ok", "embree") if met else Check("ray casting", "broken", "embree missed a test ray")


def weights() -> Iterator[Check]:
    """SHA-256 of everything that ships with the package or has been converted."""
    from zoo.checkpoints.files import checked_file
    from zoo.checkpoints.store import converted_file

    for entry in read_checkpoints().values():
        try:
            if entry.availability == "bundled":
                yield Check(entry.name, "ok", str(checked_file(entry)))
            elif entry.availability == "official" and (path := converted_file(entry)) is not None:
                yield Check(entry.name, "ok", str(path))
        except ZooError as error:
            yield Check(entry.name, "broken", str(error))


def bodies() -> Iterator[Check]:
    """Body models and what belongs to them: the packaged one, and the licensed ones that the user must fetch."""
    from body.load import load_body

    yield Check("open body", "ok", f"{load_body('open').num_vertices} vertices, packaged", "everything open")
    yield from map(_asset, BODY_ASSETS)


def benchmarks() -> Iterator[Check]:
    """Benchmarks' folders."""
    yield Check("open-v1", "ok", "rendered when first used", "training and tests of the open models")
    yield from map(_asset, benchmark_assets())


def _asset(asset: Asset) -> Check:
    state, found = asset.find()
    detail = found if state == "ok" else "; ".join(part for part in (found, asset.to_do()) if part)
    return Check(asset.name, state, detail, asset.unlocks)


def cache() -> Iterator[Check]:
    """Whether generated data can be kept."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            yield Check("cache", "ok", str(folder))
    except OSError as error:
        yield Check("cache", "broken", f"{folder} is not writable ({error.strerror}); set ZOO_CACHE to one that is")


GROUPS: dict[str, tuple[Callable[[], Iterator[Check]], ...]] = {
    "environment": (packages, accelerator, renderer, cache),
    "weights": (weights,),
    "body models": (bodies,),
    "benchmarks": (benchmarks,),
}
"""The checks, under the headings of the report."""


def examine() -> dict[str, list[Check]]:
    """Every check by heading, in order."""
    return {group: [line for check in checks for line in check()] for group, checks in GROUPS.items()}
