"""The licensed benchmarks as folders of `$ZOO_ASSETS/benchmarks`, each in its authors' own layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from body.assets import find_asset
from zoo.environment.assets import Asset


def benchmark_assets() -> tuple[Asset, ...]:
    """Every benchmark that a datamodule reads, and the labels that go with one. Imports the datamodules."""
    from datamodules import BENCHMARKS, get_benchmark
    from datamodules.lsp.upi_s1h import HOW_TO_GET

    kinds = {name: get_benchmark(name) for name in BENCHMARKS}
    rows = [_asset(name, _purpose(kind.protocols), kind.how_to_get, _whole(name)) for name, kind in kinds.items()]
    return (*rows, _asset("upi_s1h", "the parts of the protocol lsp-upi-parts", HOW_TO_GET, _filled))


def _asset(name: str, unlocks: str, get: str, check: Callable[[Path], str]) -> Asset:
    folder = f"benchmarks/{name}"
    return Asset(name, folder, ("its files",), unlocks, get, check, lambda: find_asset(folder))


def _purpose(protocols: tuple[str, ...]) -> str:
    if not protocols:
        return "training"
    families = dict.fromkeys(f"{protocol.partition('-')[0]}-*" for protocol in protocols)
    names = list(families) if len(protocols) > 2 else protocols
    return f"the protocol{'s' if len(protocols) > 1 else ''} {', '.join(names)}"


def _filled(path: Path) -> str:
    if next(path.iterdir(), None) is None:
        raise ValueError(f"{path} is empty")
    return "there"


def _whole(name: str) -> Callable[[Path], str]:
    """Reading all labels takes too long here."""

    def check(path: Path) -> str:
        _filled(path)
        return f"whole? zoo data check {name}"

    return check
