"""What all datamodules share: crops, augmentation, loaders, and labels that are made on the device."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler, default_collate

from body.choices import check_types
from body.load import load_body
from body.model import BodyModel
from body.skeleton import get_skeleton
from body.surface_renderer import SurfaceRenderer
from datamodules.augment import NO_CHANGE, Augmentation
from datamodules.batch import Batch
from datamodules.crop import RestRoot, make_crop
from datamodules.fit_check import inaccurate_fits
from datamodules.gendered import NeutralShapes, pose_bodies
from datamodules.images import UnreadableImageError
from datamodules.resumable import Resumable, ResumableBatches, ResumableLoader
from datamodules.sample import GENDERS, RawSample, Source
from datamodules.settings import DEFAULT_CROPS, CropSettings
from metrics import Protocol, SplitLabels, get_protocol


class CropDataset(Dataset[dict[str, Any]]):
    """Crops of a source's samples.

    Args:
        source: split of a benchmark.
        settings: of the crops.
        augmentation: how much samples change at random; None for not at all.
        rest_roots: see `make_crop`, by gender; samples of a gender that is not among them are decoded as neutral.
        renderers: make surface labels of samples that come without, by gender; none of them when omitted.
        scored: see `make_crop`.
        skip_damaged: give another sample for one whose image cannot be read, see `MOST_DAMAGED`.
    """

    def __init__(
        self,
        source: Source,
        settings: CropSettings,
        augmentation: Augmentation | None,
        rest_roots: Mapping[str, RestRoot],
        renderers: Mapping[str, SurfaceRenderer] | None = None,
        scored: Protocol | None = None,
        skip_damaged: bool = False,
    ) -> None:
        self.skip_damaged, self.damaged = skip_damaged, set[int]()
        self.source, self.settings, self.scored = source, settings, scored
        self.augmentation, self.rest_roots, self.renderers = augmentation, rest_roots, renderers or {}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.crop(self._read(index))

    def crop(self, sample: RawSample) -> dict[str, Any]:
        """The crop of a raw sample, augmented at random."""
        change = NO_CHANGE
        if self.augmentation is not None:  # torch's generator differs between workers and epochs, numpy's would not
            change = self.augmentation.draw(np.random.default_rng(int(torch.randint(2**62, ()))))
        gender = sample.gender if sample.gender in self.rest_roots else "neutral"
        row = make_crop(sample, self.settings, change, self.rest_roots[gender], self.scored)
        row["gender"] = gender
        if self.renderers and row["smpl_valid"] and not row["iuv_valid"]:
            row["iuv"] = self.renderers[gender](row, self.settings.size, self.settings.label_size)
            row["iuv_valid"] = torch.tensor(True)
        return row

    def _read(self, index: int) -> RawSample:
        """A raw sample; instead of one whose image cannot be read the next one that can be."""
        while True:
            try:
                return self.source[index]
            except (UnreadableImageError, OSError) as error:
                if not self.skip_damaged:
                    raise
                self.damaged.add(index)
                if len(self.damaged) > MOST_DAMAGED * len(self):
                    if len(self.damaged) == 1:
                        raise
                    raise UnreadableImageError(
                        f"{len(self.damaged)} of {len(self)} images cannot be read, more than {MOST_DAMAGED:.0%}; the "
                        f"last one: {error}"
                    ) from None
                warnings.warn(f"left out of training ({len(self.damaged)} so far): {error}", stacklevel=2)
                index = (index + 1) % len(self)


MOST_DAMAGED = 0.01
"""Share of a training split whose images may be missing or damaged before training stops, per loading process."""


class BaseDataModule(pl.LightningDataModule, ABC):
    """A benchmark as Lightning wants it; a subclass says where raw samples come from (`source`).

    Args:
        crops: what a batch looks like.
        batch_size: crops per batch.
        num_workers: processes that load data.

    Raises:
        TypeError: an argument is of another type than it should be, such as a dictionary for the crops.
    """

    protocol = ""
    """Name of the evaluation protocol that the test split stands for."""

    @property
    def gendered(self) -> bool:
        """Whether `vertices` come from the body of each sample's gender instead of the neutral one."""
        return False

    def __init__(self, crops: CropSettings = DEFAULT_CROPS, batch_size: int = 32, num_workers: int = 2) -> None:
        super().__init__()
        check_types(BaseDataModule.__init__, {"crops": crops, "batch_size": batch_size, "num_workers": num_workers})
        self.crops, self.skeleton = crops, get_skeleton(crops.skeleton)
        self.batch_size, self.num_workers = batch_size, num_workers
        self._bodies: dict[str, BodyModel] = {}
        self._neutral_shapes = NeutralShapes(self._body_model)
        self._datasets: dict[str, CropDataset] = {}
        self._training: Resumable | None = None
        self._resumed: dict[str, Any] | None = None

    @abstractmethod
    def source(self, split: str) -> Source:
        """Raw samples of `train`, `val` or `test`."""

    @abstractmethod
    def fingerprint(self, split: str) -> str:
        """Hash that names exactly the samples of a split; stored with every result."""

    def dataset(self, split: str) -> CropDataset:
        """Crops of a split, opened once; only training samples are augmented."""
        if split not in self._datasets:
            self._datasets[split] = self.crops_of(self.source(split), split)
        return self._datasets[split]

    def use_crops(self, crops: CropSettings) -> None:
        """Make crops as other settings say, those of a mix for its parts; what was read before is read again.

        Raises:
            ValueError: this benchmark cannot be cropped that way.
        """
        self.crops, self.skeleton = crops, get_skeleton(crops.skeleton)
        self._bodies.clear()
        self._neutral_shapes = NeutralShapes(self._body_model)
        self._datasets.clear()

    def crops_of(self, source: Source, split: str, gendered: bool | None = None) -> CropDataset:
        """Crops of raw samples, as a split of this benchmark; `gendered` is the benchmark's own when omitted."""
        augmentation = self.crops.augmentation if split == "train" else None
        genders = GENDERS if (self.gendered if gendered is None else gendered) else GENDERS[:1]
        bodies = {gender: self._body_model(gender) for gender in genders}
        rest = {gender: rest_root(body) for gender, body in bodies.items()}
        surfaces = {gender: SurfaceRenderer(body) for gender, body in bodies.items()} if self.crops.render_iuv else {}
        protocol = get_protocol(self.protocol) if self.protocol else None
        scored = protocol if protocol is not None and protocol.skeleton else None
        return CropDataset(source, self.crops, augmentation, rest, surfaces, scored, skip_damaged=split == "train")

    def setup(self, stage: str | None = None) -> None:
        """Open the splits that a stage needs (all of them without a stage)."""
        for split in splits_of(stage):
            self.dataset(split)

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Shuffled training batches; an incomplete last one is dropped."""
        return self.loader(self.dataset("train"), shuffle=True)

    def val_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Validation batches in order."""
        return self.loader(self.dataset("val"))

    def test_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Test batches in order."""
        return self.loader(self.dataset("test"))

    def predict_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The test split once more."""
        return self.loader(self.dataset("test"))

    def loader(
        self, dataset: Dataset[dict[str, Any]], sampler: Sampler[int] | None = None, shuffle: bool = False
    ) -> DataLoader[dict[str, Any]]:
        """Batches of a data set in order, or shuffled or as a sampler says, which can be resumed in mid-epoch."""
        options: dict[str, Any] = {
            "num_workers": self.num_workers,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": torch.cuda.is_available(),
            "collate_fn": collate,
        }
        if sampler is None and not shuffle:
            return DataLoader(dataset, batch_size=self.batch_size, **options)
        generator = torch.Generator()
        order = sampler or RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
        drop_last = shuffle and len(dataset) > self.batch_size  # type: ignore[arg-type]
        batches = ResumableBatches(order, self.batch_size, drop_last)
        return self.resumable(ResumableLoader(dataset, batch_sampler=batches, generator=generator, **options))

    def resumable(self, loader: Resumable) -> Resumable:
        """The training's loader, which goes on where a checkpoint was written."""
        previous, self._training = self._training, loader
        loader.over = self._is_last_batch
        # Lightning loads before it makes loaders, or after it made one to count steps
        if self._resumed is not None and (previous is None or previous.pending):
            loader.load_state_dict(self._resumed)
        return loader

    def _is_last_batch(self) -> bool:
        return self.trainer is not None and self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch

    def state_dict(self) -> dict[str, Any]:
        """Where a training is in its epoch; Lightning loses its own state of loaders if a schedule counts steps."""
        return {} if self._training is None else self._training.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._resumed = state or None
        if self._training is not None and state:
            self._training.load_state_dict(state)

    def split_labels(self) -> SplitLabels:
        """Labels of the whole test split that no batch can carry, for `metrics.Task.prepare`; none for most."""
        return {}

    def check_test_split(self) -> None:
        """Make sure that the test split is the one that `protocol` means.

        Raises:
            ValueError: it is not; the message says in what it differs.
        """
        if self.fingerprint("test") != type(self)().fingerprint("test"):
            raise ValueError(f"the data are not the test split that protocol {self.protocol} means")

    def _body_model(self, gender: str = "neutral") -> BodyModel:
        """The body of a gender."""
        if gender not in self._bodies:
            name = self.crops.body if gender == "neutral" else f"{self.crops.body}_{gender}"
            self._bodies[gender] = load_body(name)
        return self._bodies[gender]

    @torch.no_grad()
    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:  # noqa: ARG002 (Lightning's)
        """Add the vertices of the SMPL parameters, zeros where there is no fit; then make shapes the neutral body's.

        What learns or compares parameters works with the neutral body alone, see `gendered.NeutralShapes`.

        What is no `Batch` stays as it is: Lightning's model summary sends the module's example image through here.
        """
        return batch if isinstance(batch, torch.Tensor) else self._with_vertices(batch)

    def _with_vertices(self, batch: Batch) -> Batch:
        vertices = pose_bodies(batch, self._body_model)
        if self.crops.max_fit_error is not None and self.trainer is not None and self.trainer.training:
            rule, limit = self.crops.same_joints, self.crops.max_fit_error
            poor = inaccurate_fits(batch, vertices, self._body_model(), self.skeleton, rule, limit)
            batch["smpl_valid"], batch["vertices_valid"] = batch["smpl_valid"] & ~poor, batch["vertices_valid"] & ~poor
        batch["vertices"] = vertices * batch["smpl_valid"][:, None, None]
        if set(batch["gender"]) != {"neutral"}:
            batch.update(self._neutral_shapes(batch))  # type: ignore[typeddict-item]
        for key in ("index", "image_id", "annotation_id"):
            batch[key] = torch.as_tensor(batch[key])
        batch["frame"] = [int(f) for f in batch["frame"]]
        return batch


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Stack samples; labels as large as their images stay a list."""
    whole = ("part_labels", "silhouette")
    stacked = default_collate([{key: value for key, value in row.items() if key not in whole} for row in rows])
    return {**stacked, **{key: [row[key] for row in rows] for key in whole}}


def splits_of(stage: str | None) -> tuple[str, ...]:
    """The splits that a stage of Lightning's trainer reads; all of them without a stage."""
    wanted = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("test",)}
    return wanted.get(stage or "", ("train", "val", "test"))


@torch.no_grad()
def rest_root(model: BodyModel) -> RestRoot:
    """Where the root joint of a model rests, probed with one shape coefficient at a time."""
    device = model.v_template.device
    betas = torch.cat([torch.zeros(1, 10), torch.eye(10)]).to(device)
    parts = len(model.parents)
    roots = model(torch.zeros(11, parts, 3, device=device), betas).joints[:, 0].double().cpu().numpy()
    return RestRoot(roots[0], roots[1:] - roots[0], parts)
