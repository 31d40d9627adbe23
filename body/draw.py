"""Pictures of results: a shaded mesh over an image, and a skeleton."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from body.raycast import Hits, Mesh, RayScene, Window, camera_rays, interpolate
from body.shading import headlight, vertex_normals
from body.skeleton import Skeleton

LEFT_COLOUR = (235, 110, 60)
RIGHT_COLOUR = (60, 130, 235)
MIDDLE_COLOUR = (90, 200, 120)
_SUBPIXEL = 4  # fractional bits of cv2's drawing coordinates


def mesh_overlay(
    image: UInt8[np.ndarray, "height width 3"],
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    colour: tuple[int, int, int] = (170, 190, 225),
    alpha: float = 0.85,
    supersample: int = 2,
) -> UInt8[np.ndarray, "height width 3"]:
    """A new RGB image with the mesh drawn over `image`.

    Args:
        image: RGB.
        vertices: camera frame, metres.
        faces: triangles of `vertices`.
        intrinsics: camera of `image`, pixels.
        colour: RGB of the surface under full light.
        alpha: opacity of the mesh.
        supersample: rays per pixel along each axis; they smooth the edges.
    """
    return scene_overlay(image, [(vertices, faces)], intrinsics, [colour], alpha, supersample)


def scene_overlay(
    image: UInt8[np.ndarray, "height width 3"],
    meshes: Sequence[Mesh],
    intrinsics: Float[np.ndarray, "3 3"],
    colours: Sequence[tuple[int, int, int]],
    alpha: float = 0.85,
    supersample: int = 2,
) -> UInt8[np.ndarray, "height width 3"]:
    """A new RGB image with meshes drawn over `image`; what is nearer hides what is behind it.

    Args:
        image: RGB.
        meshes: (vertices, faces), camera frame, metres.
        intrinsics: camera of `image`, pixels.
        colours: RGB of every surface under full light.
        alpha: opacity of the meshes.
        supersample: rays per pixel along each axis where edges are, which they smooth; elsewhere there is one.
    """
    _check(image)
    height, width = image.shape[:2]
    scene = _ShadedScene(meshes, colours)
    directions = camera_rays(intrinsics, Window(0, 0, width, height))
    layers, hits = scene.shade(directions)
    layers = layers.reshape(height, width, 4)
    edges = _edges(hits.mesh.reshape(height, width), hits.distance.reshape(height, width))
    if supersample > 1 and edges.any():
        right, down = (camera_rays(intrinsics, Window(u, v, 1, 1))[0] - directions[0] for u, v in ((1, 0), (0, 1)))
        steps = (np.arange(supersample) + 0.5) / supersample - 0.5
        offsets = (steps[:, None, None] * down + steps[:, None] * right).reshape(-1, 3).astype(np.float32)
        fine, _ = scene.shade((directions.reshape(height, width, 1, 3)[edges] + offsets).reshape(-1, 3))
        layers[edges] = fine.reshape(-1, len(offsets), 4).mean(1)
    mixed = image * (1 - alpha * layers[..., 3:]) + alpha * layers[..., :3]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


class _ShadedScene:
    """Meshes with their colours and normals, under the headlight."""

    def __init__(self, meshes: Sequence[Mesh], colours: Sequence[tuple[int, int, int]]) -> None:
        self._scene, self._meshes, self._colours = RayScene(meshes), meshes, np.asarray(colours, np.float32)
        self._normals = [vertex_normals(vertices, faces) for vertices, faces in meshes]

    def shade(self, directions: Float[np.ndarray, "rays 3"]) -> tuple[Float[np.ndarray, "rays 4"], Hits]:
        """RGB and coverage that rays from the camera see, and what they hit."""
        hits = self._scene.cast(np.zeros_like(directions), directions)
        layers = np.zeros((len(directions), 4), np.float32)
        for number, (_, faces) in enumerate(self._meshes):
            rays = np.flatnonzero(hits.mesh == number)
            own = Hits(hits.mesh[rays], hits.face[rays], hits.barycentric[rays], hits.distance[rays])
            normals = interpolate(self._normals[number], faces, own)
            layers[rays, :3] = headlight(normals, directions[rays])[:, None] * self._colours[number]
            layers[rays, 3] = 1
        return layers, hits


def _edges(
    mesh: Int[np.ndarray, "height width"], distance: Float[np.ndarray, "height width"], step: float = 0.02
) -> Bool[np.ndarray, "height width"]:
    """Pixels beside ones that show another mesh, or the same one at another depth by more than a part of `step`."""
    depth = np.where(np.isfinite(distance), distance, 1e6).astype(np.float32)
    edges = np.zeros(mesh.shape, bool)
    for axis in (0, 1):
        one, other = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        jump = np.abs(depth[one] - depth[other]) > step * np.minimum(depth[one], depth[other])
        jump |= mesh[one] != mesh[other]
        edges[one] |= jump
        edges[other] |= jump
    return edges


def skeleton_overlay(
    image: UInt8[np.ndarray, "height width 3"],
    joints: Float[np.ndarray, "joints 2"],
    skeleton: Skeleton,
    valid: Bool[np.ndarray, " joints"] | None = None,
) -> UInt8[np.ndarray, "height width 3"]:
    """A new RGB image with bones and joints drawn over `image`: left orange, right blue, middle green.

    Args:
        image: RGB.
        joints: pixels; joints that are not finite are left out.
        skeleton: names the joints and the bones.
        valid: which joints to draw; all of them when omitted.

    Raises:
        ValueError: `joints` has another number of joints than the skeleton.
    """
    _check(image)
    if joints.shape != (len(skeleton), 2):
        raise ValueError(f"{joints.shape} joints given, skeleton {skeleton.name!r} needs ({len(skeleton)}, 2)")
    limit = 4 * max(image.shape)  # cv2 overflows on far-away points
    drawn = np.isfinite(joints).all(-1) & (np.abs(np.nan_to_num(joints)) < limit).all(-1)
    if valid is not None:
        drawn &= valid
    canvas = np.ascontiguousarray(image).copy()
    thickness = max(1, round(max(image.shape) / 150))
    points = _points(joints, drawn)
    for parent, child in skeleton.bones:
        if drawn[parent] and drawn[child]:
            colour = _side_colour(skeleton.joints[child])
            cv2.line(canvas, points[parent], points[child], colour, thickness, cv2.LINE_AA, _SUBPIXEL)
    for joint in np.flatnonzero(drawn):
        colour = _side_colour(skeleton.joints[joint])
        radius = int((thickness + 0.5) * 2**_SUBPIXEL)
        cv2.circle(canvas, points[joint], radius, colour, -1, cv2.LINE_AA, _SUBPIXEL)
    return canvas


def _points(joints: Float[np.ndarray, "joints 2"], drawn: Bool[np.ndarray, " joints"]) -> list[tuple[int, int]]:
    fixed = np.rint(np.where(drawn[:, None], joints, 0) * 2**_SUBPIXEL).astype(int)
    return [(int(x), int(y)) for x, y in fixed]


def _side_colour(joint: str) -> tuple[int, int, int]:
    if joint.startswith("left_"):
        return LEFT_COLOUR
    return RIGHT_COLOUR if joint.startswith("right_") else MIDDLE_COLOUR


def _check(image: UInt8[np.ndarray, "height width 3"]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"need an RGB uint8 image (height, width, 3), got {image.dtype} {image.shape}")
