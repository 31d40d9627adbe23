"""Surface charts: part index and two coordinates for any point of an SMPL-structured body.

Convention:
    I is the part, 1 to 24 = SMPL's joint index + 1 (0 is background). V runs along the bone from 0, where the part
    begins (at the parent's side), to 1, where it ends. U is the angle about the bone divided by a full turn: 0.5 faces
    forward (+z) on the trunk, head, and legs, and up (+y) on the arms and feet; the seam, where U jumps between 0
    and 1, lies opposite: on the back, and under arms and feet. U turns right-handed about the bone (from parent to
    child) on the left side and the middle, left-handed on the right side. So mirroring the body keeps (U, V) on paired
    parts, whose I is swapped, and gives (1 - U, V) on the middle ones. On the chest, for example, U grows towards the
    body's left.

    These are not DensePose's charts, which are made by hand and licensed. Fingers share the chart of their hand, so a
    point there is not determined by (I, U, V) alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.parts import face_parts, vertex_parts
from body.skeleton import SMPL24


class Iuv(NamedTuple):
    """Part index (uint8) and chart coordinates (float32, in [0, 1]) of points."""

    part: UInt8[np.ndarray, "*points"]
    u: Float[np.ndarray, "*points"]
    v: Float[np.ndarray, "*points"]


@dataclass(frozen=True)
class SurfaceCharts:
    """Charts of one template body.

    Attributes:
        face_part: part of every face.
        vertex_part: part of every vertex.
        vertices: template in the rest pose, metres.
        centre: a point on each part's axis.
        frame: rows per part: axis (V), the direction of U = 0.5, the direction in which U grows there.
        start: axis coordinate where V = 0, metres from the centre.
        length: extent along the axis, metres.
    """

    face_part: UInt8[np.ndarray, " faces"]
    vertex_part: UInt8[np.ndarray, " vertices"]
    vertices: Float[np.ndarray, "vertices 3"]
    centre: Float[np.ndarray, "24 3"]
    frame: Float[np.ndarray, "24 3 3"]
    start: Float[np.ndarray, "24"]
    length: Float[np.ndarray, "24"]

    @classmethod
    def of(
        cls,
        vertices: Float[np.ndarray, "vertices 3"],
        faces: Int[np.ndarray, "faces 3"],
        weights: Float[np.ndarray, "vertices 24"],
        joints: Float[np.ndarray, "24 3"],
    ) -> SurfaceCharts:
        """Lay the charts on a template in SMPL's T-pose.

        Args:
            vertices: the template, metres, y up, facing +z.
            faces: its triangles.
            weights: skinning weights.
            joints: its joints.

        Raises:
            ValueError: a joint moves no face, so that its part does not exist.
        """
        labels = face_parts(weights, faces)
        centre, frame = np.zeros((24, 3)), np.zeros((24, 3, 3))
        start, length = np.zeros(24), np.zeros(24)
        for part, name in enumerate(SMPL24.joints):
            corners = np.unique(faces[labels == part + 1])
            if len(corners) == 0:
                raise ValueError(f"no face belongs to {name!r}; charts need a body with a part for every joint")
            points = vertices[corners]
            centre[part] = (points.min(axis=0) + points.max(axis=0)) / 2
            if SMPL24.mirror[part] == part:
                centre[part, 0] = 0.0
            frame[part] = _frame(name, joints)
            along = (points - centre[part]) @ frame[part, 0]
            start[part], length[part] = along.min(), np.ptp(along)
        return cls(labels, vertex_parts(weights), vertices, centre, frame, start, length)

    def iuv(self, face_ids: Int[np.ndarray, "*points"], points: Float[np.ndarray, "*points 3"]) -> Iuv:
        """Chart coordinates of surface points.

        Args:
            face_ids: the face that each point lies on; negative where there is none.
            points: the points on the template in the rest pose, metres.

        Returns:
            Zeros where there is no face.
        """
        part = np.where(face_ids < 0, np.uint8(0), self.face_part[np.maximum(face_ids, 0)])
        return self._coordinates(part, points)

    def vertex_iuv(self) -> Iuv:
        """Chart coordinates of every vertex, in the part of its largest skinning weight.

        Interpolating these over a face is wrong where the face crosses a seam or two parts; use `iuv` for pixels.
        """
        return self._coordinates(self.vertex_part, self.vertices)

    def _coordinates(self, part: UInt8[np.ndarray, "*points"], points: Float[np.ndarray, "*points 3"]) -> Iuv:
        row = np.maximum(part.astype(np.int64) - 1, 0)
        local = np.einsum("...ij,...j->...i", self.frame[row], points - self.centre[row])
        v = np.clip((local[..., 0] - self.start[row]) / self.length[row], 0, 1)
        u = np.clip(0.5 + np.arctan2(local[..., 2], local[..., 1]) / (2 * np.pi), 0, 1)
        inside = part > 0
        return Iuv(part, (u * inside).astype(np.float32), (v * inside).astype(np.float32))


def _frame(name: str, joints: Float[np.ndarray, "24 3"]) -> Float[np.ndarray, "3 3"]:
    """Axis, direction of U = 0.5 and direction of growing U for one part."""
    index, parents = SMPL24.index(name), SMPL24.parent_indices
    children = [child for parent, child in SMPL24.bones if parent == index]
    stem = name.split("_")[-1]
    side = -1.0 if name.startswith("right_") else 1.0
    if name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head"):
        axis = np.array([0.0, 1.0, 0.0])
    elif stem in ("ankle", "foot"):
        axis = np.array([0.0, 0.0, 1.0])
    elif children:
        axis = joints[children].mean(axis=0) - joints[index]
    else:
        axis = joints[index] - joints[parents[index]]
    axis = axis / np.linalg.norm(axis)
    arm_or_foot = stem in ("collar", "shoulder", "elbow", "wrist", "hand", "ankle", "foot")
    ahead = np.array([0.0, 1.0, 0.0]) if arm_or_foot else np.array([0.0, 0.0, 1.0])
    ahead = ahead - (ahead @ axis) * axis
    ahead = ahead / np.linalg.norm(ahead)
    grows = side * np.cross(axis, ahead)
    return np.stack([axis, ahead, grows])
