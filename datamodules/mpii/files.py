"""MPII's annotations in the files that they are passed on in.

Convention:
    MPII counts pixels from 1, as MATLAB does, and so do the files that others made of its own; here they count from 0.
    A image with several people has its annotated people in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from body.extras import import_extra
from body.mat_files import read_mat
from datamodules.mpii.people import MARGIN, People, person_boxes, square_boxes
from datamodules.readers.boxes import boxes_of_points, scale_boxes
from datamodules.readers.coco_json import read_coco

_JSON_MARGIN = 1.2
"""3DMPPE's converter enlarges the box of the joints by this."""


def read_release(path: Path) -> People:
    """The training people of `mpii_human_pose_v1_u12_1.mat`, those with joints and a position.

    A MATLAB 5 struct `RELEASE`: `annolist(i).image.name`, `annolist(i).annorect(k)` with `scale`, `objpos.x`,
    `objpos.y`, `annopoints.point(j)` with `x`, `y`, `id` (0 to 15), and `img_train(i)`.

    Raises:
        ValueError: the file is damaged or laid out otherwise.
    """
    release = read_mat(path, ["RELEASE"])["RELEASE"]
    try:
        release = release[0, 0]
        train = np.ravel(release["img_train"]).astype(bool)
        rows = [row for number in np.flatnonzero(train) for row in _people(release["annolist"][0, number])]
        names, points, positions = zip(*rows, strict=True) if rows else ((), (), ())
        position = np.array(positions, np.float64).reshape(-1, 3)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not laid out as MPII's release ({error!r}); download it again") from None
    joints = np.array(points, np.float64).reshape(-1, 16, 2)
    valid = np.all(np.isfinite(joints), axis=-1)
    boxes = person_boxes(position[:, :2] - 1, position[:, 2])
    return People([f"images/{name}" for name in names], np.where(valid[..., None], joints - 1, 0.0), valid, boxes)


def _people(image: Any) -> Iterator[tuple[str, Float[np.ndarray, "16 2"], tuple[float, float, float]]]:
    """Name, joints (NaN where there is none) and position with scale of everybody in a image."""
    name = str(image["image"][0, 0]["name"].item())
    for person in np.ravel(image["annorect"]):
        if not all(_has(person, field) for field in ("annopoints", "objpos", "scale")):
            continue
        position, joints = person["objpos"][0, 0], np.full((16, 2), np.nan)
        for point in np.ravel(person["annopoints"][0, 0]["point"]):
            joints[int(point["id"].item())] = float(point["x"].item()), float(point["y"].item())
        yield name, joints, (float(position["x"].item()), float(position["y"].item()), float(person["scale"].item()))


def _has(struct: Any, field: str) -> bool:
    return struct.dtype.names is not None and field in struct.dtype.names and struct[field].size > 0


def read_hourglass(path: Path) -> People:
    """People of `train.h5` or `valid.h5` of stacked-hourglass training.

    Arrays `imgname` (bytes, or character codes), `part` (N, 16, 2), `center` (N, 2), `scale` (N); joints that are not
    annotated are 0. The centre is MPII's, moved by 15 pixels per unit of scale towards the feet, and the scale is
    1.25 times MPII's already, as the authors' files have them; boxes have no margin, as in `read_release`.

    Raises:
        ValueError: the file is damaged or lacks an array.
    """
    try:
        with import_extra("h5py", "data").File(path, "r") as file:
            names, part, centre, scale = (np.asarray(file[key]) for key in ("imgname", "part", "center", "scale"))
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{path} is damaged, or no stacked-hourglass annotation ({error}); download it again"
        ) from None
    if names.ndim == 2:
        texts = ["".join(chr(int(code)) for code in row if code) for row in names]
    else:
        texts = [name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist()]
    joints = part.astype(np.float64).reshape(-1, 16, 2)
    valid = np.all(joints > 0, axis=-1)
    boxes = square_boxes(centre.astype(np.float64) - 1, scale.astype(np.float64).reshape(-1) / MARGIN)
    return People([f"images/{name}" for name in texts], np.where(valid[..., None], joints - 1, 0.0), valid, boxes)


def read_3dmppe(path: Path) -> tuple[People, Float[np.ndarray, "rows 2"], np.ndarray]:
    """People of 3DMPPE's `annotations/train.json`, with the sizes of their images and their annotation ids.

    COCO-style: images with `file_name` (`images/015601864.jpg`), annotations with `keypoints` (16 x 3: x, y, 1 where
    annotated) and a box of the joints, enlarged.

    Raises:
        ValueError: see `datamodules.readers.coco_json.read_coco`.
    """
    coco = read_coco(path)
    coco = coco.take(np.flatnonzero(coco.annotations.numbers("num_keypoints", dtype=np.int64) > 0))
    points = coco.annotations.numbers("keypoints", 16, 3)
    valid = points[..., 2] > 0
    boxes = scale_boxes(coco.annotations.numbers("bbox", 4), 1 / _JSON_MARGIN) - [1, 1, 0, 0]
    names = coco.images.take(coco.image_rows).paths("file_name")
    sizes = np.stack([coco.images.numbers(side) for side in ("width", "height")], 1)[coco.image_rows]
    people = People(names, np.where(valid[..., None], points[..., :2] - 1, 0.0), valid, boxes)
    return people, sizes, coco.annotations.numbers("id", dtype=np.int64)


def read_ordinal_people(folder: Path) -> People:
    """People of the Ordinal data set's MPII part, `mpii_upis1h`: images in alphabetical order and `joints.mat`.

    `joints` is (3, 16, N): x, y counted from 1, visibility. The images are UPi-S1h's crops, not MPII's own.

    Raises:
        ValueError: a file is damaged, or there is not one image per person.
    """
    points = read_mat(folder / "joints.mat", ["joints"])["joints"].astype(np.float64)
    names = sorted(path.name for path in (folder / "images").glob("*.*") if not path.name.startswith("."))
    if points.ndim != 3 or points.shape[1] != 16 or len(names) != points.shape[2]:
        raise ValueError(f"{folder}: joints {points.shape} do not fit {len(names)} images; unpack it again")
    joints = points[:2].transpose(2, 1, 0) - 1
    valid = np.all(points[:2] > 0, axis=0).T
    return People([f"{folder.name}/images/{name}" for name in names], joints, valid, boxes_of_points(joints, valid))
