"""A batch of posed open bodies with every label, on noise images."""

import math
from functools import cache

import torch

from body.camera import apply_affine, crop_affine, project, square_box
from body.load import load_body


@cache
def open_body():
    return load_body("open")


def make_batch(size=3, crop=64, seed=0, skeleton="smpl29"):
    random = torch.Generator().manual_seed(seed)
    body = open_body()
    pose = 0.2 * torch.randn(size, 24, 3, generator=random)
    pose[:, 0] = torch.tensor([math.pi, 0.0, 0.0])  # upright in a camera frame with y down
    betas = torch.randn(size, 10, generator=random)
    transl = torch.tensor([0.0, 0.0, 4.0]) + 0.2 * torch.randn(size, 3, generator=random)
    vertices = body(pose, betas, transl).vertices
    joints = body.joint_regressor(skeleton) @ vertices
    count = joints.shape[1]
    intrinsics = torch.tensor([[500.0, 0, 160], [0, 500, 150], [0, 0, 1]]).repeat(size, 1, 1)
    pixels = project(vertices, intrinsics)
    low, high = pixels.amin(1), pixels.amax(1)
    box = square_box(torch.cat([low, high - low], -1))
    affine = crop_affine(box, crop, rotation=torch.linspace(-0.4, 0.4, size))
    yes, text = torch.ones(size, dtype=torch.bool), ["a"] * size
    return {
        "image": torch.rand(size, 3, crop, crop, generator=random),
        "intrinsics": intrinsics,
        "crop_affine": affine,
        "box": box,
        "joints": joints,
        "joints_valid": torch.ones(size, count, dtype=torch.bool),
        "joints_2d": apply_affine(project(joints, intrinsics), affine),
        "joints_2d_valid": torch.ones(size, count, dtype=torch.bool),
        "scored_joints": body.regress(vertices, "smpl24"),  # of the open benchmark's protocols
        "scored_joints_valid": torch.ones(size, 24, dtype=torch.bool),
        "depth_order": torch.zeros(size, count, count, dtype=torch.long),
        "depth_order_valid": torch.zeros(size, count, count, dtype=torch.bool),
        "root_depth": joints[:, 0, 2],
        "root_depth_valid": yes,
        "pose": pose,
        "betas": betas,
        "transl": transl,
        "smpl_valid": yes,
        "vertices": vertices,
        "vertices_valid": yes,
        "iuv": torch.zeros(size, 3, crop, crop, dtype=torch.uint8),
        "iuv_valid": torch.zeros(size, dtype=torch.bool),
        "index": torch.arange(size),
        "image_size": torch.full((size, 2), 320.0),
        "subject": text,
        "action": text,
        "sequence": text,
        "camera": text,
        "frame": [0] * size,
    }
