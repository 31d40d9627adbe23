"""UP-3D as a datamodule.

Layout `raw`, as distributed, below `up-3d`: per image `NNNNN_image.png`, `_body.pkl` (pickle of Python 2: `pose`
(72), `betas` (10), `trans` (3), `rt` (3), `t` (3), `f`), `_joints.npy` (3 x 14: x, y, confidence, LSP's order),
`_fit_crop_info.txt` (height width y0 y1 x0 x1), `_dataset_info.txt` (`lsp`, `lspext`, `mpii` or `fashionpose`, and the
number there), `_render_light.png`; and the lists `train.txt`, `val.txt`, `trainval.txt`, `test.txt` with lines
`/NNNNN_image.png`.

Layout `nbf`: see `datamodules.up3d.nbf`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from body.choices import check_choices
from body.maps import label_map
from body.model import BodyModel
from body.parts import face_parts
from body.skeleton import LSP14, SMPL24
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import FileDataModule
from datamodules.readers.posed import RestJoints
from datamodules.sample import RawSample, Source
from datamodules.settings import DEFAULT_CROPS, CropSettings
from datamodules.up3d.fits import joint_boxes, read_datasets, read_fits, read_joints, render_boxes
from datamodules.up3d.nbf import read_nbf
from datamodules.up3d.subsets import SUBSETS
from metrics import get_protocol
from metrics.tasks import PartsTask

Layout = Literal["raw", "nbf"]
Labels = Literal["fit", "annotated"]
_BOXES = {"render": render_boxes, "joints": joint_boxes}
Boxes = Literal["render", "joints"]
TrainList = Literal["train", "trainval"]
_NEEDS_SMPL = "UP-3D's fits are of SMPL, not of the open body: set crops.body to smpl"


class Up3dDataModule(FileDataModule):
    """UP-3D: neutral SMPL fits, FashionPose among the images.

    The fits are of SMPL. With the body `open` they are left out, with a warning, and joints are LSP's annotated ones:
    the root joints of the two bodies rest 0.22 m apart.

    Under the protocol `upi-s1h-val` the fits are also rendered as part labels of the whole image.

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see the module); `nbf` has whole splits only.
        labels: joints that batches have: `fit` for the 24 of the fitted body, `annotated` for LSP's 14 in the image.
        boxes: `render` for the outline of the rendered body (GraphCMR), `joints` for the annotated joints.
        train_list: `train`, or `trainval` for both lists. This and the two before are of layout `raw`.

    Raises:
        ValueError: unknown protocol, or another choice than these.
    """

    folder = "up3d"
    protocols = tuple(SUBSETS)
    expected: ClassVar[dict[str, int]] = {"train": 5703, "val": 1423}
    how_to_get = "UP-3D: download up-3d.zip from files.is.tuebingen.mpg.de/classner/up and unpack it"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        labels: Labels = "fit",
        boxes: Boxes = "render",
        train_list: TrainList = "train",
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(Up3dDataModule.__init__, locals())
        self.layout, self.labels, self.boxes, self.train_list = layout, labels, boxes, train_list

    def expected_samples(self, split: str) -> int | None:
        """How many images the authors' list has."""
        if split == "test":
            return SUBSETS[self.protocol].expected
        return 7126 if split == "train" and self.train_list == "trainval" else self.expected[split]

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module."""
        if self.layout == "nbf":
            return self._nbf(split)
        folder, names, datasets = self._selected_images(split)
        fits = read_fits(folder, names, self._body_model())
        smpl = self.crops.body != "open"
        if not smpl:
            warnings.warn(f"{_NEEDS_SMPL}; only the annotated 2D joints are read", stacklevel=2)
        rows, fitted = len(names), self.labels == "fit" and smpl
        joints = RestJoints(self._body_model()).posed(fits.pose, fits.betas, fits.transl) if fitted else None
        pixels, seen = (None, None) if fitted else read_joints(folder, names)
        prefix = "" if folder == self.root else f"{folder.name}/"
        return Annotations(
            skeleton=SMPL24 if fitted else LSP14,
            images=StringColumn.of([f"{prefix}{name}_image.png" for name in names]),
            intrinsics=fits.intrinsics,
            boxes=_BOXES[self.boxes](folder, names).astype(np.float32),
            joints=None if joints is None else joints.astype(np.float32),
            joints_valid=np.ones((rows, 24), bool) if fitted else None,
            joints_2d=None if pixels is None else pixels.astype(np.float32),
            joints_2d_valid=seen,
            pose=fits.pose.astype(np.float32) if smpl else None,
            betas=fits.betas.astype(np.float32) if smpl else None,
            transl=fits.transl.astype(np.float32) if smpl else None,
            smpl_valid=np.ones(rows, bool) if smpl else None,
            image_ids=np.array(names, np.int64),
            sequences=CategoricalColumn.of(datasets),
        )

    def _selected_images(self, split: str) -> tuple[Path, list[str], list[str]]:
        """Folder of the files, the numbers in a split, and the data sets that they come from."""
        subset = SUBSETS[self.protocol] if split == "test" else None
        part = subset.split if subset else self.train_list if split == "train" else split
        listing = self.require(f"up-3d/{part}.txt", f"{part}.txt")
        lines = listing.read_text(encoding="utf-8").split()
        names = [line.removeprefix("/").removesuffix("_image.png") for line in lines]
        wrong = [line for name, line in zip(names, lines, strict=True) if not name.isdigit()]
        if wrong:
            raise ValueError(f"{listing} names {wrong[0]!r}, not /NNNNN_image.png; {self.how_to_get}")
        if subset is not None and subset.numbers is not None:
            names = [name for name in names if int(name) in subset.numbers]
        pairs = list(zip(names, read_datasets(listing.parent, names), strict=True))
        if subset is not None and subset.dataset:
            pairs = [(name, dataset) for name, dataset in pairs if dataset == subset.dataset]
        if not pairs:
            raise ValueError(f"{listing} has no images of {self.protocol}; {self.how_to_get}")
        return listing.parent, [name for name, _ in pairs], [dataset for _, dataset in pairs]

    def _nbf(self, split: str) -> Annotations:
        if self.crops.body == "open":
            raise ValueError(f"{_NEEDS_SMPL} (--data.crops.body smpl); layout nbf has no other labels")
        subset = SUBSETS[self.protocol]
        if split == "test" and (subset.dataset or subset.numbers):
            raise ValueError(f"{self.protocol} is a part of the test split; layout nbf does not say which; use raw")
        part = subset.split if split == "test" else split
        return read_nbf(self.root, self.require(f"lists/{part}_latent.txt"), self._body_model(), split == "train")

    def source(self, split: str) -> Source:
        """Raw samples of a split."""
        source = super().source(split)
        protocol = get_protocol(self.protocol)
        if split == "train" or protocol.task is not PartsTask:
            return source
        return RenderedParts(source, self._body_model(), protocol.classes - 1)


class RenderedParts:
    """Samples whose SMPL parameters are rendered as part labels of the whole image.

    Args:
        source: samples with SMPL parameters.
        body: that the parameters belong to.
        parts: how many (`body.parts`).
    """

    def __init__(self, source: Source, body: BodyModel, parts: int) -> None:
        self.source, self.body = source, body
        self.labels = face_parts(body.lbs_weights.cpu().numpy(), body.faces, parts)

    def __len__(self) -> int:
        return len(self.source)

    @torch.no_grad()
    def __getitem__(self, index: int) -> RawSample:
        sample = self.source[index]
        if sample.smpl is None:
            return sample
        values = (sample.smpl.pose, sample.smpl.betas, sample.smpl.transl)
        vertices = self.body.cpu()(*(torch.from_numpy(value[None]).float() for value in values)).vertices[0].numpy()
        height, width = sample.image.shape[:2]
        parts = label_map(vertices, self.body.faces, self.labels, sample.intrinsics, (width, height))
        return replace(sample, part_labels=parts)
