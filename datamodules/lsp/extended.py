"""LSP-Extended: 10,000 images with 14 joints each."""

from __future__ import annotations

import numpy as np

from body.choices import check_choices
from body.mat_files import read_mat
from body.skeleton import LSP14, SPIN24
from datamodules.annotations import Annotations
from datamodules.files import FileDataModule
from datamodules.lsp.people import Layout, check_fits, lsp_table
from datamodules.readers.fits import with_spin_fits
from datamodules.readers.spin import read_spin
from datamodules.settings import DEFAULT_CROPS, CropSettings


class LspExtendedDataModule(FileDataModule):
    """LSP-Extended: 14 joints in the image, for training, or for testing methods that did not train on it.

    A joint counts where its flag is set. Boxes are tight around those joints; images without any are left out, and for
    testing also those whose twelve limb joints are not all marked. A training split is the whole set.

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see `datamodules.lsp`).
        fits: layout `spin` only: file of fitted SMPL parameters, relative to the root (`datamodules.readers.fits`).

    Raises:
        ValueError: unknown layout, or fits without the layout that they belong to.
    """

    folder = "lsp_extended"
    protocols = ("lsp-extended-2d",)
    splits = ("train", "test")
    how_to_get = (
        "LSP-Extended: download lspet_dataset.zip from sam.johnson.io/research/lspet.html, or hr-lspet.zip from "
        "files.is.tuebingen.mpg.de/classner/up"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        fits: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(LspExtendedDataModule.__init__, locals())
        check_fits(layout, fits)
        self.layout, self.fits = layout, fits

    def annotations(self, split: str) -> Annotations:
        """Read the whole set, or for testing the people whose limbs are marked."""
        if self.layout == "spin":
            path = self.require("hr-lspet_train.npz", "dataset_extras/hr-lspet_train.npz")
            table = read_spin(path, self.root, SPIN24)
            return with_spin_fits(table, self.require(self.fits), self._body_model()) if self.fits else table
        path = self.require("joints.mat")
        joints = read_mat(path, ["joints"])["joints"]
        if joints.ndim != 3 or joints.shape[:2] != (14, 3):
            raise ValueError(f"{path}: joints is {joints.shape}, not (14, 3, N); is it LSP's?")
        count = joints.shape[2]
        names = sorted(file.name for file in self.root.glob("*.png"))
        if not names:
            self.require("images")
            names = [f"images/im{number:05d}.jpg" for number in range(1, count + 1)]
        if len(names) != count:
            raise ValueError(f"{self.root} has {len(names)} images, but {path.name} joints of {count}")
        valid = joints[:, 2].T > 0
        table = lsp_table(self.root, names, joints[:, :2].transpose(2, 0, 1), valid)
        counted = valid.any(1) if split == "train" else valid[:, : len(LSP14) - 2].all(1)  # head and neck are last
        return table.take(np.flatnonzero(counted))
