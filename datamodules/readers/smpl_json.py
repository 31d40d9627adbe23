"""The COCO-style JSON into which I2L-MeshNet's converters bring 3DPW and SURREAL."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from body.skeleton import SMPL24
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.readers.boxes import scale_boxes
from datamodules.readers.coco_json import CocoFile, read_coco
from datamodules.readers.posed import gender_codes

BOX_MARGIN = 1.2
"""How much the converters enlarge the box of the joints inside the image."""


def read_smpl_json(path: Path) -> tuple[Annotations, CocoFile]:
    """People with SMPL parameters, by annotation.

    Args:
        path: file whose images have `file_name` and `cam_param` (`focal`, `princpt`: pixels), and whose annotations
            have `joint_cam` (24 joints, metres, camera frame), `bbox` and `smpl_param` (`pose`, `shape`, `trans`,
            `gender`).

    Returns:
        The table, whose `images` are the file names as they stand, and the file for what else it says.

    Raises:
        FileNotFoundError, ValueError: see `datamodules.readers.coco_json.read_coco`.
    """
    file = read_coco(path)
    images, people = file.images, file.annotations
    cameras = np.concatenate([images.numbers("cam_param.focal", 2), images.numbers("cam_param.princpt", 2)], -1)
    names, joints = images.paths("file_name"), people.numbers("joint_cam", 24, 3, dtype=np.float32)
    table = Annotations(
        skeleton=SMPL24,
        images=StringColumn.of([names[row] for row in file.image_rows]),
        intrinsics=cameras[file.image_rows],
        boxes=scale_boxes(people.numbers("bbox", 4), 1 / BOX_MARGIN).astype(np.float32),
        joints=joints,
        joints_valid=np.ones(joints.shape[:2], bool),
        pose=people.numbers("smpl_param.pose", 24, 3, dtype=np.float32),
        betas=people.numbers("smpl_param.shape", 10, dtype=np.float32),
        transl=people.numbers("smpl_param.trans", 3, dtype=np.float32),
        smpl_valid=np.ones(len(people), bool),
        gender=gender_codes(people.texts("smpl_param.gender")),
        image_ids=people.numbers("image_id", dtype=np.int64),
        annotation_ids=people.numbers("id", dtype=np.int64),
    )
    return table, file
