"""MPII Human Pose as a datamodule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from body.choices import check_choices
from body.skeleton import SPIN24_MPII
from datamodules.annotations import Annotations
from datamodules.files import FileDataModule
from datamodules.mpii.files import read_3dmppe, read_hourglass, read_ordinal_people, read_release
from datamodules.mpii.people import people_table
from datamodules.readers.fits import with_spin_fits
from datamodules.readers.relative_depth import with_forward_backward, with_ordinal
from datamodules.readers.spin import read_spin
from datamodules.settings import DEFAULT_CROPS, CropSettings

Layout = Literal["raw", "3dmppe", "hourglass", "spin", "ordinal"]
_ORDINAL = "mpii_upis1h"


class MpiiDataModule(FileDataModule):
    """MPII Human Pose (Andriluka et al. 2014): images with 2D joints `mpii16`, for training only.

    Annotations of its own test set are withheld; stacked-hourglass training holds back a validation part, which is the
    split `val` of that layout and the only one. Cameras are `body.camera.default_intrinsics`.

    Layouts (images in `images`):
        raw: `mpii_human_pose_v1_u12_1.mat` (or inside `mpii_human_pose_v1_u12_2`). Boxes are squares of the annotated
            scale around the annotated position, moved towards the feet as stacked-hourglass training does.
        3dmppe: 3DMPPE's `annotations/train.json`; boxes are those of the joints.
        hourglass: `annot/train.h5` and `annot/valid.h5`, whose centres and scales hold the shift and the margin of 1.25
            already; boxes as in `raw`.
        spin: SPIN's `mpii_train.npz`, with its fits if `fits` names them.
        ordinal: the Ordinal data set's `mpii_upis1h`, with `joints.mat`, `ordinal.mat` and images of its own; its
            depth order is attached.

    Args:
        root: folder of the benchmark.
        protocol: there is none; None.
        layout: one of the above.
        forward_backward: file of FBI labels (`datamodules.readers.relative_depth`), relative to the root.
        fits: layout `spin` only: file of fitted SMPL parameters, relative to the root (`datamodules.readers.fits`).
        crops, batch_size, num_workers: see `BaseDataModule`.

    Raises:
        ValueError: a protocol, no such layout, or an option that the layout does not have.
    """

    folder = "mpii"
    protocols = ()
    splits = ("train", "val")
    how_to_get = (
        "Download images and annotations from human-pose.mpi-inf.mpg.de; parsed ones are linked at "
        "github.com/mks0601/3DMPPE_POSENET_RELEASE (3dmppe) and github.com/nkolot/SPIN (spin)"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        layout: Layout = "raw",
        forward_backward: str | None = None,
        fits: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(MpiiDataModule.__init__, locals())
        if fits and layout != "spin":
            raise ValueError(f"fits belong to layout spin, not {layout}")
        if forward_backward and layout == "ordinal":
            raise ValueError("FBI labels name MPII's own images; layout ordinal has others")
        self.layout, self.forward_backward, self.fits = layout, forward_backward, fits
        if layout != "hourglass":
            self.splits = ("train",)  # type: ignore[misc, assignment]  # of this layout

    def annotations(self, split: str) -> Annotations:
        """See `FileDataModule.annotations`."""
        table = self._read(split)
        if self.forward_backward:
            table = with_forward_backward(table, self.require(self.forward_backward))
        return table

    def _read(self, split: str) -> Annotations:
        if self.layout == "3dmppe":
            people, sizes, ids = read_3dmppe(self.require("annotations/train.json"))
            return replace(people_table(self.root, people, sizes), annotation_ids=ids)
        if self.layout == "ordinal":
            folder = self.require(_ORDINAL)
            return with_ordinal(people_table(self.root, read_ordinal_people(folder)), folder / "ordinal.mat")
        if self.layout == "hourglass":
            name = {"train": "train.h5", "val": "valid.h5"}[split]
            return people_table(self.root, read_hourglass(self.require(f"annot/{name}", name)))
        if self.layout == "spin":
            return self._spin(self.require("mpii_train.npz", "dataset_extras/mpii_train.npz"))
        name = "mpii_human_pose_v1_u12_1.mat"
        path = self.require(name, f"mpii_human_pose_v1_u12_2/{name}", f"annotations/{name}")
        return people_table(self.root, read_release(path))

    def _spin(self, path: Path) -> Annotations:
        table = read_spin(path, self.root, SPIN24_MPII, body=self._body_model())
        return with_spin_fits(table, self.require(self.fits), self._body_model()) if self.fits else table
