"""From garments on MakeHuman's base mesh to garments on the open body: position, shape directions, skinning weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array, diags_array
from scipy.spatial import cKDTree

from body.build_open_body.topology import local_smoothing
from body.model import BodyModel
from body.shading import vertex_normals
from body.skeleton import SMPL24
from datamodules.open_v2.clothes.base_mesh import BaseMesh
from datamodules.open_v2.clothes.mhclo import BoundMesh

_MIN_GAP = 0.003  # metres that cloth keeps from the skin
_ELBOW_RADIUS = 0.09


@dataclass(frozen=True)
class FittedMesh:
    """A mesh on the open body's template.

    Attributes:
        points: T-pose of the mean shape, metres.
        directions: change of `points` with each shape coefficient.
        weights: skinning weights over SMPL's joints.
        hidden: vertices of the open body that the file says lie below it.
    """

    name: str
    points: Float[np.ndarray, "vertices 3"]
    directions: Float[np.ndarray, "vertices 3 10"]
    weights: Float[np.ndarray, "vertices 24"]
    faces: Int[np.ndarray, "faces 3"]
    hidden: Int[np.ndarray, " hidden"]


class Fitter:
    """Carries bound meshes over to the open body.

    Args:
        base: samples of the base mesh.
        body: the open body.
    """

    def __init__(self, base: BaseMesh, body: BodyModel) -> None:
        self._base, self._body = base, body
        self._template = body.v_template.numpy().astype(np.float64)
        skin = np.stack(
            [self._t_posed(rest, m, base.bone_weights) for rest, m in zip(base.rest, base.to_t_pose, strict=True)]
        )
        middle = skin.mean(0)
        self._origin = _offset(middle, self._template)
        self.base_index = cKDTree(middle + self._origin).query(self._template)[1]
        shapes = body.shapedirs.numpy().astype(np.float64).reshape(-1, body.num_betas)
        apart = (skin[:, self.base_index] + self._origin - self._template).reshape(len(skin), -1)
        self._betas = np.linalg.lstsq(shapes, apart.T, rcond=None)[0].T

    def female(self) -> Float[np.ndarray, "11"]:
        """Constant and factors of the shape coefficients that tell female (1) from male (0) shapes."""
        design = np.concatenate([np.ones((len(self._betas), 1)), self._betas], 1)
        return np.asarray(np.linalg.lstsq(design, self._base.female, rcond=None)[0])

    @staticmethod
    def _t_posed(rest: np.ndarray, matrices: np.ndarray, weights: np.ndarray) -> np.ndarray:
        blended = (weights @ matrices.reshape(len(matrices), 12)).reshape(-1, 3, 4)
        return np.asarray(np.einsum("vij,vj->vi", blended[..., :3], rest) + blended[..., 3])

    def fit(self, mesh: BoundMesh) -> FittedMesh:
        """One mesh on the open body."""
        binding = np.clip(mesh.weights, 0, None)
        binding = binding / np.maximum(binding.sum(1, keepdims=True), 1e-6)
        bones = np.einsum("vk,vkb->vb", binding, self._base.bone_weights[mesh.corners])
        smooth = _smoothing(mesh.faces, len(mesh.corners))
        for _ in range(3):
            bones = smooth @ bones
        posed = [
            self._t_posed(mesh.fit(rest), matrices, bones)
            for rest, matrices in zip(self._base.rest, self._base.to_t_pose, strict=True)
        ]
        flat = (np.stack(posed) + self._origin).reshape(len(posed), -1)
        design = np.concatenate([np.ones((len(posed), 1)), self._betas], 1)
        solution = np.linalg.lstsq(design, flat, rcond=None)[0].reshape(len(design[0]), -1, 3)
        elbows = (
            self._body.regressor.numpy()[[SMPL24.index("left_elbow"), SMPL24.index("right_elbow")]] @ self._template
        )
        # the open body's elbows were smoothed after they had been straightened, so sleeves are, too
        matrix = local_smoothing(solution[0], mesh.faces, elbows, _ELBOW_RADIUS)
        solution = np.stack([matrix @ layer for layer in solution])
        weights = np.einsum("vk,vkj->vj", binding, self._base.joint_weights[mesh.corners])
        for _ in range(3):
            weights = smooth @ weights
        hidden = np.flatnonzero(np.isin(self.base_index, mesh.hidden))
        return FittedMesh(mesh.name, solution[0], solution[1:].transpose(1, 2, 0), weights, mesh.faces, hidden)


def push_out(
    points: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    body: Float[np.ndarray, "skin 3"],
    body_faces: Int[np.ndarray, "body_faces 3"],
    gap: float = _MIN_GAP,
) -> Float[np.ndarray, "vertices 3"]:
    """The outer side of a garment, where it lies inside of a body or too near to it, brought out along its normals."""
    normals = vertex_normals(body, body_faces)
    nearest = cKDTree(body).query(points, k=4)[1]
    height = np.einsum("vkc,vkc->vk", points[:, None] - body[nearest], normals[nearest]).mean(1)
    direction = normals[nearest].mean(1)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    outer = np.einsum("vc,vc->v", vertex_normals(points, faces), direction) > 0
    return np.asarray(points + (outer * np.clip(gap - height, 0, 0.05))[:, None] * direction)


def _smoothing(faces: Int[np.ndarray, "faces 3"], count: int) -> csr_array:
    """Half of a vertex, half of the mean of its neighbours."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1], np.arange(count).repeat(2).reshape(-1, 2)]), axis=0)
    adjacency = csr_array((np.ones(len(edges)), edges.T), shape=(count, count))
    adjacency = adjacency + diags_array(np.maximum(adjacency.sum(1) - 2, 0))
    return csr_array(diags_array(1 / adjacency.sum(1)) @ adjacency)


def _offset(points: Float[np.ndarray, "base 3"], template: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "3"]:
    """Translation that lays the base mesh, of which the template is a part, over the template."""
    offset = np.zeros(3)
    for _ in range(20):
        offset = offset + np.median(template - (points + offset)[cKDTree(points + offset).query(template)[1]], 0)
    return offset
