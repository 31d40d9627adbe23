"""The licensed benchmarks as folders of `$ZOO_ASSETS/benchmarks`, in the layout of their authors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from body.assets import find_asset
from zoo.environment.assets import Asset


def benchmark_assets() -> tuple[Asset, ...]:
    """All benchmarks that a datamodule reads, and UPi-S1h. Imports the datamodules."""
    from datamodules import BENCHMARKS, get_benchmark
    from datamodules.lsp.upi_s1h import HOW_TO_GET

    rows = []
    for name in BENCHMARKS:
        try:
            kind = get_benchmark(name)
            unlocks, get = _describe_purpose(kind.protocols), kind.how_to_get
        except ValueError as error:  # of an installed package
            unlocks, get = "nothing yet", str(error)
        rows.append(_benchmark_asset(name, unlocks, get, _suggest_data_check(name)))
    return (
        *rows,
        _benchmark_asset("upi_s1h", "the parts of the protocol lsp-upi-parts", HOW_TO_GET, _verify_not_empty),
    )


def _benchmark_asset(name: str, unlocks: str, get: str, check: Callable[[Path], str]) -> Asset:
    folder = f"benchmarks/{name}"
    return Asset(name, folder, ("its files",), unlocks, get, check, lambda: find_asset(folder))


def _describe_purpose(protocols: tuple[str, ...]) -> str:
    if not protocols:
        return "training"
    families = dict.fromkeys(f"{protocol.partition('-')[0]}-*" for protocol in protocols)
    names = list(families) if len(protocols) > 2 else protocols
    return f"the protocol{'s' if len(protocols) > 1 else ''} {', '.join(names)}"


def _verify_not_empty(path: Path) -> str:
    if next(path.iterdir(), None) is None:
        raise ValueError(f"{path} is empty")
    return "present"


def _suggest_data_check(name: str) -> Callable[[Path], str]:
    """Checks that there are files; reading all labels would take too long."""

    def check(path: Path) -> str:
        _verify_not_empty(path)
        return f"to verify: zoo data check {name}"

    return check
