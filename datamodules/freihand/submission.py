"""The file that FreiHAND's evaluation server and script take: `pred.json`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from body.atomic import atomic_file


def write_submission(path: Path, joints: Float[np.ndarray, "_ 21 3"], vertices: Float[np.ndarray, "_ 778 3"]) -> None:
    """Write predictions, atomically.

    Args:
        path: the file, `pred.json`; zip it for the server. Its folder is made.
        joints: camera frame, metres, in the order of `mano21`, by image of the evaluation split.
        vertices: MANO's, of the same images.

    Raises:
        ValueError: the two are of different numbers of images, or a number is not finite.
    """
    if len(joints) != len(vertices):
        raise ValueError(f"joints of {len(joints)} images, vertices of {len(vertices)}")
    text = json.dumps([np.asarray(joints, float).tolist(), np.asarray(vertices, float).tolist()], allow_nan=False)
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
