"""The truth that fake benchmarks are written from: a few posed people in front of known cameras."""

import math
import zlib
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
import torch

from body.load import load_body
from body.model import BodyModel
from body.skeleton import Skeleton, get_skeleton

# Places that no regressor of the open body gives: stand-ins of about the right size, each a mean of known joints.
_STAND_INS = {
    "pelvis": ("left_hip", "right_hip", "spine1"),
    "spine": ("spine1", "spine2"),
    "spine4": ("spine3", "neck"),
    "thorax": ("left_shoulder", "right_shoulder"),
    "clavicle": ("collar",),
    "head": ("head", "head_top"),
    "chin": ("head", "nose"),
    "toe": ("big_toe",),
    "finger": ("hand",),
}
_SUFFIXES = ("_h36m", "_mpi", "_mpii", "_lsp", "_humaneva", "_panoptic", "_smplx")


@cache
def body_called(name: str) -> BodyModel:
    return load_body(name)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in a world; metres.

    Attributes:
        size: width and height of its images.
        intrinsics: (3, 3), pixels.
        rotation, translation: camera = rotation @ world + translation.
    """

    size: tuple[int, int]
    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def to_world(self, points):
        """Camera-frame points (..., 3) in the world."""
        return (np.asarray(points) - self.translation) @ self.rotation

    def from_world(self, points):
        """World points (..., 3) in the camera frame."""
        return np.asarray(points) @ self.rotation.T + self.translation

    def project(self, points):
        """Pixels of camera-frame points."""
        homogeneous = np.asarray(points) @ self.intrinsics.T
        return homogeneous[..., :2] / homogeneous[..., 2:]


def make_camera(size=(128, 96), seed=0, field_of_view=50.0) -> Camera:
    """A camera with an off-centre principal point and different focal lengths, turned and moved in its world."""
    rng = np.random.default_rng([seed, 11])
    focal = max(size) / 2 / math.tan(math.radians(field_of_view) / 2)
    centre = (np.array(size) - 1) / 2 + rng.uniform(-0.03, 0.03, 2) * size
    intrinsics = np.array([[focal, 0, centre[0]], [0, focal * 1.01, centre[1]], [0, 0, 1.0]])
    rotation = cv2.Rodrigues(rng.uniform(-1, 1, 3))[0]
    return Camera(tuple(size), intrinsics, rotation, rng.uniform(-2, 2, 3))


@dataclass(frozen=True)
class Person:
    """One posed person; SMPL parameters are those of `body` in the camera frame."""

    camera: Camera
    body: str
    pose: np.ndarray
    betas: np.ndarray
    transl: np.ndarray

    @cached_property
    def vertices(self):
        """(V, 3) camera frame, metres."""
        with torch.no_grad():
            posed = body_called(self.body)(
                *(torch.tensor(a[None]).float() for a in (self.pose, self.betas, self.transl))
            )
        return posed.vertices[0].double().numpy()

    def joints(self, skeleton: Skeleton | str) -> np.ndarray:
        """Joints of any skeleton, camera frame, metres.

        Exact where the body has a regressor for the whole skeleton, else stand-ins, name by name: the same name is the
        same place in every skeleton, and a name with another suffix is another place.
        """
        skeleton = get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
        body = body_called(self.body)
        if skeleton.name in body._joint_sets:
            return self._regressed(skeleton.name)
        return np.stack([self._place(joint) for joint in skeleton.joints])

    def pixels(self, skeleton: Skeleton | str) -> np.ndarray:
        """The same joints in the image."""
        return self.camera.project(self.joints(skeleton))

    @cached_property
    def box(self):
        """Tight (x, y, width, height) around the mesh, pixels."""
        pixels = self.camera.project(self.vertices)
        low, high = pixels.min(0), pixels.max(0)
        return np.concatenate([low, high - low])

    def _regressed(self, name):
        return body_called(self.body).joint_regressor(name).double().numpy() @ self.vertices

    @cached_property
    def _known(self):
        body, known = body_called(self.body), {}
        for name in body._joint_sets:
            known |= dict(zip(get_skeleton(name).joints, self._regressed(name), strict=True))
        return {joint: self.vertices[vertex] for joint, vertex in body.landmarks.items()} | known

    def _place(self, joint):
        if joint in self._known:
            return self._known[joint]
        suffix = next((s for s in _SUFFIXES if joint.endswith(s)), "")
        stem = joint.removesuffix(suffix)
        side, _, part = stem.rpartition("_") if stem.startswith(("left_", "right_")) else ("", "", stem)
        names = _STAND_INS.get(part, (part,))
        names = [name if "_" in name or not side else f"{side}_{name}" for name in names]
        names = [name for name in names if name in self._known]
        if not names:  # nothing of the kind: some point of the surface, always the same one
            return self.vertices[zlib.crc32(joint.encode()) % len(self.vertices)]
        shift = np.random.default_rng(zlib.crc32(suffix.encode())).uniform(-0.02, 0.02, 3) * bool(suffix)
        return np.mean([self._known[name] for name in names], 0) + shift


def make_people(count=3, camera: Camera | None = None, seed=0, body="open", depth=None) -> list[Person]:
    """Different people who stand upright, whole in the image, in front of one camera.

    Args:
        count: how many.
        camera: `make_camera()` when omitted.
        seed: of poses and places.
        body: as `body.load.load_body` names it; licensed ones need `fake.assets` first.
        depth: metres to the first person; far enough to be whole when omitted.
    """
    camera = camera or make_camera()
    parts = len(body_called(body).parents)
    extent = 2.0 if parts == 24 else 0.25
    need = extent * camera.intrinsics[1, 1] / (0.8 * min(camera.size))
    people = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        pose = 0.25 * rng.normal(size=(parts, 3))
        upright, turn = np.diag([1.0, -1.0, -1.0]), cv2.Rodrigues(np.array([0, rng.uniform(-1, 1), 0]))[0]
        pose[0] = cv2.Rodrigues(upright @ turn @ cv2.Rodrigues(0.1 * rng.normal(size=3))[0])[0][:, 0]
        distance = (depth or need) + 0.15 * extent * number
        middle = (np.array(camera.size) - 1) / 2 - camera.intrinsics[:2, 2]
        place = np.append(middle / camera.intrinsics[[0, 1], [0, 1]] * distance, distance)
        place[:2] += rng.uniform(-0.05, 0.05, 2) * extent
        person = Person(camera, body, pose, rng.normal(size=10) * 0.7, place)
        middle = (person.vertices.min(0) + person.vertices.max(0)) / 2  # bodies do not have their origin in the middle
        people.append(Person(camera, body, person.pose, person.betas, place + (place - middle) * [1, 1, 0]))
    return people


def make_image(people: list[Person], shade=90) -> np.ndarray:
    """(height, width, 3) RGB: a flat colour in every person's outline on grey, so that a wrong crop shows."""
    width, height = people[0].camera.size
    image = np.full((height, width, 3), shade, np.uint8)
    for number, person in enumerate(people):
        outline = cv2.convexHull(person.camera.project(person.vertices).astype(np.float32))
        colour = [(220, 60, 60), (60, 200, 80), (70, 90, 230)][number % 3]
        cv2.fillConvexPoly(image, np.rint(outline).astype(np.int32), colour)
    return image


def write_image(path, image) -> None:
    """Write RGB as PNG or JPEG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
