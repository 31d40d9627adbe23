"""Tables of COCO's people, from the files that there are of them."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from body.skeleton import COCO17, COCO19, SPIN24_COCO
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.readers.boxes import clip_boxes, scale_boxes
from datamodules.readers.coco_json import CocoFile, Entries, rows_of
from datamodules.readers.root_file import MARGIN, read_root_file
from datamodules.readers.spin import read_spin

People = Literal["labelled", "whole"]
"""Which people are samples: with any labelled keypoint (I2L-MeshNet, RootNet), or with all twelve joints of the limbs
(SPIN)."""
Boxes = Literal["annotated", "clipped", "release"]
"""As annotated (SPIN, DaNet); cut at the border of the image; as I2L-MeshNet's release cuts them, see
`datamodules.readers.boxes.clip_boxes`."""
_DETECTED_FOCAL = 1500.0  # I2L-MeshNet's and RootNet's guess for images that say nothing
_LIMBS = tuple(COCO17.index(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
               for side in ("left", "right"))  # fmt: skip


def labelled_people(
    file: CocoFile, folder: str, people: People = "labelled", boxes: Boxes = "annotated"
) -> Annotations:
    """The people of a keypoint file with labelled keypoints.

    Args:
        file: annotations of COCO's form.
        folder: of the images, relative to the benchmark's.
        people: see `People`.
        boxes: see `Boxes`. Where cutting leaves nothing of a box, the person is left out, and a warning counts them.

    Raises:
        ValueError: an annotation lacks `bbox`, `keypoints` or `iscrowd`, or an image its size or name.
    """
    labels = file.annotations.numbers("keypoints", 17, 3)[..., 2] > 0
    kept = (labels.any(1) if people == "labelled" else labels[:, _LIMBS].all(1)) & ~_crowds(file.annotations)
    file = file.take(kept)
    found, sizes = file.annotations.numbers("bbox", 4), image_sizes(file.images)[file.image_rows]
    if boxes != "annotated":
        found, inside = clip_boxes(found, sizes, release=boxes == "release")
        inside &= (found[:, 2:] > 0).all(1)
        if not inside.all():
            warnings.warn(
                f"{(~inside).sum()} people of {file.annotations.where} have no box in the image", stacklevel=2
            )
        file, found, sizes = file.take(inside), found[inside], sizes[inside]
    keypoints = file.annotations.numbers("keypoints", 17, 3)
    pixels, valid = with_midpoints(keypoints[..., :2], keypoints[..., 2] > 0)
    names = file.images.paths("file_name")
    return Annotations(
        skeleton=COCO19,
        images=StringColumn.of([f"{folder}/{names[row]}" for row in file.image_rows]),
        intrinsics=guessed_cameras(sizes).astype(np.float32),
        boxes=found.astype(np.float32),
        joints_2d=pixels.astype(np.float32),
        joints_2d_valid=valid,
        image_ids=file.annotations.numbers("image_id", dtype=np.int64),
        annotation_ids=file.annotations.numbers("id", dtype=np.int64),
    )


def spin_people(path: Path, root: Path) -> Annotations:
    """The people of SPIN's file, in the order of its rows, with the image ids that COCO's file names end with.

    Raises:
        ValueError: the file is damaged or not SPIN's, or a name has no number.
    """
    table = read_spin(path, root, SPIN24_COCO)
    if table.joints_2d is None or table.joints_2d_valid is None:
        raise ValueError(f"{path} has no keypoints")
    picked = SPIN24_COCO.positions_of(COCO17)
    pixels, valid = with_midpoints(table.joints_2d[:, picked], table.joints_2d_valid[:, picked])
    numbers = [re.search(r"(\d+)\.\w+$", table.images[row]) for row in range(len(table))]
    if None in numbers:
        raise ValueError(f"{path}: {table.images[numbers.index(None)]} is no image of COCO's")
    ids = np.array([int(number[1]) for number in numbers if number], np.int64)
    return replace(table, skeleton=COCO19, joints_2d=pixels, joints_2d_valid=valid, image_ids=ids)


def detected_people(path: Path, images: Entries, folder: str) -> Annotations:
    """What RootNet detected, with its root position as the only joint.

    Raises:
        ValueError: the file is not RootNet's, or names an image that is not among `images`.
    """
    people = read_root_file(path, "coco")
    ids = np.array([person.image_id for person in people], np.int64)
    rows = rows_of(ids, images.numbers("id", dtype=np.int64), path)
    names, sizes = images.paths("file_name"), image_sizes(images)[rows]
    windows = np.array([person.box for person in people], np.float64).reshape(-1, 4)
    joints, valid = np.zeros((len(ids), len(COCO19), 3), np.float32), np.zeros((len(ids), len(COCO19)), bool)
    joints[:, COCO19.root_index] = np.array([person.root for person in people]).reshape(-1, 3)
    valid[:, COCO19.root_index] = True
    return Annotations(
        skeleton=COCO19,
        images=StringColumn.of([f"{folder}/{names[row]}" for row in rows]),
        intrinsics=np.concatenate([np.full_like(sizes, _DETECTED_FOCAL), sizes / 2], 1).astype(np.float32),
        boxes=scale_boxes(windows, 1 / MARGIN).astype(np.float32),
        joints=joints,
        joints_valid=valid,
        root_depths=joints[:, COCO19.root_index, 2].astype(np.float64),
        image_ids=ids,
    )


def with_midpoints(
    pixels: Float[np.ndarray, "rows 17 2"], valid: Bool[np.ndarray, "rows 17"]
) -> tuple[Float[np.ndarray, "rows 19 2"], Bool[np.ndarray, "rows 19"]]:
    """COCO's keypoints in `coco19`; zeros where not valid."""
    for joint in ("hip", "shoulder"):
        pair = [COCO17.index(f"left_{joint}"), COCO17.index(f"right_{joint}")]
        pixels = np.concatenate([pixels, pixels[:, pair].mean(1, keepdims=True)], 1)
        valid = np.concatenate([valid, valid[:, pair].all(1, keepdims=True)], 1)
    return np.where(valid[..., None], pixels, 0.0), valid


def image_sizes(images: Entries) -> Float[np.ndarray, "images 2"]:
    """Width and height of every image of a file."""
    return np.stack([images.numbers("width"), images.numbers("height")], 1)


def guessed_cameras(sizes: Float[np.ndarray, "rows 2"]) -> Float[np.ndarray, "rows 4"]:
    """`body.camera.default_intrinsics` of many images, as (fx, fy, cx, cy)."""
    focal = sizes.max(1, keepdims=True, initial=0) / 2 / math.tan(math.radians(30))
    return np.concatenate([focal, focal, (sizes - 1) / 2], 1)


def _crowds(annotations: Entries) -> Bool[np.ndarray, " rows"]:
    return annotations.numbers("iscrowd") > 0
