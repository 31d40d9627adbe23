"""The checks of `zoo doctor`, one function each."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from zoo.checkpoints.listing import read_checkpoints
from zoo.documents.resources import cache_folder
from zoo.environment.assets import BODY_ASSETS, Asset
from zoo.environment.benchmark_assets import benchmark_assets
from zoo.errors import ZooError

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "timm", "smplx", "numpy", "embreex", "trimesh")


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: of the package, device, file or folder.
        state: `ok`, `missing` (optional, something is not possible without it) or `broken`.
        detail: version or path, or what is wrong and how to fix it.
        unlocks: what it is needed for.
    """

    name: str
    state: str
    detail: str
    unlocks: str = ""


def check_packages() -> Iterator[Check]:
    """Versions of Python and of the main packages."""
    yield Check("python", "ok", platform.python_version())
    for name in PACKAGES:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "broken", "not installed; reinstall human-mesh-zoo")


def check_accelerator() -> Iterator[Check]:
    """CUDA, and which reduced precisions the processor can train in."""
    import torch

    if not torch.cuda.is_available():
        yield Check("cuda", "missing", "no CUDA device; the CPU does everything, slowly", "quick training")
        yield Check("precision", "ok", "32-true, bf16-mixed (CPU)")
        return
    bf16 = ", bf16-mixed" if torch.cuda.is_bf16_supported() else ""
    yield Check("cuda", "ok", f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}")
    yield Check("precision", "ok", f"32-true, 16-mixed{bf16}")


def check_renderer() -> Iterator[Check]:
    """One ray against one triangle."""
    import numpy as np

    try:
        from body.raycast import RayScene

        triangle = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2]], np.float32), np.array([[0, 1, 2]])
        hit = RayScene([triangle]).cast(np.zeros((1, 3), np.float32), np.array([[0, 0, 1]], np.float32))
        correct = abs(float(hit.distance[0]) - 2) < 1e-5
    except ImportError as error:
        yield Check("ray casting", "broken", f"embreex cannot be imported ({error}); reinstall embreex")
        return
    yield (
        Check("ray casting", "ok", "embree") if correct else Check("ray casting", "broken", "embree missed a test ray")
    )


def check_weights() -> Iterator[Check]:
    """SHA-256 of all bundled and converted weights."""
    from zoo.checkpoints.files import resolve_weights
    from zoo.checkpoints.store import find_converted

    for entry in read_checkpoints().values():
        try:
            if entry.availability == "bundled":
                yield Check(entry.name, "ok", str(resolve_weights(entry)))
            elif entry.availability == "official" and (path := find_converted(entry)) is not None:
                yield Check(entry.name, "ok", str(path))
        except ZooError as error:
            yield Check(entry.name, "broken", str(error))


def check_body_models() -> Iterator[Check]:
    """The packaged body model, and the licensed ones."""
    from body.load import load_body

    yield Check("open body", "ok", f"{load_body('open').num_vertices} vertices, packaged", "everything open")
    yield from map(_check_asset, BODY_ASSETS)


def check_benchmarks() -> Iterator[Check]:
    """The open benchmark, and folders of the licensed ones."""
    yield Check("open-v1", "ok", "rendered when first used", "training and tests of the open models")
    yield from map(_check_asset, benchmark_assets())


def _check_asset(asset: Asset) -> Check:
    state, result = asset.check()
    detail = result if state == "ok" else "; ".join(part for part in (result, asset.instructions()) if part)
    return Check(asset.name, state, detail, asset.unlocks)


def check_cache() -> Iterator[Check]:
    """Whether the cache folder is writable."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            yield Check("cache", "ok", str(folder))
    except OSError as error:
        yield Check("cache", "broken", f"{folder} is not writable ({error.strerror}); set ZOO_CACHE to one that is")


GROUPS: dict[str, tuple[Callable[[], Iterator[Check]], ...]] = {
    "environment": (check_packages, check_accelerator, check_renderer, check_cache),
    "weights": (check_weights,),
    "body models": (check_body_models,),
    "benchmarks": (check_benchmarks,),
}
"""The checks by heading of the report."""


def run_checks() -> dict[str, list[Check]]:
    """Every check by heading, in order."""
    return {group: [line for check in checks for line in check()] for group, checks in GROUPS.items()}
