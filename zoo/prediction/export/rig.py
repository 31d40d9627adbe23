"""Rigged and animated people as binary glTF: mesh, skin with a skeleton of 24 joints, keys of every frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from body.shading import vertex_normals
from body.skeleton import SMPL24
from zoo.documents.resources import VERSION
from zoo.errors import ZooError
from zoo.prediction.export.animation import Track, add_animation, make_tracks, quaternions
from zoo.prediction.export.drawing import colour_of
from zoo.prediction.export.glb import GlbWriter
from zoo.prediction.export.motion import BODIES, Chain, Motion, find_body, make_chain, rest_vertices

FRAME = "y up, z backward, metres: the camera frame rotated by 180 degrees about its x axis"


def rig_bytes(people: Sequence[Motion], model: str) -> bytes:
    """A file with a mesh, skin and skeleton per person, and one animation if anybody has more than one frame.

    The T-pose is the bind pose; SMPL's pose-dependent blendshapes are left out, as no skin has them (the open body has
    none), so joints are exact and SMPL's skin is not near bent limbs. Every person is invisible (scale 0) outside of
    its frames. A vertex may hang on up to eight joints; readers that take four get the strongest ones.
    `asset.extras.body` names the body: `open` is not SMPL, though its skeleton has SMPL's joints.

    Args:
        people: of one body.
        model: name of the weights.

    Raises:
        ZooError: nobody, or bodies differ.
    """
    bodies = {motion.body for motion in people}
    if len(bodies) != 1:
        raise ZooError(f"a rigged file holds people of one body, not of {', '.join(sorted(bodies)) or 'none'}")
    family, gender = BODIES[bodies.pop()]
    extras = {"body": family, "gender": gender, "model": model, "frame": FRAME}
    if family == "open":
        extras["note"] = "the open body of human-mesh-zoo (MakeHuman, CC0), not SMPL; its shapes mean nothing to SMPL"
    writer = GlbWriter({"generator": f"human-mesh-zoo {VERSION}", "extras": extras})
    end = max(motion.first_frame + len(motion.pose) for motion in people)
    roots: list[int] = []
    tracks: list[Track] = []
    for number, motion in enumerate(people):
        chain = make_chain(motion)
        joints = _add_joints(writer, chain)
        skin = _add_skin(writer, chain, joints)
        mesh, shape = _add_mesh(writer, motion, number), {"body": family, "betas": motion.betas.tolist()}
        skeleton = writer.add("nodes", name=f"{motion.name}_skeleton", children=joints[:1])
        roots += [writer.add("nodes", name=motion.name, mesh=mesh, skin=skin, extras=shape), skeleton]
        tracks += make_tracks(motion, chain, joints, skeleton, end)
    writer.document |= {"scene": 0, "scenes": [{"nodes": roots}]}
    if end > 1:
        add_animation(writer, tracks)
    return writer.data()


def _add_mesh(writer: GlbWriter, motion: Motion, number: int) -> int:
    """The body in its bind pose, with up to eight joints per vertex in sets of four."""
    model = find_body(motion.body)
    vertices = rest_vertices(motion.body, motion.betas[None])[0].astype("<f4")
    weights = model.lbs_weights.numpy()
    sets = -(-int((weights > 0).sum(1).max()) // 4)
    order = np.argsort(-weights, 1)[:, : 4 * sets]
    strongest = np.take_along_axis(weights, order, 1)
    strongest = strongest / strongest.sum(1, keepdims=True)
    order[strongest == 0] = 0  # glTF wants joint 0 where nothing is weighed
    attributes = {
        "POSITION": writer.array(vertices, "VEC3", "vertices", bounds=True),
        "NORMAL": writer.array(vertex_normals(vertices, model.faces).astype("<f4"), "VEC3", "vertices"),
    }
    for part in range(sets):
        four = slice(4 * part, 4 * part + 4)
        attributes[f"JOINTS_{part}"] = writer.array(order[:, four].astype("u1"), "VEC4", "vertices")
        attributes[f"WEIGHTS_{part}"] = writer.array(strongest[:, four].astype("<f4"), "VEC4", "vertices")
    colour = [(value / 255) ** 2.2 for value in colour_of(number)]  # glTF's factors are linear
    look = {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}
    primitive = {
        "attributes": attributes,
        "indices": writer.array(model.faces.astype("<u4").reshape(-1), "SCALAR", "indices"),
        "material": writer.add("materials", name=motion.name, pbrMetallicRoughness=look),
    }
    return writer.add("meshes", name=motion.name, primitives=[primitive])


def _add_joints(writer: GlbWriter, chain: Chain) -> list[int]:
    """A node per joint, posed as in the first frame."""
    first = len(writer.document.get("nodes", []))
    for joint, (name, parent) in enumerate(zip(SMPL24.joints, SMPL24.parent_indices, strict=True)):
        place = chain.rest[joint] - chain.rest[parent] if joint else chain.root[0]
        node = {
            "name": name,
            "translation": place.tolist(),
            "rotation": quaternions(chain.rotations[joint])[0].tolist(),
        }
        children = [first + k for k, p in enumerate(SMPL24.parent_indices) if p == joint and k != joint]
        writer.add("nodes", **node, **({"children": children} if children else {}))
    return list(range(first, first + len(SMPL24)))


def _add_skin(writer: GlbWriter, chain: Chain, joints: list[int]) -> int:
    """Bind matrices take a point of the T-pose to its joint's frame; they are stored by columns."""
    bind = np.tile(np.eye(4, dtype="<f4"), (len(SMPL24), 1, 1))
    bind[:, 3, :3] = -chain.rest
    return writer.add("skins", joints=joints, skeleton=joints[0], inverseBindMatrices=writer.array(bind, "MAT4"))
