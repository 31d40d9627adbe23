"""What is drawn at random about a sample before anything is computed from it: person, camera, frame."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.open_body import DATA_FILE, read_open_body
from datamodules.synthetic.actions import ACTIONS, AIRBORNE, sample_pose
from datamodules.synthetic.rng import VERSION, stream
from datamodules.synthetic.self_intersection import intersects, joints_of

MAX_BETA = 2.5
FOV_DEGREES = (25.0, 65.0)
PITCH_DEGREES = (-15.0, 35.0)
_TRUNCATED = 0.12  # share of samples in which the image border cuts the person


@dataclass(frozen=True)
class Draw:
    """The drawn numbers of a sample.

    Attributes:
        action: name of the action.
        pose: SMPL pose; joint 0 rotates the body in the world (y up, camera looks along -z).
        betas: shape coefficients.
        lift: height of the lowest point above the ground, metres.
        pitch: camera looks down by this, radians.
        roll: camera rotates about its axis, radians.
        fov: field of view across the image, radians.
        extent: longer side of the person's box as a share of the image side.
        offset: where the box centre lies relative to the image centre, as a share of the image side.
    """

    action: str
    pose: Float[np.ndarray, "24 3"]
    betas: Float[np.ndarray, "10"]
    lift: float
    pitch: float
    roll: float
    fov: float
    extent: float
    offset: Float[np.ndarray, "2"]

    def numbers(self) -> Float[np.ndarray, "numbers"]:
        """Everything in one row, for the fingerprint."""
        scalars = [self.lift, self.pitch, self.roll, self.fov, self.extent, list(ACTIONS).index(self.action)]
        return np.concatenate([self.pose.ravel(), self.betas, self.offset, scalars])


def draw_sample(seed: int, split: str, index: int) -> Draw:
    """The person and camera of sample `index`."""
    rng = stream(seed, split, index, "person")
    action = list(ACTIONS)[int(rng.integers(len(ACTIONS)))]
    betas = rng.normal(0, 1, 10)
    while (np.abs(betas) > MAX_BETA).any():
        betas = np.where(np.abs(betas) > MAX_BETA, rng.normal(0, 1, 10), betas)
    pose = sample_pose(action, rng)
    for _ in range(12):  # crossed arms and the like touch the trunk however often they are drawn
        if not intersects(joints_of(pose, _rest_joints())):
            break
        pose = sample_pose(action, rng)
    lean = rng.normal(0, np.deg2rad(4), 2).clip(-0.2, 0.2)
    facing = Rotation.from_euler("YXZ", [rng.uniform(-np.pi, np.pi), lean[0], lean[1]])
    pose[0] = facing.as_rotvec()
    airborne = action in AIRBORNE and rng.random() < 0.35
    lift = float(rng.uniform(0.03, 0.4)) if airborne else 0.0
    camera = stream(seed, split, index, "camera")
    pitch, roll = camera.uniform(*np.deg2rad(PITCH_DEGREES)), camera.normal(0, np.deg2rad(3))
    fov = camera.uniform(*np.deg2rad(FOV_DEGREES))
    truncated = camera.random() < _TRUNCATED
    extent = camera.uniform(1.0, 1.45) if truncated else camera.uniform(0.5, 0.95)
    room = 0.25 if truncated else (1 - extent) / 2
    offset = camera.uniform(-room, room, 2)
    if truncated:  # more often the legs are cut than the head
        offset[1] = np.abs(offset[1]) if camera.random() < 0.75 else offset[1]
    return Draw(action, pose, betas, lift, float(pitch), float(roll), float(fov), float(extent), offset)


@cache
def _rest_joints() -> Float[np.ndarray, "24 3"]:
    data = read_open_body()
    return np.asarray(data["J_regressor"] @ data["v_template"], np.float64)


def fingerprint(seed: int, split: str, samples: int, image_size: int) -> str:
    """Hash that names a split: generator version, open body, and the drawn numbers of its first 600 samples.

    The numbers are rounded to 1e-4, so that the last bits of a CPU's sine do not matter. Pixels are left out: embree
    and libjpeg round differently on different machines.
    """
    digest = hashlib.sha256(f"{VERSION} {seed} {split} {samples} {image_size}".encode())
    digest.update(hashlib.sha256(DATA_FILE.read_bytes()).digest())
    for index in range(min(samples, 600)):
        numbers = draw_sample(seed, split, index).numbers()
        digest.update(np.rint(numbers * 1e4).astype("<i8").tobytes())
    return digest.hexdigest()
