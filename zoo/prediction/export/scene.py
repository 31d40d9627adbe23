"""Files of all people of an image together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from zoo.prediction.export.drawing import draw_overlay, draw_skeletons, png_bytes
from zoo.prediction.export.mesh import glb_bytes
from zoo.prediction.export.motion import person_motion
from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.rig import rig_bytes
from zoo.prediction.export.viewer import viewer_html
from zoo.prediction.export.views import draw_views
from zoo.prediction.formats import Format


def scene_files(
    people: Sequence[Person], source: SourceImage, model: str, formats: Collection[Format]
) -> dict[str, bytes]:
    """Contents by the ending of their names: `.html`, `_views.png`, and for meshes `_overlay.png` and `.glb`.

    Without meshes there is one `_skeleton.png`. Those with parameters can be written together as `_rig.glb`.

    Args:
        people: in the same camera frame.
        source: their image.
        model: name of the weights.
        formats: which of them.
    """
    contents = {}
    if "html" in formats:
        contents[".html"] = viewer_html(people, source, f"{source.name}, {model}").encode(errors="replace")
    if "rig" in formats:
        motions = [person_motion(person, model, "rig", f"person{number}") for number, person in enumerate(people)]
        contents["_rig.glb"] = rig_bytes(motions, model)
    if "views" in formats:
        contents["_views.png"] = png_bytes(draw_views(people))
    if not len(people[0].vertices):
        return contents | (
            {"_skeleton.png": png_bytes(draw_skeletons(people, source))} if "skeleton" in formats else {}
        )
    if "overlay" in formats:
        contents["_overlay.png"] = png_bytes(draw_overlay(people, source))
    if "glb" in formats:
        contents[".glb"] = glb_bytes(people)
    return contents
