"""What a command needs that does not ship, and whether it is here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from datamodules import BENCHMARKS
from zoo.checkpoints.listing import get_checkpoint
from zoo.checkpoints.store import converted_path
from zoo.documents.configs import flatten, read_config
from zoo.documents.resources import find_config
from zoo.environment.assets import BODY_ASSETS, Asset
from zoo.reproduction.plan import Stage


@dataclass(frozen=True)
class Need:
    """Something that a command needs.

    Attributes:
        name: of the benchmark, body or file.
        here: whether it is on this machine; None if that cannot be told.
        how_to_get: in one line.
    """

    name: str
    here: bool | None
    how_to_get: str = ""


def needs_of(stages: Iterable[Stage]) -> list[Need]:
    """Everything that commands need, in the order of first use."""
    found: dict[str, Need] = {}
    for stage in stages:
        for need in _of_stage(stage):
            found.setdefault(need.name, need)
    return list(found.values())


def _of_stage(stage: Stage) -> Iterator[Need]:
    if not stage.config:  # zoo data fits BENCHMARK
        yield from map(_asset_need, (stage.arguments[2], "SMPL", "H36M regressor"))
        return
    tree = read_config(find_config(stage.config))
    data = tree["data"]
    if stage.arguments[0] == "test":  # of a mix, what is evaluated
        data = data.get("init_args", {}).get("evaluated", data)
    settings = {**flatten(tree["model"]["init_args"]), **_model_options(stage.options)}
    if "--weights" in stage.arguments:
        name = stage.arguments[stage.arguments.index("--weights") + 1]
        entry = get_checkpoint(name)
        source = entry.source.page if entry.source else ""
        yield Need(f"weights {name}", converted_path(entry).is_file(), f"zoo fetch {name} ({source})")
    protocol = str(settings.get("protocol"))
    for name in _assets(settings, protocol, set(_benchmarks(data))):
        yield _asset_need(name)
    if settings.get("pretrained") is True and stage.arguments[0] == "fit":
        yield Need("weights of ImageNet for the backbone", None, "downloaded when first used")
    for name in sorted(_detections(data)) if stage.arguments[0] == "test" else ():
        yield Need(f"RootNet's file {name}", None, "in the benchmark's folder: of 3DMPPE_ROOTNET_RELEASE's authors")
    for text in stage.needs:
        yield Need(text, None)


def _model_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("model."): value for name, value in options.items() if name.startswith("model.")}


def _benchmarks(data: Any) -> Iterator[str]:
    """Names of the benchmarks whose datamodules a configuration names, at any depth."""
    names = {path.rpartition(".")[2]: name for name, path in BENCHMARKS.items()}
    if isinstance(data, Mapping):
        name = names.get(str(data.get("class_path")).rpartition(".")[2])
        yield from [name] if name else []
    for child in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _benchmarks(child)


def _detections(data: Any) -> set[str]:
    """Result files of RootNet that a configuration names, at any depth."""
    if isinstance(data, Mapping):
        own = {str(data["detections"])} if data.get("detections") else set()
        return own.union(*map(_detections, data.values()))
    return set().union(*map(_detections, data)) if isinstance(data, list) else set()


def _assets(settings: Mapping[str, Any], protocol: str, benchmarks: set[str]) -> Iterator[str]:
    """Names of the licensed files that follow from a model's settings and its data."""
    yield from sorted(benchmarks)
    if settings.get("body") == "smpl":
        yield "SMPL"
    if settings.get("body") == "mano":
        yield "MANO"
    if benchmarks & {"3dpw", "surreal"}:
        yield from ("SMPL male", "SMPL female")
    if protocol.endswith(("-mesh", "-lixel", "-gendered", "-neutral")):
        yield "H36M regressor"
    if settings.get("start") == "spin" or settings.get("skeleton") == "spin24":
        yield "SPIN's extras"
    if settings.get("network.charts") == "densepose" or "densepose_coco" in benchmarks:
        yield "DensePose UV"
    if protocol == "lsp-upi-parts":
        yield "upi_s1h"


@cache
def _all_assets() -> dict[str, Asset]:
    from zoo.environment.benchmark_assets import benchmark_assets

    return {asset.name: asset for asset in (*BODY_ASSETS, *benchmark_assets())}


def _asset_need(name: str) -> Need:
    asset = _all_assets()[name]
    return Need(name, asset.check()[0] == "ok", asset.instructions())
