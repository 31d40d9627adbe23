"""Cuts fitted suits into what can be worn by itself: top, trousers, skirt, shoes, socks, hair, hat."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from datamodules.open_v2.clothes.fitting import FittedMesh

KINDS = ("top", "overall", "bottom", "skirt", "socks", "shoes", "hair", "hat")
_SMALL = 0.04  # share of a mesh's vertices below which an island belongs to the one beside it
_CROTCH, _SOLE = -0.13, -0.975  # heights on the open body's template, metres


def split(mesh: FittedMesh, folder: str) -> list[tuple[str, Int[np.ndarray, " faces"]]]:
    """(kind, faces) of the pieces of one mesh.

    Args:
        mesh: on the open body.
        folder: of the asset repository, `hair` or `clothes`.
    """
    everything = np.arange(len(mesh.faces))
    if folder == "hair":
        return [("hair", everything)]
    if mesh.points[:, 1].min() > 0.4:
        return [("hat", everything)]
    island = _islands(mesh.points, mesh.faces)
    labels = np.array([_kind(mesh.points[island == k]) for k in range(island.max() + 1)])
    face_labels = labels[island[mesh.faces[:, 0]]]
    return [(kind, np.flatnonzero(face_labels == kind)) for kind in KINDS if (face_labels == kind).any()]


def _islands(
    points: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> Int[np.ndarray, " vertices"]:
    """Number of the connected piece of every vertex; buttons, laces and ties count to the large piece beside them."""
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(len(points),) * 2)
    label = connected_components(graph, directed=False)[1]
    share = np.bincount(label) / len(label)
    small = (share < _SMALL)[label]
    if small.any() and not small.all():
        near = cKDTree(points[~small]).query(points)[1]
        owner = np.array([np.bincount(label[~small][near[label == k]]).argmax() for k in range(label.max() + 1)])
        label = np.where(small, owner[label], label)
    return np.asarray(np.unique(label, return_inverse=True)[1])


def _kind(points: Float[np.ndarray, "piece 3"]) -> str:
    low, high = points[:, 1].min(), points[:, 1].max()
    if high < -0.5:
        return "shoes" if low < _SOLE else "socks"
    if high > 0.3:
        return "overall" if low < _CROTCH - 0.2 else "top"
    hem = points[points[:, 1] < low + 0.03]
    return "skirt" if (np.abs(hem[:, 0]) < 0.01).any() else "bottom"
