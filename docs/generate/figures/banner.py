"""The picture of the start page and of the README: test images of open-v2, and the bodies that are found in them."""

from __future__ import annotations

import cv2
import numpy as np

import zoo
from zoo.checkpoints.card_picture import make_example

METHOD = "hemlets"
SAMPLES = (93, 145, 203, 26)
"""Test images in which one person is wholly in sight; how good the weights are on all 600 is in the leaderboard."""
_SIDE, _GAP, _QUALITY = 240, 6, 88


def draw_banner() -> bytes:
    """JPEG: images above, predictions below."""
    model = zoo.load(METHOD)
    examples = [make_example(model, sample) for sample in SAMPLES]
    columns = [np.concatenate([_tile(one.crop), _tile(one.overlay)]) for one in examples]
    done, data = cv2.imencode(".jpg", np.concatenate(columns, axis=1)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(data)


def _tile(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.pad(small, ((_GAP, 0), (_GAP, 0), (0, 0)), constant_values=255)
