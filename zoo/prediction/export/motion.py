"""One person's body over frames: what rigged and animated files hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.load import load_body
from body.model import BodyModel
from body.skeleton import SMPL24
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError, one_line
from zoo.prediction.export.person import Person

BODIES = {
    "open": ("open", "neutral"),
    "smpl": ("smpl", "neutral"),
    "smpl_male": ("smpl", "male"),
    "smpl_female": ("smpl", "female"),
}
"""Name of a body with 24 joints -> its family, which files name, and gender: numbers of one mean nothing to another."""
Y_UP = Rotation.from_euler("x", 180, degrees=True)
"""From the camera frame (y down, z forward) to the frame of files (y up, z backward): (x, y, z) to (x, -y, -z)."""


@dataclass(frozen=True)
class Motion:
    """A person in consecutive frames, in the camera frame (x right, y down, z forward; metres).

    Attributes:
        pose: axis-angle of SMPL's 24 joints, the camera-frame orientation first.
        betas: shape, the same in all frames.
        transl: added to the posed body.
        body: name of the body that these are parameters of, a key of `BODIES`.
        fps: frames per second.
        first_frame: number of the first frame in its video.
        name: of the person in files.
        fit_error_mm: see `SmplParameters`; None for parameters that the method itself gives.

    Raises:
        ZooError: no frames, numbers of frames differ, or the body has not SMPL's 24 joints.
    """

    pose: Float[np.ndarray, "frames 24 3"]
    betas: Float[np.ndarray, "10"]
    transl: Float[np.ndarray, "frames 3"]
    body: str
    fps: float = 30.0
    first_frame: int = 0
    name: str = "person0"
    fit_error_mm: Float[np.ndarray, " frames"] | None = None

    def __post_init__(self) -> None:
        _check_body(self.body)
        if not len(self.pose) or len(self.pose) != len(self.transl) or self.fps <= 0:
            raise ZooError(
                f"a motion has as many poses as translations, at least one, and a positive fps; given are "
                f"{len(self.pose)}, {len(self.transl)} and {self.fps:g}"
            )

    @staticmethod
    def of(
        frames: Sequence[Prediction],
        body: str,
        fps: float = 30.0,
        person: int = 0,
        first_frame: int = 0,
        name: str = "person0",
    ) -> Motion:
        """The person in row `person` of consecutive predictions; its shape is the mean, its pelvis stays where it was.

        Args:
            frames: at least one, with SMPL parameters and their translation.
            body: name of their body, see `zoo.prediction.predict.body_name`.
            fps: frames per second.
            person: row of every prediction.
            first_frame: number of the first of them in the video.
            name: of the person in files.

        Raises:
            ZooError: there are no frames, or no parameters in one of them.
        """
        parameters = [frame[person].smpl for frame in frames]
        given = [one for one in parameters if one is not None and one.transl is not None and one.pose.shape[1] == 24]
        if not given or len(given) < len(parameters):
            raise ZooError(
                f"{len(parameters) - len(given)} of {len(parameters)} frames have no pose, shape and translation of a "
                "body with 24 joints; zoo.prediction.fit.fit_parameters estimates them"
            )
        pose, shapes, transl = (
            torch.cat([getattr(one, field).detach().float().cpu() for one in given]).numpy()
            for field in ("pose", "betas", "transl")
        )
        errors = [one.fit_error_mm for one in given]
        known = None if None in errors else torch.cat([one for one in errors if one is not None]).cpu().numpy()
        return Motion.of_arrays(pose, shapes, transl, body, fps, first_frame, name, known)

    @staticmethod
    def of_arrays(
        pose: Float[np.ndarray, "frames 24 3"],
        shapes: Float[np.ndarray, "frames 10"],
        transl: Float[np.ndarray, "frames 3"],
        body: str,
        fps: float = 30.0,
        first_frame: int = 0,
        name: str = "person0",
        fit_error_mm: Float[np.ndarray, " frames"] | None = None,
    ) -> Motion:
        """A person with a shape in every frame: its shape is the mean, its pelvis stays where it was.

        The arguments are the attributes.
        """
        betas = shapes.mean(0)
        resting = rest_joints(body, np.concatenate([shapes, betas[None]]))[:, 0]
        moved = (transl + resting[:-1] - resting[-1]).astype(np.float32)
        return Motion(pose, betas, moved, body, fps, first_frame, name, fit_error_mm)


class Chain(NamedTuple):
    """A motion as a chain of 24 joints, in the frame of files: y up, metres.

    Attributes:
        rest: joints of the shaped body in its T-pose; bones point from a joint's parent to the joint.
        rotations: of every joint in its parent's frame, the first one's in the world.
        root: place of the first joint.
    """

    rest: Float[np.ndarray, "24 3"]
    rotations: list[Rotation]
    root: Float[np.ndarray, "frames 3"]


def make_chain(motion: Motion) -> Chain:
    """The motion's joints. `Rotation` holds all frames of a joint."""
    rest = rest_joints(motion.body, motion.betas[None])[0]
    local = [Rotation.from_rotvec(motion.pose[:, joint].astype(np.float64)) for joint in range(len(SMPL24))]
    return Chain(rest, [Y_UP * local[0], *local[1:]], Y_UP.apply(rest[0] + motion.transl.astype(np.float64)))


def person_motion(person: Person, model: str, format_name: str, name: str = "person0") -> Motion:
    """A person of an image as a motion of one frame.

    Args:
        person: with its parameters.
        model: name of the weights, for the message.
        format_name: of the file that is wanted, for the message.
        name: of the person in files.

    Raises:
        ZooError: the method gives no parameters, or not those of a body with 24 joints.
    """
    pose, betas, transl = person.pose, person.betas, person.transl
    if person.body not in BODIES or pose is None or betas is None or transl is None or len(pose) != len(SMPL24):
        raise ZooError(
            f"{model} gives no pose and shape of a body with {len(SMPL24)} joints, which {format_name} holds; "
            f"--fit-parameters estimates them, or leave {format_name} out of --formats"
        )
    error = None if person.fit_error_mm is None else np.array([person.fit_error_mm], np.float32)
    return Motion(pose[None], betas, transl[None], person.body, name=name, fit_error_mm=error)


def rest_joints(body: str, betas: Float[np.ndarray, "shapes 10"]) -> Float[np.ndarray, "shapes 24 3"]:
    """Joints of shaped bodies in the T-pose, metres.

    Raises:
        ZooError: see `find_body`.
    """
    return find_body(body).regressor.double().numpy() @ rest_vertices(body, betas)


def rest_vertices(body: str, betas: Float[np.ndarray, "shapes 10"]) -> Float[np.ndarray, "shapes vertices 3"]:
    """Shaped bodies in the T-pose, metres.

    Raises:
        ZooError: see `find_body`.
    """
    model = find_body(body)
    shapes = np.einsum("vck,nk->nvc", model.shapedirs.double().numpy(), betas[:, : model.num_betas])
    return np.asarray(model.v_template.double().numpy() + shapes)


@cache
def find_body(name: str) -> BodyModel:
    """A body of 24 joints by its name, loaded once.

    Raises:
        ZooError: no such body, or its licensed file is not there.
    """
    _check_body(name)
    try:
        return load_body(name)
    except (ValueError, FileNotFoundError) as error:
        raise ZooError(one_line(error)) from None


def _check_body(name: str) -> None:
    if name not in BODIES:
        raise ZooError(f"a motion is of one of the bodies {', '.join(BODIES)}, not of {name!r}")
