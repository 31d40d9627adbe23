"""MuCo-3DHP: several people of MPI-INF-3DHP put into one image (Mehta et al., 3DV 2018); for training.

Layout: what the authors of 3DMPPE and I2L-MeshNet composited and distribute.

* `MuCo-3DHP.json`, COCO-style: `images` (`id`, `file_name` in `augmented_set` or `unaugmented_set`, `width`, `height`,
  `f` and `c`: focal lengths and principal point, pixels) and `annotations` (`id`, `image_id`, `bbox`: x, y, width,
  height; `keypoints_cam`: 21 x 3 millimetres, camera frame; `keypoints_img`: 21 x 2 pixels)
* optional: `smpl_param.json`, annotation id -> SMPLify-X fit (`datamodules.readers.fits`)
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from body.choices import check_choices
from body.skeleton import MUCO21
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.files import FileDataModule
from datamodules.readers.boxes import clip_boxes
from datamodules.readers.coco_json import CocoFile, read_coco
from datamodules.readers.fits import warn_of_other_body, with_smplifyx_fits
from datamodules.settings import DEFAULT_CROPS, CropSettings

People = Literal["closest", "apart", "all"]
"""Who is a sample: in each image the person whose pelvis is nearest to the camera (I2L-MeshNet); also those who are at
least 50 cm away from everybody else, in 3D and across the view (3DMPPE, RootNet); or all."""
Boxes = Literal["annotated", "clipped", "release"]
"""As annotated; cut at the border of the image; as I2L-MeshNet's release cuts them, see `clip_boxes`."""
FITS = "smpl_param.json"

_APART = 0.5  # metres


class MucoDataModule(FileDataModule):
    """MuCo-3DHP's 21 joints in the camera frame, and SMPL fits.

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`; nobody is evaluated on these data.
        people: who is a sample (see `People`).
        boxes: see `Boxes`. Where cutting leaves nothing of a box, the person is left out, and a warning counts them.
        fits: attach the fits of `smpl_param.json`.

    Raises:
        ValueError: an option has a value that is not known.
    """

    folder = "muco"
    protocols = ()
    splits = ("train",)
    how_to_get = (
        "MuCo-3DHP: accept the terms at vcai.mpi-inf.mpg.de/projects/SingleShotMultiPerson and download the composited "
        "files from github.com/mks0601/3DMPPE_POSENET_RELEASE"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        people: People = "closest",
        boxes: Boxes = "clipped",
        fits: bool = True,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(MucoDataModule.__init__, locals())
        self.people, self.boxes, self.fits = people, boxes, fits

    def annotations(self, split: str) -> Annotations:  # noqa: ARG002 (there is one)
        """Read the training split; see the module."""
        file = read_coco(self.require("MuCo-3DHP.json"))
        file = file.take(chosen_people(file, self.people))
        table = _table(file, self.boxes)
        if not self.fits:
            return table
        table = with_smplifyx_fits(table, self.require(FITS))
        warn_of_other_body(table, self.crops.body)
        return table


def chosen_people(file: CocoFile, people: People) -> Bool[np.ndarray, "annotations"]:
    """Which people of a file are samples, see `People`."""
    pelvis = file.annotations.numbers("keypoints_cam", len(MUCO21), 3)[:, MUCO21.root_index] / 1000
    if people == "all" or not len(pelvis):
        return np.ones(len(pelvis), bool)
    order = np.lexsort((pelvis[:, 2], file.image_rows))  # stable: of two at one depth the first is the closest
    chosen = np.zeros(len(pelvis), bool)
    chosen[order[np.unique(file.image_rows[order], return_index=True)[1]]] = True
    return chosen if people == "closest" else chosen | _alone(pelvis, file.image_rows)


def _alone(
    pelvis: Float[np.ndarray, "people 3"], image_rows: Int[np.ndarray, " people"]
) -> Bool[np.ndarray, " people"]:
    """People with nobody within 50 cm in the same image; rows sorted by image are compared at growing distance."""
    order = np.argsort(image_rows, kind="stable")
    sorted_rows, positions = image_rows[order], pelvis[order]
    alone = np.ones(len(order), bool)
    for step in range(1, int(np.bincount(image_rows).max())):
        offset = positions[step:] - positions[:-step]
        near = np.linalg.norm(offset[:, :2], axis=1) < _APART  # and so whoever is near in 3D
        near &= sorted_rows[step:] == sorted_rows[:-step]
        alone[step:] &= ~near
        alone[:-step] &= ~near
    result = np.empty_like(alone)
    result[order] = alone
    return result


def _table(file: CocoFile, boxes: Boxes) -> Annotations:
    images, people = file.images, file.annotations
    sizes = np.stack([images.numbers("width"), images.numbers("height")], 1)[file.image_rows]
    found = people.numbers("bbox", 4)
    if boxes != "annotated":
        found, inside = clip_boxes(found, sizes, release=boxes == "release")
        inside &= (found[:, 2:] > 0).all(1)
        if not inside.all():
            warnings.warn(f"{(~inside).sum()} people of {people.where} have no box in the image", stacklevel=2)
        file, found = file.take(inside), found[inside]
        people = file.annotations
    cameras = np.concatenate([images.numbers("f", 2), images.numbers("c", 2)], 1)
    names = images.paths("file_name")
    valid = np.ones((len(people), len(MUCO21)), bool)
    return Annotations(
        skeleton=MUCO21,
        images=StringColumn.of([names[row] for row in file.image_rows]),
        intrinsics=cameras[file.image_rows],
        boxes=found.astype(np.float32),
        joints=(people.numbers("keypoints_cam", len(MUCO21), 3) / 1000).astype(np.float32),
        joints_valid=valid,
        joints_2d=people.numbers("keypoints_img", len(MUCO21), 2, dtype=np.float32),
        joints_2d_valid=valid,
        image_ids=people.numbers("image_id", dtype=np.int64),
        annotation_ids=people.numbers("id", dtype=np.int64),
    )
