"""The stages of `benchmarks.gpu_training`: a LightningModule, its crops, its seconds."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.cli import instantiate_module
from safetensors.torch import save_file

from benchmarks.cached_maps import CachedMaps, MapBatches, read_from_maps
from body.camera import project
from datamodules.augment import Augmentation
from datamodules.batch import Batch
from datamodules.open_v2.feed.background import Backgrounds
from datamodules.open_v2.feed.batch import BatchMaker
from datamodules.open_v2.feed.buffer import ReplayBuffer
from datamodules.open_v2.feed.feed import Feed, plain_batches
from datamodules.settings import CropSettings
from lightning_modules.base import PoseModule
from lightning_modules.people.module import PeopleModule
from lightning_modules.people.timed import TimedTraining
from metrics import overall
from zoo.cli.links import linked_crops
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config

_PHASES = ("pose_steps", "estimator_steps", "true_parts_steps")
"""Settings of methods that count steps: what they are a share of is the configuration's `max_steps`."""
_EPOCH = 200
"""Steps of an epoch where a method counts epochs."""


@dataclass(frozen=True)
class Stage:
    """One training.

    Attributes:
        name: of its files.
        seconds: asked for.
        module: makes what is trained.
        crops: what it reads.
        batch: crops per step.
        lr_factor: times the module's own learning rate.
        phases: see `TimedTraining`.
        vertices: see `BatchMaker`.
        clip: largest norm of the gradient.
        compiled: whether the network's training is compiled.
        trunk: where the trained backbone is written.
        epoch: steps of an epoch, for what counts epochs; without an end when omitted.
    """

    name: str
    seconds: float
    module: Callable[[], PoseModule]
    crops: CropSettings
    batch: int
    lr_factor: float = 1.0
    phases: dict[str, float] = field(default_factory=dict)
    vertices: bool = True
    clip: float | None = None
    compiled: bool = False
    trunk: Path | None = None
    epoch: int | None = None


def people_stage(options: argparse.Namespace) -> Stage:
    """The backbone's training."""

    def module() -> PoseModule:
        start = False if options.weights is None else str(options.weights)
        return PeopleModule(
            options.backbone, options.channels, options.crop, pretrained=start, lr=options.lr,
            freeze=options.freeze,
        )  # fmt: skip

    crops = CropSettings(skeleton="open36", size=options.crop)
    return Stage(
        "people", options.seconds, module, crops, options.batch,
        vertices=False, clip=5.0, compiled=options.compile, trunk=options.trunk,
    )  # fmt: skip


def method_stage(text: str, out: Path) -> Stage:
    """A method's training by its configuration: `CONFIG:SECONDS[:BATCH[:LR]]`.

    The learning rate grows with the square root of the batch unless it is given. A training that starts from another
    one's `outputs/METHOD/NAME` takes what was written here as METHOD.NAME.

    Raises:
        ZooError: no such configuration.
        ValueError: the text is not as expected.
    """
    name, seconds, *more = text.split(":")
    content = read_config(find_config(name))
    model, data = content["model"], content["data"].get("init_args", {})
    usual, own = int(data.get("batch_size", 32)), {**data.get("crops", {}), **linked_crops(content["model"])}
    batch = int(more[0]) if more else usual
    own.pop("augmentation", None)
    settings = dict(model.get("init_args", {}))
    if len(more) > 1:
        settings["lr"] = float(more[1])
    factor = 1.0 if len(more) > 1 else math.sqrt(batch / usual)
    steps = content.get("trainer", {}).get("max_steps", 0)
    if str(settings.get("start_from", "")).startswith("outputs/"):
        settings["start_from"] = str(out / (".".join(Path(settings["start_from"]).parts[1:3]) + ".safetensors"))
    counts = {**settings, **settings.get("losses", {})}
    phases = {key: counts[key] / steps for key in _PHASES if counts.get(key) and steps > 0}
    make = _module_maker(model["class_path"], settings)
    return Stage(
        name.replace("/", "."), float(seconds), make, CropSettings(**own, augmentation=Augmentation()), batch,
        lr_factor=factor, phases=phases, clip=content.get("trainer", {}).get("gradient_clip_val"),
        epoch=_EPOCH if settings.get("bone_epochs") else None,
    )  # fmt: skip


def _module_maker(class_path: str, settings: dict[str, Any]) -> Callable[[], PoseModule]:
    """Makes a module when its turn comes: it may read weights that an earlier stage writes."""

    def make() -> PoseModule:
        module, _, name = class_path.rpartition(".")
        made: PoseModule = instantiate_module(getattr(import_module(module), name), settings)
        from zoo.checkpoints.files import resolve_starts

        resolve_starts(made)
        return made

    return make


@dataclass(frozen=True)
class Source:
    """Where all stages take their batches from."""

    feed: Feed
    maps: CachedMaps | None
    """In place of the feed, for methods whose backbone is frozen."""
    buffers: dict[str, ReplayBuffer]
    backgrounds: Backgrounds
    device: torch.device


class Progress(Callback):
    """Prints what is going on every ten seconds, and remembers it."""

    def __init__(self, batch: int, buffer: ReplayBuffer, every: float = 10.0) -> None:
        self._batch, self._buffer, self._every = batch, buffer, every
        self.lines: list[dict[str, float]] = []
        self.started = self._last = time.monotonic()
        self.visits = self._then = 0

    def on_train_start(self, *_: Any) -> None:
        """Start the clock."""
        self.started = self._last = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Count, and now and then print; only then the device is waited for."""
        self.visits += self._batch
        now = time.monotonic()
        if now - self._last < self._every:
            return
        values = {key.removeprefix("train/"): float(value) for key, value in trainer.callback_metrics.items()}
        rate = (self.visits - self._then) / (time.monotonic() - self._last)
        line = {"s": now - self.started, "visits": self.visits, "per_s": rate, "samples": len(self._buffer)} | values
        self.lines.append({key: round(value, 4) for key, value in line.items()})
        print("   " + " ".join(f"{key} {value:g}" for key, value in self.lines[-1].items()), flush=True)
        self._last, self._then = time.monotonic(), self.visits


def run_stage(stage: Stage, seconds: float, source: Source, out: Path, runs: Path, resume: bool) -> dict[str, Any]:
    """Train, evaluate and save one stage; its report."""
    weights, folder = out / f"{stage.name}.safetensors", runs / f"{stage.name}.run"
    if resume and weights.is_file():
        return {"name": stage.name, "skipped": f"{weights} is there"}
    module, device = stage.module(), source.device
    on_gpu = device.type == "cuda"
    maker = BatchMaker(stage.crops, source.backgrounds, device, None, module.protocol, stage.vertices)
    timed = TimedTraining(seconds, lr_factor=stage.lr_factor, phases=stage.phases)
    progress = Progress(stage.batch, source.buffers["train"])
    saving = ModelCheckpoint(folder, save_last=True, save_top_k=0, train_time_interval=timedelta(seconds=60))
    trainer = pl.Trainer(
        accelerator="gpu" if on_gpu else "cpu", devices=1, precision="bf16-mixed" if on_gpu else "32-true",
        max_steps=10**7, callbacks=[timed, progress, saving], logger=False, benchmark=on_gpu,
        enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=stage.clip,
        num_sanity_val_steps=0, limit_val_batches=0, limit_train_batches=stage.epoch,
    )  # fmt: skip
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    # batches are there already; Lightning would look through lists of a thousand names at every step
    module.transfer_batch_to_device = lambda batch, *_: batch  # type: ignore[method-assign]
    if stage.compiled:
        module.network.compile(dynamic=False)
    earlier = folder / "last.ckpt"
    batches: Any = source.feed.batches(maker, stage.batch)
    problem, undo = {}, None
    if source.maps is not None:
        batches, undo = MapBatches(source.maps, maker, stage.batch), read_from_maps(module)
    try:
        trainer.fit(module, batches, ckpt_path=earlier if resume and earlier.is_file() else None)
    except Exception as error:
        if not progress.visits:
            raise
        problem = {"error": f"{type(error).__name__}: {error}"}  # what was learnt until then is kept
    if undo is not None:
        undo()
    trained = time.monotonic() - progress.started
    timed.use_average(module)
    _save(module, weights, stage.trunk)
    report: dict[str, Any] = {
        "name": stage.name, **problem, "seconds": trained, "visits": progress.visits,
        "visits_per_s": progress.visits / trained,
        "memory_gb": torch.cuda.max_memory_allocated() / 2**30 if on_gpu else 0.0, "log": progress.lines,
    }  # fmt: skip
    whole = BatchMaker(stage.crops, source.backgrounds, device, None, module.protocol)  # meshes are scored, too
    with torch.compiler.set_stance("force_eager"):
        return report | evaluate(module, whole, source.buffers["val"], device, min(stage.batch, 64))


@torch.no_grad()
def evaluate(
    module: PoseModule, maker: BatchMaker, buffer: ReplayBuffer, device: torch.device, batch: int
) -> dict[str, float]:
    """The protocol's metrics on held-out samples, and the share of joints within a tenth of the box in the picture."""
    if not len(buffer):
        return {}
    batches = plain_batches(buffer, maker, batch)
    module.eval().to(device)
    module.metrics.reset()
    near = seen = 0.0
    for rows in batches:
        module.validation_step(rows, 0)
        right, counted = _near(module, rows, maker.settings.margin)
        near, seen = near + right, seen + counted
    values = {name: float(value) for name, value in overall(module.metrics.compute()).items()}
    module.metrics.reset()
    return {**values, "within_tenth_of_box": near / max(seen, 1)}


def _near(module: PoseModule, batch: Batch, margin: float) -> tuple[float, float]:
    predicted = module.predict(batch).joints_2d
    true = project(batch["joints"], batch["intrinsics"])
    crop = batch["joints_2d"]
    inside = batch["joints_2d_valid"] & ((crop >= 0) & (crop < batch["image"].shape[-1])).all(-1)
    if predicted.shape != true.shape:
        return 0.0, 0.0
    error = (predicted - true).norm(dim=-1) / (batch["box"][:, 2] / margin)[:, None]
    return float(((error < 0.1) & inside).sum()), float(inside.sum())


def _save(module: PoseModule, path: Path, trunk: Path | None) -> None:
    """Weights in half precision; those of the backbone alone under the names that timm gives them."""
    state = {key: value.detach().cpu() for key, value in module.state_dict().items()}
    half = {key: (value.half() if value.is_floating_point() else value).contiguous() for key, value in state.items()}
    save_file(half, path)
    if trunk is not None:
        trunk.parent.mkdir(parents=True, exist_ok=True)
        prefix = "network.backbone.net."
        own = {key.removeprefix(prefix): value for key, value in half.items() if key.startswith(prefix)}
        save_file(own, trunk)
