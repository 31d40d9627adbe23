"""Two people who walk past each other: exact predictions of the open body's joints, and noisy ones."""

from dataclasses import replace
from functools import cache

import numpy as np
import roma
import torch

from body.camera import project
from body.load import load_body
from body.skeleton import SMPL24
from lightning_modules.prediction import Prediction, SmplParameters

CAMERA = torch.tensor([[550.0, 0, 319.5], [0, 550, 239.5], [0, 0, 1]])
RATE, FRAMES = 30, 90
PEOPLE = ((1.1, 4.0), (-1.1, 4.8))
"""Speed to the right, m/s, and distance, m; both are in the middle after 1.5 s."""


@cache
def walk(person: int) -> Prediction:
    """All frames of a person whose limbs swing once a second."""
    speed, depth = PEOPLE[person]
    times = torch.arange(FRAMES) / RATE
    pose = torch.zeros(FRAMES, 24, 3)
    facing = torch.tensor([0.0, float(np.sign(speed) * np.pi / 2), 0.0])
    pose[:, 0] = roma.rotvec_composition([torch.tensor([np.pi, 0.0, 0.0]), facing])
    swing = 0.6 * torch.sin(2 * np.pi * times)
    for name, sign in (("left_hip", 1), ("right_hip", -1), ("left_shoulder", -1), ("right_shoulder", 1)):
        pose[:, SMPL24.index(name), 0] = sign * swing
    transl = torch.stack([speed * (times - 1.5), torch.zeros(FRAMES), torch.full((FRAMES,), depth)], 1)
    body = load_body("open")
    posed = body(pose, torch.zeros(FRAMES, 10))
    joints = posed.joints + transl[:, None]
    return Prediction(
        joints=joints,
        skeleton=SMPL24,
        joints_2d=project(joints, CAMERA.expand(len(joints), 3, 3)),
        root_depth_source="box",
        vertices=posed.vertices[:, ::100] + transl[:, None],
        smpl=SmplParameters(pose, torch.zeros(FRAMES, 10), transl),
    )


def box_of(prediction: Prediction) -> tuple[float, float, float, float]:
    low, high = prediction.joints_2d[0].amin(0), prediction.joints_2d[0].amax(0)
    x, y, right, bottom = (*(low - 15).tolist(), *(high + 15).tolist())
    return x, y, right - x, bottom - y


def noisy(prediction: Prediction, rng: np.random.Generator) -> Prediction:
    """As a network might see it: 15 mm of noise of joints, 4 % of size and depth, 5 degrees of rotations."""

    def noise(*shape: int, size: float) -> torch.Tensor:
        return torch.from_numpy(rng.normal(0, size, shape)).float()

    root = prediction.joints[:, :1]
    away = root * (1 + noise(1, 1, 1, size=0.04))
    larger = 1 + noise(1, 1, 1, size=0.04)
    joints = (prediction.joints - root) * larger + away + noise(1, 24, 3, size=0.015) * (torch.arange(24) > 0)[:, None]
    smpl = prediction.smpl
    turned = roma.rotvec_composition([smpl.pose, noise(1, 24, 3, size=0.09)])
    return replace(
        prediction,
        joints=joints,
        joints_2d=project(joints, CAMERA.expand(len(joints), 3, 3)),
        vertices=(prediction.vertices - root) * larger + away,
        smpl=SmplParameters(turned, smpl.betas, smpl.transl + (away - root)[:, 0]),
    )


def detections(seed: int = 0) -> list[list[tuple[int, Prediction]]]:
    """Per frame who is found, in any order; the one behind is hidden for 10 frames, anybody is missed at 3 %."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(FRAMES):
        seen = [person for person in (0, 1) if rng.random() > 0.03 and not (person == 1 and 40 <= number < 50)]
        rng.shuffle(seen)
        frames.append([(person, noisy(walk(person)[number], rng)) for person in seen])
    return frames
