"""DensePose-COCO: COCO's annotations with surface labels, DaNet's npz of them, and DensePose's own tables."""

import json
from dataclasses import dataclass

import h5py
import numpy as np
from pycocotools.mask import encode
from scipy.io import savemat

from body.raycast import RayScene, visible
from body.skeleton import COCO17, SPIN24_COCO
from fake import coco
from fake.people import Person, body_called, make_camera, make_image, make_people, write_image

UNLABELLED = 2  # the third person has no surface labels
_GRID = np.array([[0.2, 0.2], [0.2, 0.8], [0.8, 0.2], [0.8, 0.8]])


@dataclass(frozen=True)
class Truth:
    """What a reader has to find of a person."""

    person: Person
    points: np.ndarray
    """(P, 5) x, y in the image, part, U, V."""
    mask: np.ndarray
    """(256, 256) coarse parts of the box."""


def write(root, parts=("train", "minival"), body="open", charts=None, change=lambda content: None):
    """`densepose_coco_2014_*.json` and the images.

    Args:
        root: the benchmark's folder.
        parts: of the annotations.
        body: of the people.
        charts: faces, their parts, and U and V at their corners: points are then the middles of visible faces.
        change: called with the content of every file before it is written, to get something wrong.

    Returns:
        Truth of the people with surface labels, by part.
    """
    truth = {}
    for number, part in enumerate(parts):
        folder = "train2014" if part == "train" else "val2014"
        people = make_people(3, make_camera(coco.SIZE, seed=number), seed=5 + number, body=body)
        found = [_labels(person, row, charts) for row, person in enumerate(people)]
        entries = [coco.annotation(900 + row, 50 - row, person) for row, person in enumerate(people)]
        for row, labels in enumerate(found):
            if row != UNLABELLED:
                entries[row] |= _fields(labels, people[row].box)
        images = [
            {
                "id": 50 - row,
                "file_name": coco.file_name(folder, 50 - row),
                "width": coco.SIZE[0],
                "height": coco.SIZE[1],
            }
            for row in range(3)
        ]
        for image, person in zip(images, people, strict=True):
            write_image(root / folder / image["file_name"], make_image([person]))
        content = {"images": images, "annotations": entries, "categories": [{"id": 1, "name": "person"}]}
        change(content)
        (root / f"densepose_coco_2014_{part}.json").write_text(json.dumps(content))
        truth[part] = [labels for row, labels in enumerate(found) if row != UNLABELLED]
    return truth


def write_danet(root, part, truth):
    """`dp_coco_2014_*.npz`: joints in SPIN's slots, and an array of objects."""
    folder = "train2014" if part == "train" else "val2014"
    joints = np.zeros((len(truth), 24, 3))
    slots = [SPIN24_COCO.index(joint) for joint in COCO17.joints]
    joints[:, slots] = [np.concatenate([labels.person.pixels("coco17"), np.ones((17, 1))], 1) for labels in truth]
    objects = np.empty(len(truth), object)
    objects[:] = [_fields(labels, labels.person.box) | {"bbox": labels.person.box.tolist()} for labels in truth]
    np.savez(
        root / f"dp_coco_2014_{part}.npz",
        imgname=np.array([f"{folder}/{coco.file_name(folder, 50 - row)}" for row in range(len(truth))]),
        center=np.array([labels.person.box[:2] + labels.person.box[2:] / 2 for labels in truth]),
        scale=np.array([labels.person.box[2:].max() * 1.2 / 200 for labels in truth]),
        part=joints,
        smpl_2dkps=np.zeros((len(truth), 24, 3)),
        dp_annot=objects,
        im_id=np.array([50 - row for row in range(len(truth))]),
        id=np.array([900 + row for row in range(len(truth))]),
    )


def write_symmetry(assets):
    """`densepose/UV_symmetry_transforms.mat`, filled as the golden numbers of DaNet were made."""
    level = np.arange(256) / 255
    tables = {"U_transforms": np.empty((1, 24), object), "V_transforms": np.empty((1, 24), object)}
    for part in range(24):
        tables["U_transforms"][0, part] = np.tile(1 - level + 0.001 * part, (256, 1))
        tables["V_transforms"][0, part] = np.tile((level * (1 - 0.01 * part))[:, None], (1, 256))
    folder = assets / "densepose"
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "UV_symmetry_transforms.mat", tables)


def write_surface(assets):
    """`SMPL_subdiv.mat`, `SMPL_SUBDIV_TRANSFORM.mat` and `Pdist_matrix.mat` of a surface with four points per part.

    The first point of part 2 is the last one of part 1, as at a seam.

    Returns:
        Place of every point, from 0, and the distance of all places from each other.
    """
    part, uv = np.repeat(np.arange(1, 25), 4), np.tile(_GRID, (24, 1))
    place = np.concatenate([np.arange(4), [3], np.arange(4, 95)])
    spot = np.random.default_rng(8).uniform(0, 1.5, (95, 3))
    distance = np.linalg.norm(spot[:, None] - spot[None], axis=-1)
    folder = assets / "densepose"
    folder.mkdir(parents=True, exist_ok=True)
    points = {"U_subdiv": uv[:, :1], "V_subdiv": uv[:, 1:], "Part_ID_subdiv": part[:, None].astype(np.uint8)}
    savemat(folder / "SMPL_subdiv.mat", points)
    savemat(folder / "SMPL_SUBDIV_TRANSFORM.mat", {"index": (place + 1)[:, None].astype(np.int32)})
    path = folder / "Pdist_matrix.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["Pdist_matrix"] = distance[np.tril_indices(95, -1)].astype(np.float32)[:, None]
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return place, distance


def _labels(person, row, charts):
    rng = np.random.default_rng([row, 3])
    if charts is None:
        pixels = person.box[:2] + rng.uniform(0.02, 0.98, (40, 2)) * person.box[2:]
        iuv = np.concatenate([rng.integers(1, 25, (40, 1)), _GRID[rng.integers(0, 4, 40)]], 1)
    else:
        faces, part, corners = charts
        middle = person.vertices[faces].mean(1)
        seen = np.flatnonzero(visible(RayScene([(person.vertices, faces)]), middle, 1e-4))
        seen = rng.permutation(seen)[:40]
        pixels = person.camera.project(middle[seen])
        iuv = np.concatenate([part[seen][:, None], corners[seen].mean(1)], 1)
    mask = np.zeros((256, 256), np.uint8)
    for label in (1, 2, 5, 12, 14):
        x, y = rng.integers(0, 180, 2)
        mask[y : y + 70, x : x + 60] = label
    return Truth(person, np.concatenate([pixels, iuv], 1), mask)


def _fields(labels, box):
    x, y = ((labels.points[:, :2] - box[:2]) / box[2:] * 255).T
    _, _, part, u, v = labels.points.T
    masks = []
    for label in range(1, 15):
        drawn = encode(np.asfortranarray(labels.mask == label))
        there = (labels.mask == label).any()
        masks.append({"counts": drawn["counts"].decode(), "size": [256, 256]} if there else [])
    named = {"dp_x": x, "dp_y": y, "dp_I": part, "dp_U": u, "dp_V": v}
    return {name: values.tolist() for name, values in named.items()} | {"dp_masks": masks}


def smpl_charts(assets, monkeypatch):
    """`UV_Processed.mat` for the stand-in of SMPL, as `write` takes charts."""
    from fake.assets import write_densepose

    body = body_called("smpl")
    part, u, v = write_densepose(assets, monkeypatch, body.faces, body.v_template.numpy())
    return body.faces, part, np.stack([u, v], -1)
