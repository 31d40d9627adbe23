"""COCO keypoints: people in everyday images with 17 joints annotated by hand (Lin et al. 2014).

Layout `raw`, as distributed:

* `train2017/`, `val2017/`, `train2014/`, `val2014/` (or the same in `images/`), one file per image
* `annotations/person_keypoints_{train,val}{2014,2017}.json`: `images` (`id`, `file_name`, `width`, `height`) and
  `annotations` (`id`, `image_id`, `bbox`: x, y, width, height; `keypoints`: 17 times x, y, v with v = 0 not labelled,
  1 hidden, 2 seen; `num_keypoints`, `iscrowd`, `area`), pixels
* optional: SMPL fits of I2L-MeshNet, `annotations/coco_smplifyx_train.json`: annotation id -> `smpl_param` and
  `cam_param`; RootNet's result file `bbox_root_coco_output.json` (`datamodules.readers.root_file`)

Layout `spin`: `coco_2014_{train,val}.npz` of SPIN and DaNet instead of `annotations`.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from body.choices import check_choices
from datamodules.annotations import Annotations
from datamodules.coco.fits import reject_poor_fits
from datamodules.coco.people import Boxes, People, detected_people, labelled_people, spin_people
from datamodules.files import FileDataModule, require
from datamodules.readers.coco_json import read_coco
from datamodules.readers.fits import warn_of_other_body, with_smplifyx_fits, with_spin_fits
from datamodules.settings import DEFAULT_CROPS, CropSettings
from metrics import SplitLabels

Layout = Literal["raw", "spin"]
Year = Literal[2014, 2017]
FitCheck = Literal["none", "corrected", "release"]
"""Keep all fits, or those that meet the keypoints as `datamodules.coco.fits` checks it."""


class CocoDataModule(FileDataModule):
    """COCO keypoints in the skeleton `coco19`: the 17 and the midpoints of hips and shoulders.

    A midpoint is valid when both of its joints are. There is no 3D but that of fits. Crowds and people without a
    labelled keypoint are never samples. The camera is that of the fit where there is one, else a guess: 60 degrees
    across the longer side.

    The protocol's test split is val2014, most of which is in train2017: one year for all splits keeps them apart.

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see the module).
        year: of the images for training, validation and test. The protocol means 2014; 2017 is what I2L-MeshNet and
            Cascaded Dimension-Lifting trained on, and no test split of a protocol.
        people: who is a training sample (see `people.People`). The test split has all who are labelled.
        boxes: for training (see `people.Boxes`). The test split has the boxes as annotated.
        fits: file with SMPL fits of the training people, in the root or elsewhere: I2L-MeshNet's
            `annotations/coco_smplifyx_train.json`, or SPIN's `.npy` or `.npz` with the layout `spin`.
        fit_check: which fits are kept; with SMPLify-X's.
        detections: RootNet's result file, in the root or elsewhere: the test split is what it detected, with its boxes
            and root positions, a focal length of 1500 pixels, and without keypoints.

    Raises:
        ValueError: an option has a value that is not known.
    """

    folder = "coco"
    protocols = ("coco-val-keypoints",)
    expected: ClassVar[dict[str, int]] = {"test": 50197}
    how_to_get = "COCO: download images and annotations (2014 or 2017 Train/Val) from cocodataset.org"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        year: Year = 2014,
        people: People = "labelled",
        boxes: Boxes = "clipped",
        fits: str | None = None,
        fit_check: FitCheck = "corrected",
        detections: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(CocoDataModule.__init__, locals())
        self.layout, self.year, self.people, self.boxes = layout, year, people, boxes
        self.fits, self.fit_check, self.detections = fits, fit_check, detections

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module."""
        train = split == "train"
        if self.layout == "spin":
            table = spin_people(self.require(f"coco_2014_{'train' if train else 'val'}.npz"), self.root)
            if not (train and self.fits):
                return table
            return with_spin_fits(table, self.file(self.fits), self._body_model())
        part = f"{'train' if train else 'val'}{self.year}"
        file = read_coco(self.require(f"annotations/person_keypoints_{part}.json"))
        folder = self.require(part, f"images/{part}").relative_to(self.root)
        if not train and self.detections:
            return detected_people(self.file(self.detections), file.images, str(folder))
        table = labelled_people(
            file, str(folder), self.people if train else "labelled", self.boxes if train else "annotated"
        )
        if not (train and self.fits):
            return table
        table = with_smplifyx_fits(table, self.file(self.fits))
        warn_of_other_body(table, self.crops.body)
        if self.fit_check == "none":
            return table
        return reject_poor_fits(table, self._body_model(), release=self.fit_check == "release")

    def split_labels(self) -> SplitLabels:
        """Average precision counts all people of the annotation file, also those in whose images nobody is detected."""
        return {"coco_file": self.require(f"annotations/person_keypoints_val{self.year}.json")}

    def check_test_split(self) -> None:
        """See `FileDataModule.check_test_split`.

        Raises:
            ValueError: the split is incomplete or of another year, or its people are detected.
        """
        if self.year != 2014:
            raise ValueError(f"protocol {self.protocol} is of val2014, not of val{self.year}; set year: 2014")
        if self.detections:
            raise ValueError(f"protocol {self.protocol} crops people by their true boxes, not by detections")
        super().check_test_split()

    def _file(self, name: str) -> Path:
        """A file that an option names, in the root or elsewhere."""
        path = Path(name).expanduser()
        return path if path.is_absolute() else require(self.root, (name,), self.how_to_get)
