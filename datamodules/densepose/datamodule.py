"""DensePose-COCO: points of everyday images with their position on the body's surface (Güler et al. 2018).

Layout `raw`, as distributed:

* `densepose_coco_2014_{train,valminusminival,minival}.json` (or Detectron2's `densepose_{train,...}2014.json`): COCO's
  keypoint annotations (`datamodules.coco`), of which those of annotated people also have `dp_x`, `dp_y` (0 to 255 in
  the box), `dp_I` (part, 1 to 24), `dp_U`, `dp_V` of about 100 points, and `dp_masks`: 14 run-length encoded masks of
  256 x 256 over the box, `[]` for a part that is not seen
* `train2014/` and `val2014/`, COCO's images, here or in another folder

Layout `danet`: `dp_coco_2014_{train,minival}.npz` of DaNet, with `imgname`, `part` (24 joints of SPIN), `smpl_2dkps`
and an array of objects, `dp_annot`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from body.assets import find_asset
from body.choices import check_choices
from body.skeleton import SMPL29
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.coco.people import guessed_cameras, image_sizes
from datamodules.columns import StringColumn
from datamodules.densepose.joints import guess_smpl_joints, in_smpl29
from datamodules.densepose.labels import DenseLabels
from datamodules.files import FileDataModule, require
from datamodules.readers.coco_json import read_coco
from datamodules.sample import RawSample, Source
from datamodules.settings import DEFAULT_CROPS, CropSettings

Layout = Literal["raw", "danet"]
_IMAGES = "COCO 2014 images: download train2014 and val2014 from cocodataset.org, and name their folder in `images`"


class DensePoseCocoDataModule(FileDataModule):
    """People with surface points and coarse masks, joints in `smpl29`.

    Samples are the people with masks (DaNet); the boxes are COCO's. COCO's 17 joints are those that are labelled; the
    others can be guessed from them, as DaNet trains with. There is no 3D, and the camera is guessed: 60 degrees across
    the longer side. `val` is the test split, minival.

    Mirroring needs `UV_symmetry_transforms.mat`, scoring DensePose's geodesic distances (`datamodules.dense`,
    `body.densepose_surface`).

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see the module).
        images: folder of COCO's images; the root, or `$ZOO_ASSETS/benchmarks/coco`, when omitted.
        pseudo_joints: guess SMPL's other joints from COCO's (`guess_smpl_joints`).
        valminusminival: train on this part too (layout `raw`); DaNet does not.

    Raises:
        ValueError: no such protocol or layout.
    """

    folder = "densepose_coco"
    protocols = ("densepose-points",)
    expected: ClassVar[dict[str, int]] = {"train": 39210, "test": 2243}
    how_to_get = (
        "DensePose-COCO: run get_DensePose_COCO.sh of github.com/facebookresearch/DensePose for the annotations, "
        "and get COCO's 2014 images from cocodataset.org"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        images: str | None = None,
        pseudo_joints: bool = True,
        valminusminival: bool = False,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(DensePoseCocoDataModule.__init__, locals())
        self.layout, self.images, self.pseudo_joints = layout, images, pseudo_joints
        self.valminusminival = valminusminival
        self._dense: dict[str, DenseLabels] = {}

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module."""
        parts = [("train" if split == "train" else "minival")]
        parts += ["valminusminival"] * (split == "train" and self.valminusminival and self.layout == "raw")
        read = [self._read(part) for part in parts]
        self._dense[split] = DenseLabels.join([labels for _, labels in read])
        return Annotations.join([table for table, _ in read])

    def _read(self, part: str) -> tuple[Annotations, DenseLabels]:
        folder = f"{'train' if part == 'train' else 'val'}2014"
        if self.layout == "danet":
            from datamodules.densepose.npz import read_danet

            table, labels = read_danet(self.require(f"dp_coco_2014_{part}.npz"))
        else:
            names = f"densepose_coco_2014_{part}.json", f"densepose_{part}2014.json"
            table, labels = read_densepose(self.require(*names), folder)
        require(self.image_folder, [folder], _IMAGES)
        return (guess_smpl_joints(table) if self.pseudo_joints else table), labels

    @property
    def image_folder(self) -> Path:
        """Folder of COCO's images.

        Raises:
            FileNotFoundError: it is not there.
        """
        if self.images:
            return Path(self.images).expanduser()
        beside = find_asset("benchmarks/coco")
        own = any((self.root / name).is_dir() for name in ("train2014", "val2014"))
        return self.root if own or beside is None else beside

    def source(self, split: str) -> Source:
        """Raw samples of a split, with their surface labels."""
        table = self.table(split)
        return DenseSource(table, self.image_folder, self._dense[split])

    def fingerprint(self, split: str) -> str:
        """Hash of every label of the split."""
        labels = self.table(split).fingerprint() + self._dense[split].fingerprint()
        return hashlib.sha256(labels.encode()).hexdigest()

    def expected_samples(self, split: str) -> int | None:
        """See `FileDataModule.expected_samples`."""
        more = 7297 if split == "train" and self.valminusminival else 0
        known = super().expected_samples(split)
        return None if known is None else known + more


class DenseSource(AnnotatedSource):
    """Raw samples with surface labels, and a guessed camera where the table has none.

    Args:
        table: the labels; a focal length of 0 stands for no camera.
        root: folder of the images.
        labels: of the surface, of the same people.
    """

    def __init__(self, table: Annotations, root: Path, labels: DenseLabels) -> None:
        super().__init__(table, root)
        self.labels = labels

    def __getitem__(self, index: int) -> RawSample:
        sample = super().__getitem__(index)
        height, width = sample.image.shape[:2]
        intrinsics = sample.intrinsics
        if intrinsics[0, 0] == 0:
            fx, fy, cx, cy = guessed_cameras(np.array([[width, height]], np.float64))[0]
            intrinsics = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        return replace(sample, intrinsics=intrinsics, **self.labels.fields(index, (width, height)))


def read_densepose(path: Path, folder: str) -> tuple[Annotations, DenseLabels]:
    """The people of one of DensePose's files who have masks, with COCO's joints.

    Args:
        path: the file.
        folder: of its images, relative to that of all images.

    Raises:
        ValueError: the file is truncated, lacks something, or holds damaged labels.
    """
    file = read_coco(path)
    file = file.take(file.annotations.has("dp_masks"))
    people, images = file.annotations, file.images
    boxes, keypoints = people.numbers("bbox", 4), people.numbers("keypoints", 17, 3)
    names = images.paths("file_name")
    pixels, valid = in_smpl29(keypoints[..., :2], keypoints[..., 2] > 0)
    table = Annotations(
        skeleton=SMPL29,
        images=StringColumn.of([f"{folder}/{names[row]}" for row in file.image_rows]),
        intrinsics=guessed_cameras(image_sizes(images)[file.image_rows]).astype(np.float32),
        boxes=boxes.astype(np.float32),
        joints_2d=pixels.astype(np.float32),
        joints_2d_valid=valid,
        image_ids=people.numbers("image_id", dtype=np.int64),
        annotation_ids=people.numbers("id", dtype=np.int64),
    )
    return table, DenseLabels.of(people.rows, boxes, str(path))
