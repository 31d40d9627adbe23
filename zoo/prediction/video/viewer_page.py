"""A page that plays a video's people in 3D: one file, no server, no network."""

from __future__ import annotations

from array import array
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from body.skeleton import SMPL24, Skeleton
from zoo.prediction.export.drawing import colour_of, scale_intrinsics
from zoo.prediction.export.motion import BODIES, Motion, find_body, rest_joints, rest_vertices
from zoo.prediction.export.viewer import base64_of, jpeg_url, page_html
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.people import TrackedPerson

_MAX_PHOTOS = 160
"""Of a video with more frames every second one is left out, every fourth, ...: the page and the memory stay small."""
_PHOTO_SIDE = 480
_INFLUENCES = 4
"""Joints that move a vertex, at most."""


class ViewerPage:
    """`STEM.html`: orbit, play, everybody shown or hidden. Bodies where the method gives pose and shape, else joints.

    Some 700 bytes are kept per person and frame, and 160 small photographs.

    Args:
        path: of the page.
        title: of the page.
        body: name of the body that parameters are of.
        skeleton: of the joints.
        rate: frames per second.
    """

    def __init__(self, path: Path, title: str, body: str, skeleton: Skeleton, rate: Fraction) -> None:
        self._path, self._title, self._body, self._skeleton, self._rate = path, title, body, skeleton, rate
        self._rows: dict[int, array[float]] = defaultdict(lambda: array("f"))
        self._frames: dict[int, list[int]] = defaultdict(list)
        self._posed: dict[int, bool] = {}
        self._photos: list[str] = []
        self._stride, self._count = 1, 0
        self._camera: dict[str, list[float]] = {}

    def add(self, frame: VideoFrame) -> None:
        """Keep what is in a frame."""
        if self._count % self._stride == 0:
            self._keep_photo(frame)
        for one in frame.people:
            values, is_posed = _row(one, self._body in BODIES)
            self._posed[one.track] = self._posed.get(one.track, True) and is_posed
            self._rows[one.track].extend(values)
            self._frames[one.track].append(self._count)
        self._count += 1

    def _keep_photo(self, frame: VideoFrame) -> None:
        pixels = frame.canvas.pixels
        height, width = pixels.shape[:2]
        if not self._photos:
            (fx, _, cx), (_, fy, cy), _ = scale_intrinsics(frame.canvas.intrinsics, 1 / frame.scale).tolist()
            size = [round(width / frame.scale), round(height / frame.scale)]
            self._camera = {"camera": [fx, fy, cx, cy], "size": size}
        self._photos.append(jpeg_url(_thumbnail(pixels), 70))
        if len(self._photos) > _MAX_PHOTOS:
            self._photos, self._stride = self._photos[::2], 2 * self._stride

    def close(self) -> None:
        """Write the page; none if there was nobody."""
        if not self._rows:
            return
        data: dict[str, Any] = {
            **self._camera,
            "people": [self._person(track) for track in sorted(self._rows)],
            "faces": "",
            "names": list(self._skeleton.joints),
            "bones": [list(bone) for bone in self._skeleton.bones],
            "photos": self._photos,
            "stride": self._stride,
            "frames": self._count,
            "fps": float(self._rate),
        }
        if any("skin" in one for one in data["people"]):
            data["faces"] = base64_of(find_body(self._body).faces.astype("<u4"))
        self._path.write_text(page_html(data, self._title), encoding="utf-8", errors="replace")

    def _person(self, track: int) -> dict[str, Any]:
        frames, rows = self._frames[track], np.frombuffer(self._rows[track], np.float32)
        rows = rows.reshape(len(frames), -1)
        count = 3 * len(self._skeleton)
        person = {
            "name": f"person {track}",
            "colour": [value / 255 for value in colour_of(track)],
            "rows": frames,
            "moving": base64_of(rows[:, :count].astype("<f4")),
            "vertices": "",
        }
        if not self._posed[track]:
            return person
        pose, betas, transl = np.split(rows[:, count:], [72, 82], 1)
        return person | _skinned(Motion.of_arrays(pose.reshape(-1, 24, 3), betas, transl, self._body))


def _row(one: TrackedPerson, has_body: bool) -> tuple[list[float], bool]:
    """Joints, pose, shape and translation, and whether there are the last three."""
    smpl, joints = one.prediction.smpl, one.prediction.joints[0].flatten().tolist()
    if not has_body or smpl is None or smpl.transl is None or smpl.pose[0].numel() != 72:
        return joints + [0.0] * 85, False
    parts = (smpl.pose, smpl.betas, smpl.transl)
    return joints + [value for part in parts for value in part[0].flatten().tolist()], True


def _skinned(motion: Motion) -> dict[str, Any]:
    """The body at rest, its skin, and in every frame the affine map of each joint's part of it."""
    weights = find_body(motion.body).lbs_weights.numpy()
    order = np.argsort(-weights, 1)[:, :_INFLUENCES]
    strongest = np.take_along_axis(weights, order, 1)
    strongest = strongest / strongest.sum(1, keepdims=True)
    vertices = rest_vertices(motion.body, motion.betas[None])[0]
    return {
        "vertices": base64_of(vertices.astype("<f4")),
        "skin": {"joints": base64_of(order.astype("<f4")), "weights": base64_of(strongest.astype("<f4"))},
        "maps": base64_of(part_maps(motion).astype("<f4")),
    }


def part_maps(motion: Motion) -> Float[np.ndarray, "frames 24 3 4"]:
    """Affine maps from the body at rest to the camera frame, linear blend skinning's, of all joints in all frames."""
    from scipy.spatial.transform import Rotation

    rest = rest_joints(motion.body, motion.betas[None])[0]
    turns = Rotation.from_rotvec(motion.pose.reshape(-1, 3).astype(np.float64)).as_matrix()
    turns, places = turns.reshape(-1, len(SMPL24), 3, 3), np.zeros((len(motion.pose), len(SMPL24), 3))
    for joint, parent in enumerate(SMPL24.parent_indices):
        if not joint:
            places[:, 0] = rest[0] + motion.transl
            continue
        places[:, joint] = places[:, parent] + turns[:, parent] @ (rest[joint] - rest[parent])
        turns[:, joint] = turns[:, parent] @ turns[:, joint]
    moves = places - np.einsum("fjab,jb->fja", turns, rest)
    return np.concatenate([turns, moves[..., None]], -1)


def _thumbnail(pixels: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height2 width2 3"]:
    height, width = pixels.shape[:2]
    scale = min(1.0, _PHOTO_SIDE / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
