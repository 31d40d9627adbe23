"""A small MuCo-3DHP: three images of three, two and one people."""

import json
from dataclasses import replace

import numpy as np

from body.skeleton import MUCO21
from fake.people import make_camera, make_image, make_people, write_image

_SIDEWAYS = ((0.0, 0.3, 1.2), (0.0, 0.9), (0.0,))
"""Metres to the right of where `make_people` puts them."""
FIRST_IMAGE, FIRST_PERSON = 40, 700
WITHOUT_FIT = FIRST_PERSON + 1


def people_of(scene):
    """Who stands in a image, in the order of the file: the nearest one is the last."""
    camera = make_camera((160, 96), seed=60 + scene)
    people = make_people(len(_SIDEWAYS[scene]), camera, seed=60 + scene)
    moved = [
        replace(person, transl=person.transl + np.array([right, 0, 0]))
        for person, right in zip(people, _SIDEWAYS[scene], strict=True)
    ]
    return moved[::-1]


def annotated():
    """(scene, person id, person) of every annotation."""
    rows = [(scene, person) for scene in range(3) for person in people_of(scene)]
    return [(scene, FIRST_PERSON + number, person) for number, (scene, person) in enumerate(rows)]


def image_name(scene):
    return f"{('augmented_set', 'unaugmented_set')[scene % 2]}/{1 + scene}/{scene:07d}.jpg"


def write(root, boxes=None):
    """Write the JSON files and images.

    Args:
        root: folder to write to.
        boxes: box of a person by id, in place of the mesh's.
    """
    images, annotations, fits = [], [], {}
    for scene in range(3):
        people = people_of(scene)
        camera = people[0].camera
        write_image(root / image_name(scene), make_image(people))
        inner = camera.intrinsics
        images.append({"id": FIRST_IMAGE + scene, "file_name": image_name(scene), "width": 160, "height": 96,
                       "f": [inner[0, 0], inner[1, 1]], "c": [inner[0, 2], inner[1, 2]]})  # fmt: skip
    for scene, number, person in annotated():
        box = (boxes or {}).get(number, person.box)
        annotations.append({"id": number, "image_id": FIRST_IMAGE + scene, "bbox": np.asarray(box).tolist(),
                            "keypoints_cam": (1000 * person.joints(MUCO21)).tolist(),
                            "keypoints_img": person.pixels(MUCO21).tolist(),
                            "keypoints_vis": [1] * 21})  # fmt: skip
        if number != WITHOUT_FIT:
            fits[str(number)] = {"pose": person.pose.ravel().tolist(), "shape": person.betas.tolist(),
                                 "trans": person.transl.tolist()}  # fmt: skip
    (root / "MuCo-3DHP.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    (root / "smpl_param.json").write_text(json.dumps(fits))
    return root
