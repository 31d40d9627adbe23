"""Trains a backbone on renderings made meanwhile, then methods that start from it, all within given seconds.

On a GPU with many cores:
    python -m benchmarks.gpu_training --bundle BUNDLE --weights tf_efficientnet_lite0.safetensors --out OUT \
        --deadline 570 --seconds 280 --method i2l_meshnet/open:50:256 --method hemlets/open:40:256
On two cores, for hours, and again after an interruption: the same with `--device cpu --batch 32 --keep --resume`.
"""

# every process that renders imports this file: what only the training needs is imported in `main`

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from datamodules.open_v2.feed.record import row_type
from datamodules.open_v2.feed.workers import Maker, RenderWorkers, Work

if TYPE_CHECKING:
    from benchmarks.gpu_stages import Stage
    from datamodules.open_v2.feed.buffer import ReplayBuffer

_BUFFER_SHARE = 0.45
"""Of a GPU's memory; the rest is for networks."""


def main() -> None:
    """Train what the command line says; `OUT/log.json` tells how it went."""
    started, options = time.monotonic(), _options()
    device = torch.device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    buffers = _buffers(options, device)
    work = [Work("val", len(buffers["val"]), options.held_out), Work("train", buffers["train"].added)]
    make = functools.partial(make_generator, options.bundle, options.picture)
    renders = RenderWorkers(make, work, options.picture, options.workers, tolerated=20) if options.workers else None
    with renders or contextlib.nullcontext() as workers:
        from benchmarks.cached_maps import CachedMaps
        from benchmarks.gpu_stages import Source, run_stage
        from datamodules.open_v2.feed.background import Backgrounds, bundle_backgrounds, plain_backgrounds
        from datamodules.open_v2.feed.feed import Feed

        stages = _stages(options)
        bank = plain_backgrounds() if options.bundle is None else bundle_backgrounds(options.bundle, options.views)
        maps = None if options.maps is None else CachedMaps(options.maps)
        source = Source(Feed(workers, buffers), maps, buffers, Backgrounds(bank, device), device)
        _say(started, f"{len(bank)} backgrounds; waiting for {options.first} samples")
        source.feed.fill("train", options.first, seconds=300.0)
        log: dict[str, Any] = {"options": {key: str(value) for key, value in vars(options).items()}, "stages": []}
        for number, stage in enumerate(stages):
            left = options.deadline - (time.monotonic() - started)
            seconds = min(stage.seconds, stage.seconds * left / sum(later.seconds for later in stages[number:]))
            _say(started, f"{stage.name}: {seconds:.0f} s, {buffers['train'].added} samples so far")
            try:
                report = run_stage(stage, seconds, source, options.out, options.runs or options.out, options.resume)
            except Exception as error:  # one method's failure must not cost the others their training
                report = {"name": stage.name, "error": f"{type(error).__name__}: {error}"}
            report |= {"rendered": buffers["train"].added, "at": round(time.monotonic() - started, 1)}
            log["stages"].append(report)
            _say(started, json.dumps({key: value for key, value in report.items() if key != "log"}))
            (options.out / "log.json").write_text(json.dumps(log, indent=1))


def make_generator(bundle: Path | None, size: int) -> Maker:
    """What a process renders with: `open-v2`, or `open-v1`'s pictures without a bundle."""
    if bundle is None:
        from datamodules.open_v2.feed.stand_in import StandIn

        return StandIn(size)
    from datamodules.open_v2.generator import Generator

    return Generator.from_bundle(bundle, size)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, cores = parser.add_argument, os.cpu_count() or 1
    add("--out", type=Path, default=Path("outputs/people"), help="where everything is written")
    add("--runs", type=Path, help="where checkpoints of unfinished trainings are written; OUT when omitted")
    add("--bundle", type=Path, help="assets of open-v2; open-v1's pictures when omitted")
    add("--views", type=int, default=1500, help="backgrounds drawn from the bundle's pictures")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--workers", type=int, default=max(1, cores - 1), help="processes that render; 0: what is kept in OUT")
    add("--picture", type=int, default=256, help="side of the renderings, pixels")
    add("--capacity", type=int, default=140_000, help="samples that are kept, 0.46 MB each; a GPU keeps what it can")
    add("--keep", action="store_true", help="keep the samples in OUT on disk (CPU only)")
    add("--held-out", type=int, default=384, help="samples to evaluate on")
    add("--first", type=int, default=1500, help="samples to wait for before the first step")
    add("--deadline", type=float, default=1e9, help="seconds for everything; stages are cut to fit")
    add("--seconds", type=float, default=280, help="for the backbone; 0 leaves it out")
    add("--backbone", default="tf_efficientnet_lite0")
    add("--weights", type=Path, help="what the backbone starts from (safetensors)")
    add("--channels", type=int, default=96, help="of the feature pyramid; 0 where the backbone has one")
    add("--freeze", action="append", default=[], metavar="PART", help="of the network, e.g. backbone.net.stem")
    add("--crop", type=int, default=192)
    add("--batch", type=int, default=512)
    add("--lr", type=float, default=2e-3)
    add("--trunk", type=Path, help="also write the trained backbone there (safetensors)")
    add("--method", action="append", default=[], metavar="CONFIG:SECONDS[:BATCH[:LR]]")
    add("--maps", type=Path, help="of benchmarks.cached_maps, for methods whose backbone is frozen")
    add("--compile", action="store_true", help="compile the backbone's training (a minute)")
    add("--resume", action="store_true", help="go on with what is in OUT")
    return parser.parse_args()


def _stages(options: argparse.Namespace) -> list[Stage]:
    from benchmarks.gpu_stages import method_stage, people_stage

    stages = [method_stage(text, options.out) for text in options.method]
    return [people_stage(options), *stages] if options.seconds else stages


def _buffers(options: argparse.Namespace, device: torch.device) -> dict[str, ReplayBuffer]:
    from datamodules.open_v2.feed.buffer import ReplayBuffer

    capacity = options.capacity
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        capacity = min(capacity, int(_BUFFER_SHARE * memory / row_type(options.picture).itemsize))

    def of(split: str, samples: int) -> ReplayBuffer:
        file = options.out / f"{split}.samples" if options.keep else None
        return ReplayBuffer(samples, options.picture, device, file)

    return {"train": of("train", capacity), "val": of("val", options.held_out)}


def _say(started: float, text: str) -> None:
    print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
