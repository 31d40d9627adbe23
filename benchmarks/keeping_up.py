"""Whether loading keeps up: samples a second of one worker, as METHOD/open reads them, against its training step.

    python -m benchmarks.keeping_up [METHOD ...]

A worker is one loading process, which has one core. It decodes, crops and augments samples of open-v1 from its cache,
of open-v2 (foreground and background put together anew) and of shards written from open-v1. The step is Lightning's, of
the released size, with what the configuration freezes, on one core. CPU time is counted, so that other work on the
machine matters little. A GPU that sustains T TFLOP/s takes at most 1000 T / GFLOP crops a second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_stages import Stage, method_stage
from datamodules.base import BaseDataModule
from datamodules.open_v2.bundle import make_bundle
from datamodules.open_v2.datamodule import OpenV2DataModule
from datamodules.settings import CropSettings
from datamodules.shards.datamodule import ShardDataModule
from datamodules.shards.write import write_shards
from datamodules.synthetic import SyntheticDataModule
from datamodules.synthetic.cache import cache_root
from metrics import get_protocol

CONFIGS = {
    "i2l_meshnet": "i2l_meshnet/open",
    "hemlets": "hemlets/open",
    "danet": "danet/open",
    "nbf": "nbf/open",
    "cascaded_lifting": "cascaded_lifting/open_cascade",
}
_PEOPLE, _BATCH = 48, 8
Data = dict[str, Callable[[CropSettings], BaseDataModule]]


class Clock(Callback):
    """CPU seconds of every step, and the arithmetic of the first."""

    def __init__(self) -> None:
        self.seconds, self.flops, self._counter = list[float](), 0, FlopCounterMode(display=False)

    def on_train_batch_start(self, *_: Any) -> None:
        """Start, in the first step with a count."""
        if not self.seconds:
            self._counter.__enter__()  # type: ignore[no-untyped-call]
        self._started = time.process_time()

    def on_train_batch_end(self, *_: Any) -> None:
        """Stop."""
        self.seconds.append(time.process_time() - self._started)
        if len(self.seconds) == 1:
            self._counter.__exit__(None, None, None)  # type: ignore[no-untyped-call]
            self.flops = self._counter.get_total_flops()


def step(stage: Stage, data: BaseDataModule, steps: int = 4) -> tuple[float, float]:
    """CPU seconds and GFLOP of a training step, for one crop."""
    model, clock = stage.module(), Clock()
    model.protocol = get_protocol(data.protocol)
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu", max_steps=steps, limit_val_batches=0, callbacks=[clock], default_root_dir=folder,
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model, data)
    return min(clock.seconds[1:]) / _BATCH, clock.flops / _BATCH / 1e9


def reading(data: BaseDataModule) -> float:
    """CPU seconds of one training sample, in the best batch of an epoch: other work disturbs."""
    data.setup("fit")
    batches, best = iter(data.train_dataloader()), float("inf")
    for _ in range(_PEOPLE // _BATCH):
        started = time.process_time()
        next(batches)
        best = min(best, time.process_time() - started)
    return best / _BATCH


@contextmanager
def sources(packed: Path | None) -> Iterator[Data]:
    """Training data by name, of few people; open-v2 only where its assets are, or a folder that they are packed in."""
    with tempfile.TemporaryDirectory() as name:
        folder, options = Path(name), dict[str, Any](batch_size=_BATCH, num_workers=0)
        small: dict[str, Any] = {"train_samples": _PEOPLE, "val_samples": 1, "cache_dir": name, "generator_workers": 1}

        def first(crops: CropSettings) -> BaseDataModule:
            return SyntheticDataModule(**small, test_samples=1, crops=crops, **options)

        people = first(CropSettings()).source("train")
        write_shards((people[index] for index in range(_PEOPLE)), folder / "shards", size=_PEOPLE)
        found: Data = {"open-v1": first}
        try:
            bundle = str(packed or make_bundle(cache_root(), folder / "bundle"))
        except (FileNotFoundError, ImportError) as error:
            print(f"open-v2 is left out: {error}")
        else:
            found["open-v2"] = lambda crops: OpenV2DataModule(**small, bundle=bundle, crops=crops, **options)
        found["shards"] = lambda crops: ShardDataModule(
            str(folder / "shards"), first(crops), buffer=_PEOPLE, crops=crops, **options
        )
        yield found


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", nargs="*", choices=[*CONFIGS, []], help="all when omitted")
    parser.add_argument("--bundle", type=Path, help="packed assets of open-v2; made in the cache when omitted")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with sources(options.bundle) as data:
        table = Table("training", "crop", "step, ms a crop", "GFLOP a crop", *(f"{name}, samples/s" for name in data))
        for method in options.method or CONFIGS:
            stage = method_stage(f"{CONFIGS[method]}:1:{_BATCH}", Path("outputs"))
            seconds, work = step(stage, data["open-v1"](stage.crops))
            rates = [f"{1 / reading(make(stage.crops)):.0f}" for make in data.values()]
            table.add_row(CONFIGS[method], str(stage.crops.size), f"{1000 * seconds:.0f}", f"{work:.1f}", *rates)
    Console(width=140).print(table)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
