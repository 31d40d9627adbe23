"""One picture of a prediction: over the image, from the side, from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from zoo.prediction.export.drawing import draw_overlay, draw_skeletons
from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.views import draw_views


def draw_sheet(people: Sequence[Person], source: SourceImage, height: int) -> Image.Image:
    """The sheet; the image alone if there is nobody.

    Args:
        people: of the image.
        source: the image.
        height: pixels.
    """
    drawn = Image.fromarray(draw_people(people, source))
    drawn = drawn.resize((max(1, round(drawn.width * height / drawn.height)), height), Image.Resampling.LANCZOS)
    if not people:
        return drawn
    return Image.fromarray(np.concatenate([np.asarray(drawn), draw_views(people, height)], 1))


def draw_people(people: Sequence[Person], source: SourceImage) -> UInt8[np.ndarray, "height width 3"]:
    """Meshes over the image, or skeletons where the method has no mesh."""
    if people and len(people[0].vertices):
        return draw_overlay(people, source)
    return draw_skeletons(people, source)
