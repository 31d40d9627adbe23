"""DaNet's npz files of DensePose-COCO, whose labels are an array of Python objects."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np

from body.safe_pickle import read_object_array
from body.skeleton import COCO17, SMPL29, SPIN24_COCO
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.densepose.joints import in_smpl29
from datamodules.densepose.labels import DenseLabels

_COCO_IN_SPIN = np.array(SPIN24_COCO.positions_of(COCO17))


def read_danet(path: Path) -> tuple[Annotations, DenseLabels]:
    """People, their COCO joints and surface labels; a focal length of 0 stands for no camera.

    `smpl_2dkps` is not read: `datamodules.densepose.joints` makes the same from COCO's joints.

    Args:
        path: `dp_coco_2014_train.npz` or `dp_coco_2014_minival.npz`; nothing in it is run.

    Raises:
        ValueError: it is truncated, or not DaNet's.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, part = [str(name) for name in stored["imgname"]], np.asarray(stored["part"], np.float64)
            numbers = {key: np.asarray(stored[key], np.int64) for key in ("im_id", "id") if key in stored.files}
        people = read_object_array(path, "dp_annot")
        boxes = np.array([person["bbox"] for person in people], np.float64).reshape(-1, 4)
    except (KeyError, ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is damaged or not DaNet's ({error}); download it again") from None
    if not len(names) == len(part) == len(people):
        raise ValueError(f"{path} is damaged: {len(names)} images, {len(part)} poses, {len(people)} people")
    joints = part[:, _COCO_IN_SPIN]
    pixels, valid = in_smpl29(joints[..., :2], joints[..., 2] > 0)
    table = Annotations(
        skeleton=SMPL29,
        images=StringColumn.of(names),
        intrinsics=np.zeros((len(names), 4), np.float32),
        boxes=boxes.astype(np.float32),
        joints_2d=pixels.astype(np.float32),
        joints_2d_valid=valid,
        image_ids=numbers.get("im_id"),
        annotation_ids=numbers.get("id"),
    )
    return table, DenseLabels.of(people, boxes, str(path))
