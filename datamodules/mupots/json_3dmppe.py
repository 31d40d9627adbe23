"""The annotations as 3DMPPE distributes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from body.skeleton import MPI_INF_3DHP17
from datamodules.readers.coco_json import read_coco

_NAME = re.compile(r"TS(\d+)/img_(\d+)\.jpg")


@dataclass(frozen=True)
class MupotsJson:
    """`MuPoTS-3D.json`: all images, and the people with valid annotations.

    Attributes:
        image_id: number of every image.
        sequence, frame: of every image.
        cameras: (fx, fy, cx, cy) of every image, pixels.
        person_image: position of each person's image.
        person_id: number of each person.
        boxes: (x, y, width, height) of each person, pixels.
        joints: `keypoints_cam`, camera frame, metres.
        pixels: `keypoints_img`.
    """

    image_id: Int[np.ndarray, " images"]
    sequence: Int[np.ndarray, " images"]
    frame: Int[np.ndarray, " images"]
    cameras: Float[np.ndarray, "images 4"]
    person_image: Int[np.ndarray, " people"]
    person_id: Int[np.ndarray, " people"]
    boxes: Float[np.ndarray, "people 4"]
    joints: Float[np.ndarray, "people 17 3"]
    pixels: Float[np.ndarray, "people 17 2"]


def read_3dmppe(path: Path) -> MupotsJson:
    """Read the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, or an image is not called like `TS1/img_000000.jpg`.
    """
    file = read_coco(path)
    names = file.images.paths("file_name")
    matches = [_NAME.fullmatch(name) for name in names]
    wrong = next((name for name, match in zip(names, matches, strict=True) if match is None), None)
    if wrong is not None:
        raise ValueError(f"{path}: image {wrong!r} is not called like TS1/img_000000.jpg; is it MuPoTS-3D's file?")
    numbers = np.array([match.groups() for match in matches if match], np.int64).reshape(-1, 2)
    file = file.take(file.annotations.numbers("is_valid") > 0)
    people, joints = file.annotations, len(MPI_INF_3DHP17)
    return MupotsJson(
        file.images.numbers("id", dtype=np.int64),
        numbers[:, 0],
        numbers[:, 1],
        file.images.numbers("intrinsic", 4),
        file.image_rows,
        people.numbers("id", dtype=np.int64),
        people.numbers("bbox", 4),
        people.numbers("keypoints_cam", joints, 3) / 1000,
        people.numbers("keypoints_img", joints, 2),
    )
