"""FreiHAND version 2, and I2L-MeshNet's JSON of it; images are 224 x 224 as the real ones."""

import json
from dataclasses import dataclass

import numpy as np
import torch

from body.skeleton import MANO21
from datamodules.readers.root_file import RootResult, write_root_file
from fake.people import Person, body_called, make_camera, make_image, make_people, write_image

SIZE = (224, 224)
COUNTS = {"training": 2, "evaluation": 3}


@dataclass(frozen=True)
class Hand(Person):
    """A hand whose joints are where MANO turns it, not where they are regressed from the posed mesh."""

    def joints(self, skeleton):
        assert skeleton in ("mano21", MANO21)
        body = body_called("mano")
        with torch.no_grad():
            parameters = (torch.tensor(values[None]).float() for values in (self.pose, self.betas, self.transl))
            turned = body(*parameters).joints[0].double().numpy()
        known = dict(zip(body.skeleton.joints, turned, strict=True))
        known |= {name: self.vertices[vertex] for name, vertex in body.landmarks.items()}
        return np.stack([known[name] for name in MANO21.joints])


def write(root, change=lambda name, content: content, versions=4):
    """`{training,evaluation}_{K,scale,xyz,verts,mano}.json` and images (`fake.assets.write_mano` first).

    Args:
        root: the benchmark's folder.
        change: of the name and content of every file before it is written, to get something wrong.
        versions: images of every training pose.

    Returns:
        The hands by part of the benchmark.
    """
    truth = {}
    for seed, (part, count) in enumerate(COUNTS.items()):
        people = make_people(count, make_camera(SIZE, seed=seed), seed=seed, body="mano")
        hands = truth[part] = [Hand(hand.camera, hand.body, hand.pose, hand.betas, hand.transl) for hand in people]
        joints = [hand.joints("mano21") for hand in hands]
        files = {
            "K": [hand.camera.intrinsics.tolist() for hand in hands],
            "scale": [float(np.linalg.norm(points[9] - points[10])) for points in joints],
            "xyz": [points.tolist() for points in joints],
            "verts": [hand.vertices.tolist() for hand in hands],
            "mano": [[mano(hand)] for hand in hands],
        }
        for name, content in files.items():
            (root / f"{part}_{name}.json").write_text(json.dumps(change(f"{part}_{name}", content)))
        for version in range(versions if part == "training" else 1):
            for number, hand in enumerate(hands):
                picture = make_image([hand], shade=90 + 30 * version)
                write_image(root / part / "rgb" / f"{number + version * count:08d}.jpg", picture)
    return truth


def own_pose(hand):
    """(16, 3) without the mean hand, which FreiHAND's parameters do not have in them."""
    return hand.pose - body_called("mano").mean_pose.numpy()


def mano(hand):
    """61 numbers: pose, shape, root in the image, scale."""
    joints = hand.joints("mano21")
    root = hand.camera.project(joints[0])
    scale = np.linalg.norm(joints[9] - joints[10])
    return np.concatenate([own_pose(hand).reshape(-1), hand.betas, root, [scale]]).tolist()


def write_3dmppe(root, truth):
    """`freihand_{train,eval}_{coco,data}.json`."""
    for part, hands in truth.items():
        stem, copies = ("train", 4) if part == "training" else ("eval", 1)
        count = len(hands)
        images = [
            {"id": 70 + number, "file_name": f"rgb/{number:08d}.jpg", "width": 224, "height": 224,
             "db_idx": number % count}
            for number in range(count * copies)
        ]  # fmt: skip
        boxes = [box(hands[image["db_idx"]]) for image in images]
        people = [
            {"id": number, "image_id": image["id"], "bbox": boxes[number].tolist()}
            for number, image in enumerate(images)
        ]
        (root / f"freihand_{stem}_coco.json").write_text(json.dumps({"images": images, "annotations": people}))
        content = {str(number): entry(hand, part) for number, hand in enumerate(hands)}
        (root / f"freihand_{stem}_data.json").write_text(json.dumps(content))


def entry(hand, part):
    """What the data file has of one hand."""
    camera = hand.camera.intrinsics
    seen = {"focal": camera[[0, 1], [0, 1]].tolist(), "princpt": camera[:2, 2].tolist()}
    if part == "evaluation":
        return {"cam_param": seen, "scale": 0.03}
    pose, shape, trans = own_pose(hand).reshape(-1), hand.betas, hand.transl
    parameters = {"pose": pose.tolist(), "shape": shape.tolist(), "trans": trans.tolist()}
    return {"cam_param": seen, "mano_param": parameters, "joint_3d": hand.joints("mano21").tolist()}


def box(hand):
    """Around the projected joints, 1.2 times as large."""
    pixels = hand.pixels("mano21")
    extent = np.ptp(pixels, axis=0) * 1.2
    return np.concatenate([(pixels.min(0) + pixels.max(0)) / 2 - extent / 2, extent])


def write_detections(root, hands, first=0):
    """RootNet's result file, metres."""
    results = [
        RootResult(first + number, (10.0 + number, 20.0, 100.0, 100.0), tuple(hand.joints("mano21")[0]))
        for number, hand in enumerate(hands)
    ]
    write_root_file(root / "bbox_root_freihand_output.json", results, "freihand")
    return "bbox_root_freihand_output.json"
