"""Garments of our own, for which MakeHuman has no mesh: caps, helmets and flared skirts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from body.model import BodyModel
from body.shading import vertex_normals
from body.skeleton import SMPL24
from datamodules.open_v2.clothes.fitting import FittedMesh

_ROUND = 36  # vertices around a skirt
_NOBODY = np.zeros(0, np.int64)


def sewn_garments(body: BodyModel) -> list[tuple[str, FittedMesh]]:
    """(kind, mesh) of each."""
    return [
        ("hat", _headgear(body, "cap", low=0.64, gap=0.013, brim=0.075)),
        ("hat", _headgear(body, "helmet", low=0.615, gap=0.026, brim=0.03)),
        ("skirt", _skirt(body, "skirt_straight", flare=0.07)),
        ("skirt", _skirt(body, "skirt_flared", flare=0.3)),
    ]


def _headgear(body: BodyModel, name: str, low: float, gap: float, brim: float) -> FittedMesh:
    """The skin of the upper head, blown up, with a brim in front; lengths in metres."""
    template, normals = body.v_template.numpy(), vertex_normals(body.v_template.numpy(), body.faces)
    line = low + 0.2 * (template[:, 2] - 0.05)
    inside = (template[:, 1] > line) & (np.abs(template[:, 0]) < 0.079)
    kept = body.faces[inside[body.faces].any(1)]
    used, faces = np.unique(kept, return_inverse=True)
    shell = template[used] + gap * normals[used]
    shell[:, 1] = np.maximum(shell[:, 1], line[used])  # a straight hem
    angles = np.linspace(-1.15, 1.15, 15)
    sine, cosine = np.sin(angles), np.cos(angles)
    rim = np.stack([(0.072 + gap) * sine, np.full(15, low + 0.015), 0.05 + (0.083 + gap) * cosine], 1)
    edge = rim + brim * np.stack([0.15 * sine, -0.25 * cosine, cosine**0.5], 1)
    first = len(shell)
    strip = _strip(np.arange(first, first + 15), np.arange(first + 15, first + 30))
    points = np.concatenate([shell, rim, edge])
    owner = np.concatenate([used, np.tile(cKDTree(template).query(rim)[1], 2)])
    weights = body.lbs_weights.numpy()[owner]
    faces = np.concatenate([faces.reshape(-1, 3), strip])
    return FittedMesh(name, points, body.shapedirs.numpy()[owner], weights, faces, _NOBODY)


def _skirt(body: BodyModel, name: str, flare: float) -> FittedMesh:
    """A cone from the waist to above the ankles, to be cut to any length; `flare` is how it widens per metre."""
    template = body.v_template.numpy()
    heights = np.concatenate([np.linspace(0.05, -0.16, 6), np.linspace(-0.22, -0.85, 14)])
    angles = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)
    rings = []
    for height in heights:
        level = max(height, -0.12)
        section = template[(np.abs(template[:, 1] - level) < 0.02) & (np.abs(template[:, 0]) < 0.3)]
        low, high = section.min(0), section.max(0)
        wide = 0.008 + flare * max(-0.02 - height, 0)
        half_x, half_z = (high[0] - low[0]) / 2 + wide, (high[2] - low[2]) / 2 + 0.8 * wide
        middle = (high[2] + low[2]) / 2
        drape = 1 + 0.5 * wide * np.cos(9 * angles)
        x, z = half_x * drape * np.sin(angles), middle + half_z * drape * np.cos(angles)
        rings.append(np.stack([x, np.full(_ROUND, height), z], 1))
    points = np.concatenate(rings)
    index = np.arange(len(points)).reshape(len(rings), _ROUND)
    faces = np.concatenate([_strip(a, b, closed=True) for a, b in pairwise(index)])
    owner = cKDTree(template * [1, 1, 0.6]).query(np.clip(points, [-1, -0.25, -1], 1) * [1, 1, 0.6])[1]
    return FittedMesh(name, points, body.shapedirs.numpy()[owner], _skirt_weights(points), faces, _NOBODY)


def _skirt_weights(points: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 24"]:
    """The pelvis above; below, both legs, the nearer one more."""
    weights = np.zeros((len(points), 24))
    legs = np.clip((0.0 - points[:, 1]) / 0.22, 0, 1)
    left = np.clip(0.5 + points[:, 0] / 0.22, 0.08, 0.92)
    knee = 0.8 * np.clip((-0.42 - points[:, 1]) / 0.16, 0, 1)
    weights[:, SMPL24.index("pelvis")] = 1 - legs
    for side, share in (("left", left), ("right", 1 - left)):
        weights[:, SMPL24.index(f"{side}_hip")] = legs * share * (1 - knee)
        weights[:, SMPL24.index(f"{side}_knee")] = legs * share * knee
    return weights


def _strip(
    upper: Int[np.ndarray, " points"], lower: Int[np.ndarray, " points"], closed: bool = False
) -> Int[np.ndarray, "faces 3"]:
    """Triangles between two rows of vertices."""
    if closed:
        upper, lower = np.append(upper, upper[0]), np.append(lower, lower[0])
    a, b, c, d = upper[:-1], upper[1:], lower[:-1], lower[1:]
    return np.concatenate([np.stack([a, c, d], 1), np.stack([a, d, b], 1)])
