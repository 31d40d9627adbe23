"""Poses a drawn person and sets the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.model import BodyModel
from datamodules.synthetic.scene import Draw

_WORLD_TO_CAMERA = np.diag([1.0, -1.0, -1.0])  # y up, looking along -z -> y down, looking along +z
_NEAREST = 0.5  # metres between the camera and the nearest point of the body


@dataclass(frozen=True)
class PosedPerson:
    """A person in the camera frame (x right, y down, z forward, metres).

    Attributes:
        pose: SMPL pose, joint 0 the orientation in the camera frame.
        transl: SMPL translation.
        vertices: body surface.
        intrinsics: camera matrix, pixels.
        world: rotation from the world (y up) to the camera frame.
        eye: camera position in the world, where the ground is y = 0.
    """

    pose: Float[np.ndarray, "24 3"]
    transl: Float[np.ndarray, "3"]
    vertices: Float[np.ndarray, "vertices 3"]
    intrinsics: Float[np.ndarray, "3 3"]
    world: Float[np.ndarray, "3 3"]
    eye: Float[np.ndarray, "3"]

    def to_world(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Camera-frame points in the world."""
        return np.asarray(points @ self.world + self.eye, np.float32)

    def to_camera(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in the camera frame."""
        return np.asarray((points - self.eye) @ self.world.T, np.float32)


@torch.inference_mode()
def pose_in_camera(draw: Draw, model: BodyModel, size: int) -> PosedPerson:
    """Pose the body, stand it on the ground and set the camera so that it spans the drawn part of the image."""
    pose = torch.from_numpy(draw.pose.astype(np.float32))[None]
    output = model(pose, torch.from_numpy(draw.betas.astype(np.float32))[None], None)
    points, root = output.vertices[0].numpy(), output.joints[0, 0].numpy()
    drop = np.array([0, draw.lift - points[:, 1].min(), 0])
    points = points + drop
    tilt = Rotation.from_euler("ZX", [draw.roll, draw.pitch]).as_matrix()
    world = tilt @ _WORLD_TO_CAMERA
    focal = size / 2 / np.tan(draw.fov / 2)
    shift = _frame(points @ world.T, focal / size, draw)
    centre = (size - 1) / 2
    intrinsics = np.array([[focal, 0, centre], [0, focal, centre], [0, 0, 1]])
    posed = draw.pose.copy()
    posed[0] = (Rotation.from_matrix(world) * Rotation.from_rotvec(draw.pose[0])).as_rotvec()
    transl = world @ (root + drop) + shift - root  # the root joint of an SMPL body lies at rest position + translation
    vertices = (points @ world.T + shift).astype(np.float32)
    return PosedPerson(posed, transl, vertices, intrinsics, world, -shift @ world)


def _frame(points: Float[np.ndarray, "vertices 3"], focal: float, draw: Draw) -> Float[np.ndarray, "3"]:
    """Translation that gives the projected box its drawn size and position; `focal` is in image sides."""
    points = np.ascontiguousarray(points[::7].T, np.float64)  # numpy is slow with rows of three
    nearest = _NEAREST - points[2].min()
    shift = -(points.min(1) + points.max(1)) / 2
    shift[2] += focal * np.ptp(points[:2], axis=1).max() / draw.extent
    for _ in range(6):
        shift[2] = max(shift[2], nearest)
        depth = points[2] + shift[2]
        pixels = focal * (points[:2] + shift[:2, None]) / depth
        low, high = pixels.min(1), pixels.max(1)
        middle = depth.mean()
        shift[:2] += (draw.offset - (low + high) / 2) * middle / focal
        shift[2] += middle * ((high - low).max() / draw.extent - 1)
    shift[2] = max(shift[2], nearest)
    return shift
