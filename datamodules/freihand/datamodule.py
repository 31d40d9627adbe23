"""FreiHAND: right hands with MANO fits from several views (Zimmermann et al. 2019), version 2.

Layout `raw`, as distributed (`FreiHAND_pub_v2.zip` and `FreiHAND_pub_v2_eval.zip`):

* `{training,evaluation}/rgb/%08d.jpg`, 224 x 224. Training has every pose four times, on four backgrounds (`VERSIONS`):
  image = pose + version * number of poses (32560)
* `{training,evaluation}_{K,xyz,mano}.json`, lists by pose: camera (3, 3), pixels; 21 joints, camera frame, metres; MANO
  as (1, 61): pose 48 (without the mean hand), shape 10, position of the root in the image 2, scale 1. `_verts.json` and
  `_scale.json` say the same again and are not read

Layout `3dmppe`, of I2L-MeshNet: `freihand_{train,eval}_coco.json` (`images` with `file_name` and `db_idx`,
`annotations` with `bbox`) and `freihand_{train,eval}_data.json`, `db_idx` -> `cam_param` (`focal`, `princpt`), and for
training `mano_param` (`pose`, `shape`, `trans`; metres) and `joint_3d`; images as above. The joints and MANO of the
evaluation split are taken from `evaluation_{xyz,mano}.json` where they are there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from body.choices import check_choices
from body.model import BodyModel
from body.skeleton import MANO21
from datamodules.annotations import Annotations
from datamodules.augment import Augmentation
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import FileDataModule
from datamodules.readers.boxes import boxes_of_points, clip_boxes, scale_boxes
from datamodules.readers.coco_json import Entries, read_coco, read_json
from datamodules.readers.posed import RestJoints
from datamodules.readers.root_file import MARGIN, read_root_file
from datamodules.readers.world import to_pixels
from datamodules.settings import CropSettings
from metrics import SplitLabels

Layout = Literal["raw", "3dmppe"]
VERSIONS = ("gs", "hom", "sample", "auto")
"""Backgrounds: green screen as recorded; composed, coloured by two networks."""
HAND_CROPS = CropSettings(skeleton="mano21", body="mano", augmentation=Augmentation(flip_probability=0.0))
"""Crops of right hands, which are never mirrored."""
_SIDE, _BOX_MARGIN = 224, 1.2


class FreiHandDataModule(FileDataModule):
    """FreiHAND in the camera frame: 21 joints, and MANO's parameters as `pose` (16 joints), `betas` and `transl`.

    Without body `mano` there are joints alone. `val` is the evaluation split. Boxes of the layout `raw` enclose the
    projected joints and are 1.2 times as large (I2L-MeshNet's converters), or the whole image without joints.

    Args:
        root, protocol, batch_size, num_workers: see `FileDataModule`.
        crops: see `FileDataModule`; hands cannot be mirrored.
        layout: of the annotations (see the module).
        versions: how many of the `VERSIONS` to train on.
        release: cut training boxes as I2L-MeshNet's release does, see `datamodules.readers.boxes.clip_boxes`.
        detections: RootNet's result file, in the root or elsewhere: its boxes for the evaluation split, and its root
            positions where the joints are not known.

    Raises:
        ValueError: unknown protocol or layout, another number of versions, or training samples that are mirrored.
    """

    folder = "freihand"
    protocols = ("freihand-eval",)
    expected: ClassVar[dict[str, int]] = {"train": 130_240, "test": 3960}
    how_to_get = (
        "FreiHAND: download FreiHAND_pub_v2.zip and FreiHAND_pub_v2_eval.zip from "
        "lmb.informatik.uni-freiburg.de/projects/freihand"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = HAND_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        versions: int = len(VERSIONS),
        release: bool = False,
        detections: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(FreiHandDataModule.__init__, locals())
        if not 1 <= versions <= len(VERSIONS):
            raise ValueError(f"FreiHAND has 1 to {len(VERSIONS)} versions of each image, not {versions}")
        _check_unmirrored(crops)
        self.layout, self.versions, self.release, self.detections = layout, versions, release, detections

    def use_crops(self, crops: CropSettings) -> None:
        """See `BaseDataModule.use_crops`."""
        _check_unmirrored(crops)
        super().use_crops(crops)

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module."""
        part = "training" if split == "train" else "evaluation"
        self.require(f"{part}/rgb")
        table = self._raw(part) if self.layout == "raw" else self._json(part)
        if split == "train":
            sizes = np.full((len(table), 2), float(_SIDE))
            boxes, kept = clip_boxes(table.boxes.astype(np.float64), sizes, self.release)
            return replace(table, boxes=boxes.astype(np.float32)).take(kept)
        return table if self.detections is None else with_detections(table, self.file(self.detections))

    def split_labels(self) -> SplitLabels:
        """Nothing beyond the batches, but their truth must be there.

        Raises:
            ValueError: the evaluation split has images alone, as it was first distributed.
        """
        if self.table("test").smpl_valid is None:
            raise ValueError(
                f"{self.root} has no evaluation_xyz.json and evaluation_mano.json, or crops.body is not mano: without "
                f"them predictions can only be written for the server (datamodules.freihand.submission)"
            )
        return {}

    def _raw(self, part: str) -> Annotations:
        cameras = _numbers(self.require(f"{part}_K.json"), 3, 3)
        count, copies = len(cameras), self.versions if part == "training" else 1
        version, pose = np.divmod(np.arange(count * copies), count)
        table = Annotations(
            skeleton=MANO21,
            images=StringColumn.of([f"{part}/rgb/{number:08d}.jpg" for number in version * count + pose]),
            intrinsics=cameras[:, [0, 1, 0, 1], [0, 1, 2, 2]][pose].astype(np.float32),
            boxes=np.tile(np.array([[0, 0, _SIDE, _SIDE]], np.float32), (len(pose), 1)),
            image_ids=version * count + pose,
            frames=pose,
            sequences=CategoricalColumn(version.astype(np.int32), VERSIONS),
        )
        table = self._with_labels(table, part, pose)
        if table.joints is None:
            return table
        pixels = to_pixels(table.joints.astype(np.float64), table.intrinsics.astype(np.float64))
        boxes = boxes_of_points(pixels, np.ones(pixels.shape[:2], bool), _BOX_MARGIN)
        return replace(table, boxes=boxes.astype(np.float32))

    def _json(self, part: str) -> Annotations:
        stem = "train" if part == "training" else "eval"
        file = read_coco(self.require(f"freihand_{stem}_coco.json"))
        path = self.require(f"freihand_{stem}_data.json")
        content, keys = read_json(path), [file.images.texts("db_idx")[row] for row in file.image_rows]
        absent = [key for key in keys if key not in content]
        if absent:
            raise ValueError(f"{path} has nothing about db_idx {absent[0]}; are these files of the same split?")
        hands = Entries([content[key] for key in keys], str(path))
        names = file.images.paths("file_name")
        cameras = np.concatenate([hands.numbers("cam_param.focal", 2), hands.numbers("cam_param.princpt", 2)], 1)
        number = np.array(keys, np.int64)
        table = Annotations(
            skeleton=MANO21,
            images=StringColumn.of([f"{part}/{names[row]}" for row in file.image_rows]),
            intrinsics=cameras.astype(np.float32),
            boxes=file.annotations.numbers("bbox", 4).astype(np.float32),
            image_ids=file.annotations.numbers("image_id", dtype=np.int64),
            frames=number,
        )
        if part == "evaluation":
            return self._with_labels(table, part, number)
        joints = hands.numbers("joint_3d", 21, 3).astype(np.float32)
        table = replace(table, joints=joints, joints_valid=np.ones(joints.shape[:2], bool))
        if self._mano() is None:
            return table
        return replace(
            table,
            pose=hands.numbers("mano_param.pose", 16, 3).astype(np.float32),
            betas=hands.numbers("mano_param.shape", 10).astype(np.float32),
            transl=hands.numbers("mano_param.trans", 3).astype(np.float32),
            smpl_valid=np.ones(len(table), bool),
        )

    def _with_labels(self, table: Annotations, part: str, pose: np.ndarray) -> Annotations:
        """Joints and MANO from the raw files of a split, where they are there; training has them always."""
        names = [f"{part}_{kind}.json" for kind in ("xyz", "mano")]
        if part == "evaluation" and not all((self.root / name).is_file() for name in names):
            return table
        joints, mano = _numbers(self.require(names[0]), 21, 3), _numbers(self.require(names[1]), 61)
        if max(pose, default=-1) >= min(len(joints), len(mano)):
            raise ValueError(f"{self.root}: {' and '.join(names)} have fewer poses than the cameras; copy them again")
        table = replace(
            table, joints=joints[pose].astype(np.float32), joints_valid=np.ones((len(pose), len(MANO21)), bool)
        )
        body = self._mano()
        if body is None:
            return table
        betas = mano[:, 48:58]
        transl = joints[: len(mano), 0] - RestJoints(body).of(betas)[: len(joints), 0]
        return replace(
            table,
            pose=mano[pose, :48].reshape(-1, 16, 3).astype(np.float32),
            betas=betas[pose].astype(np.float32),
            transl=transl[pose].astype(np.float32),
            smpl_valid=np.ones(len(pose), bool),
        )

    def _mano(self) -> BodyModel | None:
        body = self._body_model()
        return body if len(body.parents) == 16 else None


def _check_unmirrored(crops: CropSettings) -> None:
    if crops.augmentation is not None and crops.augmentation.flip_probability > 0:
        raise ValueError("a mirrored right hand is a left hand; set crops.augmentation.flip_probability to 0")


def with_detections(table: Annotations, path: Path) -> Annotations:
    """A split with the boxes and root depths of RootNet's file, and its root positions where no joints are known.

    Raises:
        ValueError: the file is not RootNet's, or does not have every image.
    """
    found = {result.image_id: result for result in read_root_file(path, "freihand")}
    ids = [] if table.image_ids is None else table.image_ids.tolist()
    absent = [number for number in ids if number not in found]
    if absent or len(ids) != len(table):
        raise ValueError(f"{path} has no box for image {absent[:1]}; is it of the evaluation split?")
    windows = np.array([found[number].box for number in ids], np.float64).reshape(-1, 4)
    depths = np.array([found[number].root[2] for number in ids])
    table = replace(table, boxes=scale_boxes(windows, 1 / MARGIN).astype(np.float32), root_depths=depths)
    if table.joints is not None:
        return table
    joints, valid = np.zeros((len(ids), len(MANO21), 3), np.float32), np.zeros((len(ids), len(MANO21)), bool)
    joints[:, MANO21.root_index], valid[:, MANO21.root_index] = [found[number].root for number in ids], True
    return replace(table, joints=joints, joints_valid=valid)


def _numbers(path: Path, *shape: int) -> Float[np.ndarray, "rows ..."]:
    """One of FreiHAND's lists as an array."""
    try:
        values = np.array(read_json(path), np.float64)
        return values.reshape(len(values), *shape)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a list of {' x '.join(map(str, shape))} numbers each ({error})") from None
