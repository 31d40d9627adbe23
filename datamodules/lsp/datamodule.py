"""LSP: 2,000 images with 14 joints each, half of them for testing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from body.assets import find_asset
from body.choices import check_choices
from body.mat_files import read_mat
from body.skeleton import SPIN24
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.files import FileDataModule
from datamodules.lsp.people import Layout, check_fits, lsp_table, share_outside
from datamodules.lsp.upi_s1h import HOW_TO_GET as UPI
from datamodules.lsp.upi_s1h import DrawnParts
from datamodules.readers.fits import with_spin_fits
from datamodules.readers.relative_depth import with_ordinal
from datamodules.readers.spin import read_spin
from datamodules.sample import Source
from datamodules.settings import DEFAULT_CROPS, CropSettings

_TRAIN = 1000  # the first half is for training
_MOST_OUTSIDE = 0.2  # share of joints; some lie just outside of truncated people's images


class LspDataModule(FileDataModule):
    """LSP: 14 joints in the image, and for testing of parts the labels of UPi-S1h.

    All joints count, also hidden ones (SPIN). Boxes are tight around the joints. There is no 3D; the camera is a guess
    (`body.camera.default_intrinsics`).

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see `datamodules.lsp`).
        high_resolution: folder of `lsp_dataset_original`, relative to the root, to train on. SPIN's training file is in
            the pixels of these images, its test file in those of the 150-pixel ones.
        upi_s1h: folder of UPi-S1h, for `lsp-upi-parts`; `$ZOO_ASSETS/benchmarks/upi_s1h` when omitted.
        ordinal: layout `raw` only: the Ordinal data set's `ordinal.mat`, relative to the root, for training
            (`datamodules.readers.relative_depth`).
        fits: layout `spin` only: file of fitted SMPL parameters of the training split, relative to the root
            (`datamodules.readers.fits`).

    Raises:
        ValueError: unknown protocol or layout, or an option without the layout that it belongs to.
    """

    folder = "lsp"
    protocols = ("lsp-test-2d", "lsp-test-2d-14j", "lsp-upi-parts")
    expected: ClassVar[dict[str, int]] = {"train": 1000, "val": 1000, "test": 1000}
    how_to_get = "LSP: download lsp_dataset.zip from sam.johnson.io/research/lsp.html"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        high_resolution: str | None = None,
        upi_s1h: str | None = None,
        fits: str | None = None,
        ordinal: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(LspDataModule.__init__, locals())
        check_fits(layout, fits)
        if ordinal and layout != "raw":
            raise ValueError(f"ordinal belongs to layout raw, not {layout}")
        self.layout, self.high_resolution, self.upi_s1h, self.fits = layout, high_resolution, upi_s1h, fits
        self.ordinal = ordinal

    def annotations(self, split: str) -> Annotations:
        """Read a split: the first 1,000 images for training, the rest for testing."""
        train = split == "train"
        if self.layout == "spin":
            name = "lsp_dataset_original_train.npz" if train else "lsp_dataset_test.npz"
            table = read_spin(self.require(name, f"dataset_extras/{name}"), self.root, SPIN24)
            table = self._checked_resolution(table) if train else table
            use = train and self.fits is not None
            return with_spin_fits(table, self.require(str(self.fits)), self._body_model()) if use else table
        folder = Path(self.high_resolution or "") if train else Path()
        path = self.require(str(folder / "joints.mat"))
        joints = read_mat(path, ["joints"])["joints"]
        if joints.ndim != 3 or joints.shape[:2] != (3, 14):
            raise ValueError(f"{path}: joints is {joints.shape}, not (3, 14, 2000); is it LSP-Extended's?")
        numbers = np.arange(joints.shape[2])
        numbers = numbers[:_TRAIN] if train else numbers[_TRAIN:]
        names = [str(folder / f"images/im{number + 1:04d}.jpg") for number in numbers]
        table = lsp_table(self.root, names, joints[:2, :, numbers].transpose(2, 1, 0), np.ones((len(names), 14), bool))
        return with_ordinal(table, self.require(self.ordinal), numbers) if train and self.ordinal else table

    def _checked_resolution(self, table: Annotations) -> Annotations:
        """SPIN's training people, with images of the resolution that they were annotated in."""
        if self.high_resolution:
            folder = self.high_resolution.rstrip("/")
            names = table.images.map(lambda name: f"{folder}/{name.removeprefix(f'{folder}/')}")
            table = replace(table, images=names)
        outside = share_outside(self.root, table, rows=20)
        if outside > _MOST_OUTSIDE:
            raise ValueError(
                f"{outside:.0%} of the joints of SPIN's training file lie outside the images of {self.root}: it is in "
                f"the pixels of lsp_dataset_original; unpack that and name its folder in `high_resolution`"
            )
        return table

    def source(self, split: str) -> Source:
        """Raw samples; for `lsp-upi-parts` those for testing come with the parts that annotators drew."""
        table = self.table(split)
        if split == "train" or self.protocol != "lsp-upi-parts":
            return AnnotatedSource(table, self.root)
        upi = Path(self.upi_s1h).expanduser() if self.upi_s1h else find_asset("benchmarks/upi_s1h")
        if upi is None:
            raise FileNotFoundError(f"{self.protocol} needs the labels of UPi-S1h: {UPI}, then name it in `upi_s1h`")
        drawn = DrawnParts(upi, [f"lsp/{Path(table.images[row]).stem}" for row in range(len(table))])
        return AnnotatedSource(table, self.root, extra=drawn)
