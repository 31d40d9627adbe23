"""Trains a backbone on renderings made meanwhile, then methods that start from it, all within given seconds.

On a GPU with many cores:
    python -m benchmarks.gpu_training --bundle BUNDLE --weights tf_efficientnet_lite0.safetensors --out OUT \
        --deadline 570 --seconds 280 --method i2l_meshnet/open:50:256 --method hemlets/open:40:256
On two cores, for hours, and again after an interruption: the same with `--device cpu --batch 32 --resume`.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_stages import Stage, method_stage, people_stage, run_stage
from datamodules.open_v2.feed import Feed
from datamodules.open_v2.feed_background import Backgrounds, bundle_backgrounds, plain_backgrounds
from datamodules.open_v2.feed_buffer import ReplayBuffer
from datamodules.open_v2.feed_stand_in import StandIn
from datamodules.open_v2.feed_workers import Maker, RenderWorkers, Work


def main() -> None:
    """Train what the command line says; `OUT/log.json` tells how it went."""
    options = _options()
    started = time.monotonic()
    device = torch.device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    buffers = _buffers(options, device)
    log: dict[str, Any] = {"options": {k: str(v) for k, v in vars(options).items()}, "stages": []}
    work = [
        Work("val", len(buffers["val"]), options.held_out),
        Work("train", buffers["train"].added),
    ]
    make = functools.partial(_generator, options.bundle, options.picture)
    with RenderWorkers(make, work, options.picture, options.workers) as workers:
        feed = Feed(workers, buffers)
        bundle = options.bundle
        bank = plain_backgrounds() if bundle is None else bundle_backgrounds(bundle, options.backgrounds)
        backgrounds = Backgrounds(bank, device)
        stages = _stages(options)
        feed.fill("train", options.first, seconds=300)
        _say(started, f"{len(buffers['train'])} samples to begin with")
        for number, stage in enumerate(stages):
            left = options.deadline - (time.monotonic() - started)
            asked = sum(later.seconds for later in stages[number:])
            seconds = min(stage.seconds, stage.seconds * left / asked)
            _say(started, f"{stage.name}: {seconds:.0f} s")
            try:
                report = run_stage(stage, seconds, feed, buffers, backgrounds, device, options.out, options.resume)
            except Exception as error:  # one method's failure must not cost the others their training
                report = {"name": stage.name, "error": f"{type(error).__name__}: {error}"}
            log["stages"].append(report | {"rendered": buffers["train"].added, "at": time.monotonic() - started})
            _say(started, json.dumps(log["stages"][-1]))
            (options.out / "log.json").write_text(json.dumps(log, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = os.cpu_count() or 1
    gpu = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--out", type=Path, default=Path("outputs/people"), help="where everything is written")
    parser.add_argument("--bundle", type=Path, help="assets of open-v2; open-v1's pictures when omitted")
    parser.add_argument("--backgrounds", type=int, default=1500, help="views drawn from the bundle's pictures")
    parser.add_argument("--device", default=gpu)
    parser.add_argument("--workers", type=int, default=max(1, cores - 1), help="processes that render")
    parser.add_argument("--picture", type=int, default=256, help="side of the renderings, pixels")
    parser.add_argument("--capacity", type=int, default=100_000, help="samples that are kept; 0.46 MB each")
    parser.add_argument("--keep", action="store_true", help="keep the samples in OUT on disk (CPU only)")
    parser.add_argument("--held-out", type=int, default=384, help="samples to evaluate on")
    parser.add_argument("--first", type=int, default=1500, help="samples to wait for before the first step")
    parser.add_argument("--deadline", type=float, default=1e9, help="seconds for everything; stages are cut to fit")
    parser.add_argument("--seconds", type=float, default=280, help="for the backbone; 0 leaves it out")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--weights", type=Path, help="ImageNet weights of the backbone (safetensors)")
    parser.add_argument("--crop", type=int, default=192)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--trunk", type=Path, help="also write the trained backbone there (safetensors)")
    parser.add_argument("--method", action="append", default=[], metavar="CONFIG:SECONDS[:BATCH[:LR]]")
    parser.add_argument("--compile", action="store_true", help="compile the backbone's training (a minute)")
    parser.add_argument("--resume", action="store_true", help="go on with what is in OUT")
    return parser.parse_args()


def _stages(options: argparse.Namespace) -> list[Stage]:
    stages = [method_stage(text) for text in options.method]
    if options.seconds:
        stages.insert(0, people_stage(options))
    return stages


def _generator(bundle: Path | None, size: int) -> Maker:
    if bundle is None:
        return StandIn(size)
    from datamodules.open_v2.generator import Generator

    return Generator.from_bundle(bundle, size)


def _buffers(options: argparse.Namespace, device: torch.device) -> dict[str, ReplayBuffer]:
    def of(split: str, samples: int) -> ReplayBuffer:
        file = options.out / f"{split}.samples" if options.keep else None
        return ReplayBuffer(samples, options.picture, device, file)

    return {"train": of("train", options.capacity), "val": of("val", options.held_out)}


def _say(started: float, text: str) -> None:
    print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
