"""COCO keypoints: JSON as distributed, images, SMPLify-X fits of I2L-MeshNet, RootNet's and SPIN's files."""

import json

import numpy as np

from body.skeleton import COCO17, SPIN24_COCO
from datamodules.readers.root_file import RootResult, write_root_file
from fake.people import make_camera, make_image, make_people, write_image

SIZE = (96, 72)
UNLABELLED_JOINT = COCO17.index("right_ankle")  # of the second person


def write(root, parts=("train2014", "val2014"), body="open", change=lambda content: None):
    """`annotations/person_keypoints_*.json` and images, three people of whom the second lacks an ankle.

    A fourth image shows a crowd, and someone without a labelled keypoint.

    Args:
        root: the benchmark's folder.
        parts: of the benchmark.
        body: of the people.
        change: called with the content of every file before it is written, to get something wrong.

    Returns:
        The labelled people by part.
    """
    truth = {}
    for number, part in enumerate(parts):
        people = truth[part] = make_people(3, make_camera(SIZE, seed=number), seed=number, body=body)
        entries = [annotation(900 + row, 50 - row, person) for row, person in enumerate(people)]
        labels = np.array(entries[1]["keypoints"]).reshape(17, 3)
        labels[UNLABELLED_JOINT] = 0
        entries[1] |= {"keypoints": labels.reshape(-1).tolist(), "num_keypoints": 16}
        nobody = {"keypoints": [0] * 51, "num_keypoints": 0}
        entries += [
            annotation(903, 47, people[0]) | {"iscrowd": 1, "segmentation": {"counts": [1], "size": SIZE[::-1]}},
            annotation(904, 47, people[0]) | nobody,
        ]
        images = [
            {"id": 50 - row, "file_name": file_name(part, 50 - row), "width": SIZE[0], "height": SIZE[1]}
            for row in range(4)
        ]
        for image, person in zip(images, [*people, people[0]], strict=True):
            write_image(root / part / image["file_name"], make_image([person]))
        category = {"id": 1, "name": "person", "keypoints": list(COCO17.joints), "skeleton": []}
        content = {"images": images, "annotations": entries, "categories": [category]}
        change(content)
        path = root / "annotations" / f"person_keypoints_{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return truth


def file_name(part, number):
    """As COCO calls its files; those of 2014 carry the part's name."""
    return f"{number:012d}.jpg" if "2017" in part else f"COCO_{part}_{number:012d}.jpg"


def annotation(number, image_id, person):
    """One person, everything labelled and seen."""
    pixels = person.pixels("coco17")
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "bbox": person.box.tolist(),
        "area": float(person.box[2:].prod() / 2),
        "iscrowd": 0,
        "segmentation": [[0.0, 0.0, 5.0, 0.0, 5.0, 5.0]],
        "num_keypoints": 17,
        "keypoints": np.concatenate([pixels, np.full((17, 1), 2.0)], 1).reshape(-1).tolist(),
    }


def write_fits(root, people, shift=(0, 0, 0)):
    """`annotations/coco_smplifyx_train.json`: the first two people, the second of them moved by metres."""
    fits = {}
    for row, person in enumerate(people[:2]):
        camera = person.camera.intrinsics
        fits[str(900 + row)] = {
            "smpl_param": {
                "pose": person.pose.reshape(-1).tolist(),
                "shape": person.betas.tolist(),
                "trans": (person.transl + np.array(shift) * row).tolist(),
            },
            "cam_param": {"focal": camera[[0, 1], [0, 1]].tolist(), "princpt": camera[:2, 2].tolist()},
        }
    path = root / "annotations" / "coco_smplifyx_train.json"
    path.write_text(json.dumps(fits))
    return f"annotations/{path.name}"


def write_detections(root, people):
    """RootNet's result file: square windows of 1.25 times the longer side, roots in millimetres."""
    results = []
    for row, person in enumerate(people):
        side = 1.25 * person.box[2:].max()
        corner = person.box[:2] + person.box[2:] / 2 - side / 2
        root_joint = tuple(person.joints("smpl24")[0])
        results.append(RootResult(50 - row, (*corner, side, side), root_joint, score=0.5))
    write_root_file(root / "bbox_root_coco_output.json", results, "coco")
    return "bbox_root_coco_output.json"


def write_spin(root, part, people):
    """`coco_2014_{train,val}.npz`: keypoints in SPIN's slots, crops of 1.2 times the longer side."""
    slots = [SPIN24_COCO.index(joint) for joint in COCO17.joints]
    labels = np.zeros((len(people), 24, 3))
    labels[:, slots] = [np.concatenate([person.pixels("coco17"), np.ones((17, 1))], 1) for person in people]
    boxes = np.array([person.box for person in people])
    names = [f"{part}/{file_name(part, 50 - row)}" for row in range(len(people))]
    np.savez(
        root / f"coco_2014_{part.removesuffix('2014')}.npz",
        imgname=np.array(names),
        center=boxes[:, :2] + boxes[:, 2:] / 2,
        scale=boxes[:, 2:].max(1) * 1.2 / 200,
        part=labels,
    )
