"""Entries of the JSON that I2L-MeshNet's converters write for 3DPW and SURREAL."""

import json

import numpy as np

from fake.smpl_truth import smpl_joints


def image(number, person, **more):
    """An image with the person's camera."""
    focal, centre = person.camera.intrinsics[[0, 1], [0, 1]], person.camera.intrinsics[:2, 2]
    camera = {"focal": focal.tolist(), "princpt": centre.tolist()}
    width, height = person.camera.size
    return {"id": number, "width": width, "height": height, "cam_param": camera, **more}


def annotation(number, image_id, person, gender, shift=(0, 0, 0), **more):
    """A person: joints, their box times 1.2, SMPL parameters.

    Args:
        number: id.
        image_id: of the image.
        person: the truth.
        gender: `male` or `female`.
        shift: of the translation that is written.
        more: further fields.
    """
    joints = smpl_joints(person)
    pixels = person.camera.project(joints)
    extent = np.ptp(pixels, axis=0) * 1.2
    corner = (pixels.min(0) + pixels.max(0)) / 2 - extent / 2
    smpl = {"pose": person.pose.reshape(-1).tolist(), "shape": person.betas.tolist(), "gender": gender}
    return {
        "id": number,
        "image_id": image_id,
        "joint_cam": joints.tolist(),
        "joint_img": pixels.tolist(),
        "bbox": [*corner.tolist(), *extent.tolist()],
        "smpl_param": {**smpl, "trans": (person.transl + shift).tolist()},
        **more,
    }


def write(path, images, people):
    """The file; annotations need not be in the order of the images."""
    path.write_text(json.dumps({"images": images, "annotations": people[::-1]}))
