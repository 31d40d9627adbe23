"""3DPW: people outdoors with inertial sensors, in front of a moving camera (von Marcard et al. 2018).

Layout `raw`, as distributed:

* `imageFiles/<sequence>/image_%05d.jpg`, counted from 0
* `sequenceFiles/{train,validation,test}/<sequence>.pkl`, pickles of Python 2. Per person: `poses` (N, 72), `betas` (10
  or 300), `trans` (N, 3), `jointPositions` (N, 72), `poses2d` (N, 3, 18: x, y, confidence of OpenPose's COCO joints),
  `campose_valid` (N), `genders` (`m`, `f`). Per sequence: `sequence`, `cam_poses` (N, 4, 4; world to camera),
  `cam_intrinsics` (3, 3). SMPL and joints are in the world, metres.

Layout `3dmppe`: `3DPW_{train,validation,test}.json` of I2L-MeshNet's converter instead of `sequenceFiles`.
Layout `spin`: `3dpw_test.npz` of SPIN; without camera and absolute position, and only for testing.
"""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float

from body.choices import check_choices
from body.model import BodyModel
from body.safe_pickle import read_pickle
from body.skeleton import SMPL24
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import FileDataModule
from datamodules.readers.boxes import boxes_inside, boxes_of_points
from datamodules.readers.numbers import is_number
from datamodules.readers.posed import gender_codes, root_translations
from datamodules.readers.root_file import read_root_file, with_root_file
from datamodules.readers.smpl_json import read_smpl_json
from datamodules.readers.spin import read_spin
from datamodules.readers.world import smpl_to_camera, to_camera
from datamodules.settings import DEFAULT_CROPS, CropSettings

Layout = Literal["raw", "3dmppe", "spin"]
_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
_KEYS = ("poses", "betas", "trans", "jointPositions", "poses2d", "campose_valid", "genders", "cam_poses",
         "cam_intrinsics")  # fmt: skip


class Pw3dDataModule(FileDataModule):
    """3DPW in the camera frame, SMPL's 24 joints and parameters.

    A sample is a person in a frame whose camera was aligned (`campose_valid`). Its box encloses the 2D keypoints that
    were found (SPIN, DaNet); where they leave no area, the projected joints inside the image.

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`. `vertices` come from the body of each
            person's gender, except under the neutral protocol and on the open body, which has no genders.
        layout: of the annotations (see the module).
        train_every: keep every so many frames for training.
        detections: layout `3dmppe` only: RootNet's result file, in the root or elsewhere, for boxes and root depths of
            the test split; the true ones when omitted.

    Raises:
        ValueError: unknown protocol or layout.
    """

    folder = "3dpw"
    protocols = ("3dpw-test-14j-gendered", "3dpw-test-14j-neutral")
    expected: ClassVar[dict[str, int]] = {"test": 35515}
    how_to_get = "3DPW: accept the licence at virtualhumans.mpi-inf.mpg.de/3DPW and unpack imageFiles and sequenceFiles"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        train_every: int = 1,
        detections: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(Pw3dDataModule.__init__, locals())
        if detections and layout != "3dmppe":
            raise ValueError(f"RootNet's results go by the people's numbers in layout 3dmppe, not {layout}")
        self.layout, self.train_every, self.detections = layout, train_every, detections

    @property
    def gendered(self) -> bool:
        """See `BaseDataModule.gendered`: under the gendered protocol, on a body that has genders."""
        return self.protocol != "3dpw-test-14j-neutral" and self.crops.body != "open"

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module."""
        if self.layout == "spin":
            return self._spin(split)
        table = self._raw(split) if self.layout == "raw" else self._json(split)
        if split == "train" and self.train_every > 1 and table.frames is not None:
            table = table.take(table.frames % self.train_every == 0)
        if split == "train" or not self.detections:
            return table
        return with_root_file(table, read_root_file(self.file(self.detections), "pw3d"))

    def _raw(self, split: str) -> Annotations:
        folder = self.require(f"sequenceFiles/{_FOLDERS[split]}")
        files = sorted(folder.glob("*.pkl"))
        parts = [part for file in files for part in read_sequence(file)]
        if not parts:
            raise FileNotFoundError(f"{folder} has no .pkl with a person in it. {self.how_to_get}")
        return Annotations.join(parts)

    def _json(self, split: str) -> Annotations:
        name = f"3DPW_{_FOLDERS[split]}.json"
        table, file = read_smpl_json(self.require(name, f"data/{name}"))
        frames = file.images.numbers("frame_idx", dtype=np.int64)[file.image_rows]
        sequences = CategoricalColumn.of(file.images.texts("sequence")).take(file.image_rows)
        joints, betas, gender = table.joints, table.betas, table.gender
        assert joints is not None, "read_smpl_json gives joints"
        assert betas is not None, "and shapes"
        assert gender is not None, "and genders"
        # The converter rotated every body about the neutral body's root, which moves it a little.
        transl = root_translations(joints[:, 0].astype(np.float64), betas.astype(np.float64), gender, self._body_of)
        return replace(
            table,
            images=StringColumn.of([f"imageFiles/{sequences[i]}/{table.images[i]}" for i in range(len(table))]),
            transl=transl.astype(np.float32),
            frames=frames,
            sequences=sequences,
            subjects=CategoricalColumn.of(file.annotations.texts("person_id")),
        )

    def _spin(self, split: str) -> Annotations:
        if split != "test":
            raise ValueError(f"SPIN has no file of 3DPW's {split} split; use layout: raw")
        path = self.require("3dpw_test.npz", "dataset_extras/3dpw_test.npz")
        table = read_spin(path, self.root, body=self._body_model())
        names = [Path(table.images[row]) for row in range(len(table))]
        return replace(
            table,
            sequences=CategoricalColumn.of([name.parent.name for name in names]),
            frames=np.array([int(name.stem.rpartition("_")[2]) for name in names]),
        )

    def _body_of(self, gender: str) -> BodyModel:
        return self._body_model(gender if self.gendered else "neutral")


def read_sequence(path: Path) -> list[Annotations]:
    """The people of one of 3DPW's pickles.

    Raises:
        ValueError: the file is damaged or is not one of 3DPW's.
    """
    try:
        data = read_pickle(path)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{error}; 3DPW's come in sequenceFiles.zip") from None
    missing = [key for key in _KEYS if not isinstance(data, dict) or key not in data]
    if missing:
        raise ValueError(f"{path} is not a sequence of 3DPW: it has no {', '.join(missing)}")
    try:
        seen = [person for person, valid in enumerate(data["campose_valid"]) if np.any(valid)]
        return [_person(path.stem, data, person) for person in seen]
    except (ValueError, IndexError, TypeError) as error:
        raise ValueError(f"{path} is damaged or no sequence of 3DPW ({error})") from None


def _person(sequence: str, data: dict[str, Any], person: int) -> Annotations:
    def column(key: str, *shape: int) -> np.ndarray:
        return np.asarray(data[key][person], np.float64).reshape(-1, *shape)[frames]

    cameras = np.asarray(data["cam_poses"], np.float64).reshape(-1, 4, 4)
    aligned = np.asarray(data["campose_valid"][person]).astype(bool) & is_number(cameras).all((1, 2))
    frames = np.flatnonzero(aligned)
    rows, cameras = len(frames), cameras[frames]
    pose, trans, joints = column("poses", 24, 3), column("trans", 3), column("jointPositions", 24, 3)
    betas = np.tile(np.asarray(data["betas"][person], np.float64).reshape(-1)[:10], (rows, 1))
    fitted = np.all([is_number(part).reshape(rows, -1).all(1) for part in (pose, trans, betas, joints[:, 0])], axis=0)
    if not fitted.all():
        warnings.warn(f"{sequence}: {(~fitted).sum()} fits are no numbers: treated as not annotated", stacklevel=5)
        pose, trans, betas = (np.where(fitted.reshape(-1, *[1] * (p.ndim - 1)), p, 0) for p in (pose, trans, betas))
    rotation, translation = cameras[:, :3, :3], cameras[:, :3, 3]
    # where the root joint rests is what the annotated joints say, so no body model is needed
    roots = np.where(fitted[:, None], joints[:, 0], 0) - trans
    pose[:, 0], transl = smpl_to_camera(pose[:, 0], trans, roots, rotation, translation)
    joints = to_camera(joints, rotation, translation)
    intrinsics = np.asarray(data["cam_intrinsics"], np.float64)
    keypoints = column("poses2d", 3, 18)
    gender = gender_codes([str(data["genders"][person])])
    return Annotations(
        skeleton=SMPL24,
        images=StringColumn.of([f"imageFiles/{sequence}/image_{frame:05d}.jpg" for frame in frames]),
        intrinsics=np.tile(intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]], (rows, 1)),
        boxes=_boxes(keypoints, joints, intrinsics).astype(np.float32),
        joints=joints.astype(np.float32),
        joints_valid=np.ones((rows, 24), bool),
        pose=pose.astype(np.float32),
        betas=betas.astype(np.float32),
        transl=transl.astype(np.float32),
        smpl_valid=fitted,
        gender=np.repeat(gender, rows),
        frames=frames,
        sequences=CategoricalColumn.constant(sequence, rows),
        subjects=CategoricalColumn.constant(str(person), rows),
    )


def _boxes(
    keypoints: Float[np.ndarray, "rows 3 18"],
    joints: Float[np.ndarray, "rows 24 3"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "rows 4"]:
    """Around the keypoints that were found; where they leave no area, around the joints inside the image."""
    found: Bool[np.ndarray, "rows 18"] = (keypoints[:, 2] > 0) & is_number(keypoints).all(1)
    boxes = boxes_of_points(keypoints[:, :2].transpose(0, 2, 1), found)
    projected = joints @ intrinsics.T
    # 3DPW's principal point is the middle of its images
    size = np.tile(2 * intrinsics[:2, 2], (len(joints), 1))
    fallback = boxes_inside(projected[..., :2] / projected[..., 2:], size)
    return np.where((boxes[:, 2:] > 0).all(1, keepdims=True), boxes, fallback)
