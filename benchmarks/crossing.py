"""A video of bodies that walk past each other, rendered, with the truth: numbers of the video part of `zoo predict`.

`python -m benchmarks crossing`: identity switches, jitter and the spread of the depth on two people who cross, before
and after smoothing, with the detector and the weights that the command takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import roma
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

import zoo
from body.camera import default_intrinsics, project
from body.draw import scene_overlay
from body.load import load_body
from body.skeleton import SMPL24
from zoo.prediction import default_weights
from zoo.prediction.detect.finders import Detector
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.predict import VideoSettings, predict_video
from zoo.prediction.video.reader import VideoReader
from zoo.prediction.video.smoothing import SmoothingSettings
from zoo.prediction.video.source import file_source, import_av

SIZE, RATE = (640, 480), 25
CROSSING = ((1.0, 3.4), (-1.0, 4.3))
"""Speed to the right, m/s, and distance, m, of each person; all are in the middle at half of the time."""
_NEAR = 60.0
_COLOURS = ((196, 150, 128), (120, 140, 190))


@dataclass(frozen=True)
class Walk:
    """One person's joints in all frames, camera frame, metres, with their pixels, and the mesh."""

    joints: Float[torch.Tensor, "frames 24 3"]
    pixels: Float[torch.Tensor, "frames 24 2"]
    vertices: Float[torch.Tensor, "frames vertices 3"]
    faces: Int[np.ndarray, "faces 3"]


def walk(speed: float, distance: float, frames: int) -> Walk:
    """A person who walks sideways, with limbs that swing once a second."""
    times = torch.arange(frames) / RATE
    pose = torch.zeros(frames, 24, 3)
    facing = torch.tensor([0.0, float(np.sign(speed)) * 0.9, 0.0])  # half towards the camera
    pose[:, 0] = roma.rotvec_composition([torch.tensor([np.pi, 0.0, 0.0]), facing])
    swing = 0.5 * torch.sin(2 * np.pi * times)
    for name, sign in (("left_hip", 1), ("right_hip", -1), ("left_shoulder", -1), ("right_shoulder", 1)):
        pose[:, SMPL24.index(name), 0] = sign * swing
    for name, sign in (("left_shoulder", -1), ("right_shoulder", 1)):
        pose[:, SMPL24.index(name), 2] = sign * 1.1  # arms down
    place = torch.stack(
        [speed * (times - frames / RATE / 2), torch.full((frames,), 0.1), torch.full((frames,), distance)], 1
    )
    body = load_body("open")
    posed = body(pose, torch.zeros(frames, 10), place)
    camera = default_intrinsics(*SIZE).expand(frames, 3, 3)
    return Walk(posed.joints, project(posed.joints, camera), posed.vertices, np.asarray(body.faces, np.int64))


def render(walks: Sequence[Walk], path: Path) -> None:
    """The people over a photograph, as an H.264 video."""
    from skimage import data  # type: ignore[import-untyped]

    av = import_av()
    backdrop = np.asarray(Image.fromarray(data.coffee()).resize(SIZE))  # type: ignore[no-untyped-call]
    camera = default_intrinsics(*SIZE).numpy()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(len(walks[0].joints)):
            meshes = [(one.vertices[index].numpy(), one.faces) for one in walks]
            image: UInt8[np.ndarray, "h w 3"] = scene_overlay(backdrop, meshes, camera, _COLOURS[: len(walks)], 1.0)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def assign(frames: Sequence[VideoFrame], walks: Sequence[Walk]) -> list[dict[int, int]]:
    """Of every frame, which row of its people each walker is, as CLEAR MOT (Bernardin 2008, 2.1.3) matches.

    The distance is the mean of the joints' extents' in pixels, at most 60. Who was matched with a track stays so while
    that holds: where two overlap and one is seen, the nearer of the two says nothing.
    """
    rows: list[dict[int, int]] = []
    kept: dict[int, int] = {}
    for frame in frames:
        truth = [_extent(one.pixels[frame.index]) for one in walks]
        found = [_extent(one.prediction.joints_2d[0]) for one in frame.people]
        cost = np.array([[np.abs(a - b).mean() for b in found] for a in truth]).reshape(len(truth), len(found))
        for row, one in enumerate(frame.people):
            for person in kept:
                if kept[person] == one.track and cost[person, row] < _NEAR:
                    cost[person, row] -= 1000
        pairs = zip(*linear_sum_assignment(cost), strict=True)
        rows.append({int(person): int(row) for person, row in pairs if cost[person, row] < _NEAR})
        kept |= {person: frame.people[row].track for person, row in rows[-1].items()}
    return rows


def _extent(pixels: Float[torch.Tensor, "joints 2"]) -> Float[np.ndarray, "4"]:
    return np.concatenate([pixels.amin(0).numpy(), pixels.amax(0).numpy()])


def measure(frames: Sequence[VideoFrame], walks: Sequence[Walk]) -> dict[str, float]:
    """Switches of identity, share of people found, jitter, depth's spread, of all walkers."""
    pairs, switches, found, jitters, depths = assign(frames, walks), 0, 0, [], []
    for person in range(len(walks)):
        shown = {
            frame.index: frame.people[pair[person]] for frame, pair in zip(frames, pairs, strict=True) if person in pair
        }
        tracks = [one.track for _, one in sorted(shown.items())]
        switches += sum(a != b for a, b in pairwise(tracks))
        found += len(shown)
        joints = {index: one.prediction.joints[0].numpy() for index, one in shown.items()}
        jitters += [
            np.linalg.norm(joints[k] - 2 * joints[k - 1] + joints[k - 2], axis=-1).mean() * RATE**2
            for k in joints
            if k - 1 in joints and k - 2 in joints
        ]
        depths.append(np.std([value[0, 2] for value in joints.values()]))
    return {
        "identity switches": switches,
        "people found": found / len(walks) / len(frames),
        "jitter, m/s^2": float(np.mean(jitters)),
        "spread of the depth, m": float(np.mean(depths)),
    }


def main() -> None:
    """Render, predict with and without smoothing, and print the numbers."""
    walks = [walk(*one, frames=75) for one in CROSSING]
    model = zoo.load(default_weights.NAME)
    table = Table("two people cross, 75 rendered frames", "not smoothed", "smoothed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crossing.mp4"
        render(walks, path)
        results = []
        for smoothing in (None, SmoothingSettings()):
            with VideoReader(file_source(path)) as reader:
                frames = list(predict_video(model, reader, Detector(0.5), VideoSettings(smoothing=smoothing)))
            results.append(measure(frames, walks))
    for name in results[0]:
        table.add_row(name, *(f"{result[name]:.3g}" for result in results))
    Console().print(table)


if __name__ == "__main__":
    main()
