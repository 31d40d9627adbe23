"""SMPL parameters of many people at once, in numpy: rest joints, posed joints, translations.

Convention:
    A body rotates about its rest-pose root: root joint = rest root of its shape + translation. So its root joint is
    where it is annotated when translation = annotated root - rest root. Example: rest root (0, -0.2, 0), annotated root
    (0, 0, 3) -> translation (0, 0.2, 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int8
from scipy.spatial.transform import Rotation

from body.model import BodyModel
from datamodules.sample import GENDERS


class RestJoints:
    """Rest-pose joints of a body as a linear function of its shape, in double precision."""

    def __init__(self, body: BodyModel) -> None:
        weights = body.regressor.double().cpu().numpy()
        self._origin = weights @ body.v_template.double().cpu().numpy()
        self._directions = np.einsum("jv,vck->jck", weights, body.shapedirs.double().cpu().numpy())
        self._parents = body.parents

    def of(self, betas: Float[np.ndarray, "rows 10"]) -> Float[np.ndarray, "rows joints 3"]:
        """Rest joints of shapes, metres."""
        return self._origin + np.einsum("jck,rk->rjc", self._directions, betas)

    def posed(
        self,
        pose: Float[np.ndarray, "rows joints 3"],
        betas: Float[np.ndarray, "rows 10"],
        transl: Float[np.ndarray, "rows 3"],
    ) -> Float[np.ndarray, "rows joints 3"]:
        """Joints of posed bodies (the kinematic chain of Loper et al. 2015, equation 4), metres."""
        rest, rotations = self.of(betas), matrices(pose)
        world, joints = [rotations[:, 0]], [rest[:, 0]]
        for joint, parent in enumerate(self._parents[1:], start=1):
            bone = rest[:, joint] - rest[:, parent]
            joints.append(joints[parent] + np.einsum("rij,rj->ri", world[parent], bone))
            world.append(world[parent] @ rotations[:, joint])
        return np.stack(joints, 1) + transl[:, None]


def matrices(axis_angle: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation matrices of axis-angle vectors, radians."""
    return Rotation.from_rotvec(axis_angle.reshape(-1, 3)).as_matrix().reshape(*axis_angle.shape, 3)


def root_translations(
    roots: Float[np.ndarray, "rows 3"],
    betas: Float[np.ndarray, "rows 10"],
    gender: Int8[np.ndarray, " rows"],
    body_of: Callable[[str], BodyModel],
) -> Float[np.ndarray, "rows 3"]:
    """Translations that put every body's root joint where it is annotated.

    Args:
        roots: annotated root joints, camera frame, metres.
        betas: shapes.
        gender: position in `GENDERS`.
        body_of: the body of a gender.
    """
    transl = np.empty_like(roots, dtype=np.float64)
    for code in np.unique(gender):
        rows = gender == code
        transl[rows] = roots[rows] - RestJoints(body_of(GENDERS[code])).of(betas[rows])[:, 0]
    return transl


def gender_codes(names: Sequence[str]) -> Int8[np.ndarray, " rows"]:
    """Positions in `GENDERS` of words such as `m`, `male` or `f`.

    Raises:
        ValueError: a word begins with neither m, f nor n; numbers mean other genders in other files and are refused.
    """
    names = [str(name) for name in names]
    table = {name[0]: code for code, name in enumerate(GENDERS)}
    unknown = sorted({name for name in names if name[:1].lower() not in table})
    if unknown:
        raise ValueError(f"genders are m, f or n, not {unknown}")
    return np.array([table[name[0].lower()] for name in names], np.int8).reshape(-1)
