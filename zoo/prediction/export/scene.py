"""Files of all people of an image together."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.prediction.export.drawing import draw_overlay, draw_views, png_bytes
from zoo.prediction.export.mesh import glb_bytes
from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.viewer import viewer_html


def scene_files(people: Sequence[Person], source: SourceImage, model: str) -> dict[str, bytes]:
    """Contents by the ending of their names: `.html`, and for meshes `_overlay.png`, `_views.png` and `.glb`.

    Args:
        people: in the same camera frame.
        source: their image.
        model: name of the weights.
    """
    contents = {".html": viewer_html(people, source, f"{source.name}, {model}").encode(errors="replace")}
    if len(people[0].vertices):
        contents["_overlay.png"] = png_bytes(draw_overlay(people, source))
        contents["_views.png"] = png_bytes(draw_views(people))
        contents[".glb"] = glb_bytes(people)
    return contents
