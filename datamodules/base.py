"""What all datamodules share: crops, augmentation, loaders, and labels that are made on the device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from body.load import load_body
from body.model import BodyModel
from body.skeleton import Skeleton, get_skeleton
from datamodules.augment import DEFAULT_AUGMENTATION, NO_CHANGE, Augmentation
from datamodules.batch import Batch
from datamodules.crop import RestRoot, make_crop
from datamodules.sample import Source


class CropDataset(Dataset[dict[str, Any]]):
    """Crops of a source's samples.

    Args:
        source: split of a benchmark.
        skeleton: joint set wanted.
        size: side of the crops.
        margin: see `make_crop`.
        augmentation: how much samples change at random; None for not at all.
        rest_root: see `make_crop`.
    """

    def __init__(
        self,
        source: Source,
        skeleton: Skeleton,
        size: int,
        margin: float,
        augmentation: Augmentation | None,
        rest_root: RestRoot,
    ) -> None:
        self.source, self.skeleton, self.size, self.margin = source, skeleton, size, margin
        self.augmentation, self.rest_root = augmentation, rest_root

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, Any]:
        change = NO_CHANGE
        if self.augmentation is not None:  # torch's generator differs between workers and epochs, numpy's would not
            change = self.augmentation.draw(np.random.default_rng(int(torch.randint(2**62, ()))))
        return make_crop(self.source[index], self.skeleton, self.size, self.margin, change, self.rest_root)


class BaseDataModule(pl.LightningDataModule, ABC):
    """A benchmark as Lightning wants it; a subclass says where raw samples come from (`source`).

    Args:
        skeleton: joint set of the batches.
        body: body model that `vertices` come from (`body.load.load_body`).
        crop_size: side of the crops in pixels.
        box_margin: the square window is this many times the longer side of the person's box.
        batch_size: crops per batch.
        num_workers: processes that load data.
        augmentation: how training samples change at random; None for not at all.
    """

    protocol = ""
    """Name of the evaluation protocol that the test split stands for."""

    def __init__(
        self,
        skeleton: str = "smpl29",
        body: str = "open",
        crop_size: int = 128,
        box_margin: float = 1.25,
        batch_size: int = 32,
        num_workers: int = 2,
        augmentation: Augmentation | None = DEFAULT_AUGMENTATION,
    ) -> None:
        super().__init__()
        self.skeleton, self.body_name = get_skeleton(skeleton), body
        self.crop_size, self.box_margin = crop_size, box_margin
        self.batch_size, self.num_workers = batch_size, num_workers
        self.augmentation = augmentation
        self._body: BodyModel | None = None
        self._datasets: dict[str, CropDataset] = {}

    @abstractmethod
    def source(self, split: str) -> Source:
        """Raw samples of `train`, `val` or `test`."""

    @abstractmethod
    def fingerprint(self, split: str) -> str:
        """Hash that names exactly the samples of a split; stored with every result."""

    def dataset(self, split: str) -> CropDataset:
        """Crops of a split, opened once; only training samples are augmented."""
        if split not in self._datasets:
            augmentation = self.augmentation if split == "train" else None
            rest = rest_root(self._body_model())
            source = self.source(split)
            self._datasets[split] = CropDataset(
                source, self.skeleton, self.crop_size, self.box_margin, augmentation, rest
            )
        return self._datasets[split]

    def setup(self, stage: str | None = None) -> None:
        """Open the splits that a stage needs (all of them without a stage)."""
        for split in splits_of(stage):
            self.dataset(split)

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Shuffled training batches; an incomplete last one is dropped."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Validation batches in order."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Test batches in order."""
        return self._loader("test")

    def predict_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The test split once more."""
        return self._loader("test")

    def _loader(self, split: str, shuffle: bool = False) -> DataLoader[dict[str, Any]]:
        dataset = self.dataset(split)
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            shuffle=shuffle,
            drop_last=shuffle and len(dataset) > self.batch_size,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def _body_model(self) -> BodyModel:
        if self._body is None:
            self._body = load_body(self.body_name)
        return self._body

    @torch.no_grad()
    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:  # noqa: ARG002 (Lightning's)
        """Add the vertices of the SMPL parameters, made on the batch's device; zeros where there is no fit."""
        pose = batch["pose"]
        model = self._body_model().to(pose.device)
        vertices = model(pose, batch["betas"], batch["transl"]).vertices
        batch["vertices"] = vertices * batch["smpl_valid"][:, None, None]
        batch["index"], batch["frame"] = torch.as_tensor(batch["index"]), [int(f) for f in batch["frame"]]
        return batch


def splits_of(stage: str | None) -> tuple[str, ...]:
    """The splits that a stage of Lightning's trainer reads; all of them without a stage."""
    wanted = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("test",)}
    return wanted.get(stage or "", ("train", "val", "test"))


@torch.no_grad()
def rest_root(model: BodyModel) -> RestRoot:
    """Where the root joint of a model rests, probed with one shape coefficient at a time."""
    device = model.v_template.device
    betas = torch.cat([torch.zeros(1, 10), torch.eye(10)]).to(device)
    roots = model(torch.zeros(11, 24, 3, device=device), betas).joints[:, 0].double().cpu().numpy()
    return RestRoot(roots[0], roots[1:] - roots[0])
