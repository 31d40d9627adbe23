"""A small MPII: images with one or two people, in the files of its authors and of others."""

import json
from dataclasses import dataclass

import h5py
import numpy as np
from scipy.io import savemat

from body.skeleton import MPII16
from fake.people import make_camera, make_image, make_people, write_image

SIZE = (160, 120)
PHOTOGRAPHS = {"015601864.jpg": 2, "015599452.jpg": 1, "005808361.jpg": 1}
"""Name of a training image -> people in it."""
HIDDEN = (0, 5)
"""Person 0 has no left ankle; it is not in the files at all."""


@dataclass(frozen=True)
class Row:
    """One annotated person; pixels count from 0."""

    image: str
    joints: np.ndarray
    valid: np.ndarray
    centre: np.ndarray
    scale: float
    person: object

    @property
    def square(self):
        """Box of stacked-hourglass training, before its margin."""
        side = 200 * self.scale
        x, y = self.centre - side / 2
        return np.array([x, y + 15 * self.scale, side, side])


def truth():
    rows = []
    for image, (name, count) in enumerate(PHOTOGRAPHS.items()):
        for person in make_people(count, make_camera(SIZE, seed=image), seed=image):
            valid = np.ones(16, bool)
            if len(rows) == HIDDEN[0]:
                valid[HIDDEN[1]] = False
            box = person.box
            centre = np.round(box[:2] + box[2:] / 2) - 1
            joints = person.pixels(MPII16) * valid[:, None]
            rows.append(Row(f"images/{name}", joints, valid, centre, box[3] / 200, person))
    return rows


def write_images(root):
    for name in PHOTOGRAPHS:
        people = [row.person for row in truth() if row.image.endswith(name)]
        write_image(root / "images" / name, make_image(people))


def structs(rows):
    """A MATLAB struct array of dicts with the same keys."""
    made = np.empty((1, len(rows)), dtype=[(key, object) for key in rows[0]])
    for number, row in enumerate(rows):
        made[0, number] = tuple(row.values())
    return made


def write_release(root):
    """`mpii_human_pose_v1_u12_1.mat`, with a test image, and people without joints or position."""
    write_images(root)
    nothing = np.zeros((0, 0))
    annolist, train = [], []
    for name in PHOTOGRAPHS:
        people = []
        for row in truth():
            if row.image.endswith(name):
                points = [
                    {"x": float(x), "y": float(y), "id": np.uint8(joint), "is_visible": np.uint8(1)}
                    for joint, ((x, y), there) in enumerate(zip(row.joints + 1, row.valid, strict=True))
                    if there
                ]
                position = structs([{"x": row.centre[0] + 1, "y": row.centre[1] + 1}])
                people.append(_person(row.scale, position, structs([{"point": structs(points[::-1])}])))
        people.append(_person(nothing, nothing, nothing))
        annolist.append({"image": structs([{"name": name}]), "annorect": structs(people), "frame_sec": nothing,
                         "vididx": nothing})  # fmt: skip
        train.append(1)
    untold = structs([{"scale": 1.5, "objpos": structs([{"x": 30.0, "y": 40.0}])}])
    annolist.append({"image": structs([{"name": "test.jpg"}]), "annorect": untold, "frame_sec": nothing,
                     "vididx": nothing})  # fmt: skip
    annolist.append({"image": structs([{"name": "empty.jpg"}]), "annorect": nothing, "frame_sec": nothing,
                     "vididx": nothing})  # fmt: skip
    release = {
        "annolist": structs(annolist), "img_train": np.array([[*train, 0, 1]], np.uint8), "version": "12",
        "single_person": nothing, "act": nothing, "video_list": nothing,
    }  # fmt: skip
    savemat(root / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": structs([release])})


def _person(scale, position, points):
    return {"x1": 1.0, "y1": 1.0, "x2": 9.0, "y2": 9.0, "annopoints": points, "scale": scale, "objpos": position}


def write_3dmppe(root):
    """3DMPPE's `annotations/train.json`: pixels from 1, boxes of the joints made 1.2 times as large."""
    write_images(root)
    images = [{"id": k, "file_name": f"images/{name}", "width": SIZE[0], "height": SIZE[1]}
              for k, name in enumerate(PHOTOGRAPHS)]  # fmt: skip
    people, names = [], [f"images/{name}" for name in PHOTOGRAPHS]
    for number, row in enumerate(truth()):
        points = (row.joints + 1) * row.valid[:, None]
        low, high = (row.joints + 1)[row.valid].min(0), (row.joints + 1)[row.valid].max(0)
        size = high - low - 1
        box = [*((low + high) / 2 - size / 2 * 1.2), *(size * 1.2)]
        people.append({"id": number, "image_id": names.index(row.image), "bbox": box,
                       "iscrowd": 0, "area": box[2] * box[3], "category_id": 1,
                       "keypoints": np.c_[points, row.valid].ravel().tolist(),
                       "num_keypoints": int(row.valid.sum())})  # fmt: skip
    people.append({**people[0], "id": 99, "keypoints": [0] * 48, "num_keypoints": 0})
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations/train.json").write_text(json.dumps({"images": images, "annotations": people}))


def write_hourglass(root, codes=False):
    """`annot/train.h5` and `valid.h5`; names as bytes, or as character codes."""
    write_images(root)
    (root / "annot").mkdir(parents=True, exist_ok=True)
    rows = truth()
    for name, part in (("train", rows[:3]), ("valid", rows[3:])):
        names = [row.image.removeprefix("images/") for row in part]
        with h5py.File(root / f"annot/{name}.h5", "w") as file:
            stored = np.array([[ord(c) for c in text] for text in names], float) if codes else np.array(names, "S")
            file["imgname"] = stored
            file["part"] = np.stack([(row.joints + 1) * row.valid[:, None] for row in part])
            # as in the authors' own file: moved towards the feet, and with the margin of a crop
            file["center"] = np.stack([row.centre + 1 + [0, 15 * row.scale] for row in part])
            file["scale"] = np.array([1.25 * row.scale for row in part])


def order_of(person, names):
    """-1 where joint i is nearer than j, from the true depths."""
    depth = person.joints(MPII16)[:, 2] if names == MPII16.joints else person.joints(names)[:, 2]
    return np.sign(depth[:, None] - depth[None]).astype(int)


def write_ordinal(root):
    """The Ordinal data set's MPII part; two pairs contradict themselves, two are not annotated."""
    folder = root / "mpii_upis1h"
    rows = truth()
    for number, row in enumerate(rows):
        write_image(folder / f"images/{number + 1:05d}.png", make_image([row.person]))
    joints = np.stack([np.c_[(row.joints + 1) * row.valid[:, None], row.valid].T for row in rows], -1)
    stored = np.stack([-order_of(row.person, MPII16.joints) for row in rows]).astype(float)
    stored[1, 2, 3] = stored[1, 3, 2] = 1
    stored[2, 4, 9] = stored[2, 9, 4] = np.nan
    savemat(folder / "joints.mat", {"joints": joints})
    savemat(folder / "ordinal.mat", {"ord": stored})


def write_forward_backward(root, parts):
    """FBI labels: per part of every second person, unknown where it is nearly level."""
    entries = []
    seen = {}
    for number, row in enumerate(truth()):
        name = row.image.removeprefix("images/")
        place = seen[name] = seen.get(name, -1) + 1
        depth = dict(zip(MPII16.joints, row.person.joints(MPII16)[:, 2], strict=True))
        labels = []
        for parent, child in parts:
            behind = depth[child] - depth[parent]
            labels.append("unknown" if abs(behind) < 0.03 else "forward" if behind < 0 else "backward")
        if number % 2:
            entries.append({"image": name, "person": place, "labels": labels})
    entries.append({"image": "elsewhere.jpg", "person": 0, "labels": ["unknown"] * 14})
    (root / "fbi.json").write_text(json.dumps(entries))
    return entries
