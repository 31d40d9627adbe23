"""Boxes of people: kept inside the image, or drawn around points."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def clip_boxes(
    boxes: Float[np.ndarray, "rows 4"], sizes: Float[np.ndarray, "rows 2"], release: bool = False
) -> tuple[Float[np.ndarray, "rows 4"], Bool[np.ndarray, " rows"]]:
    """Boxes cut at the borders of their images, and which of them have anything left.

    Args:
        boxes: (x, y, width, height), pixels.
        sizes: width and height of each image.
        release: as I2L-MeshNet's released code: a box that begins left of or above the image is moved into it
            before its far side is cut, so it reaches too far by what was outside.
    """
    start = boxes[:, :2].clip(min=0)
    end = np.minimum(sizes - 1, (start if release else boxes[:, :2]) + (boxes[:, 2:] - 1).clip(min=0))
    kept = (boxes[:, 2:] > 0).all(1) & (end >= start).all(1)
    return np.concatenate([start, end - start], 1), kept


def boxes_of_points(
    points: Float[np.ndarray, "rows points 2"], valid: Bool[np.ndarray, "rows points"], grow: float = 1.0
) -> Float[np.ndarray, "rows 4"]:
    """Smallest boxes around the valid points, grown about their centres; zeros where there is no valid point."""
    low = np.where(valid[..., None], points, np.inf).min(1)
    high = np.where(valid[..., None], points, -np.inf).max(1)
    empty = ~valid.any(1, keepdims=True)
    low, high = np.where(empty, 0.0, low), np.where(empty, 0.0, high)
    centre, extent = (low + high) / 2, (high - low) * grow
    return np.concatenate([centre - extent / 2, extent], 1)


def scale_boxes(boxes: Float[np.ndarray, "rows 4"], factor: float) -> Float[np.ndarray, "rows 4"]:
    """Boxes that grow about their centres; 1 / 1.2 undoes a margin of 1.2."""
    extent = boxes[:, 2:] * factor
    return np.concatenate([boxes[:, :2] + (boxes[:, 2:] - extent) / 2, extent], 1)


def boxes_inside(
    points: Float[np.ndarray, "rows points 2"], sizes: Float[np.ndarray, "rows 2"]
) -> Float[np.ndarray, "rows 4"]:
    """Boxes around the points inside their images (width, height); where those leave no area, around all."""
    inside = np.asarray(((points >= 0) & (points < sizes[:, None])).all(-1))
    boxes = boxes_of_points(points, inside)
    everything = boxes_of_points(points, np.ones_like(inside))
    return np.where((boxes[:, 2:] > 0).all(1, keepdims=True), boxes, everything)
