"""Files that hold all people of an image together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from zoo.prediction.export.coco import coco_text
from zoo.prediction.export.drawing import draw_overlay, draw_skeletons, png_bytes
from zoo.prediction.export.mesh import glb_bytes
from zoo.prediction.export.motion import person_motion
from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.rig import rig_bytes
from zoo.prediction.export.table import csv_text
from zoo.prediction.export.viewer import viewer_html
from zoo.prediction.export.views import draw_views
from zoo.prediction.formats import Format


def scene_files(
    people: Sequence[Person], source: SourceImage, model: str, formats: Collection[Format]
) -> dict[str, bytes]:
    """Contents by the ending of their names.

    `_overlay.png` and `.glb` where there are meshes; `_views.png` of several people.

    Args:
        people: in the same camera frame; at least one.
        source: their image.
        model: name of the weights.
        formats: which of them.
    """

    def rig() -> bytes:
        motions = [person_motion(person, model, "rig", f"person{number}") for number, person in enumerate(people)]
        return rig_bytes(motions, model)

    makers: dict[Format, tuple[str, Callable[[], bytes]]] = {
        "skeleton": ("_skeleton.png", lambda: png_bytes(draw_skeletons(people, source))),
        "html": (".html", lambda: viewer_html(people, source, f"{source.name}, {model}").encode(errors="replace")),
        "coco": ("_coco.json", lambda: coco_text(people, source, model).encode()),
        "csv": (".csv", lambda: csv_text(people).encode()),
        "rig": ("_rig.glb", rig),
    }
    if len(people) > 1:
        makers["views"] = ("_views.png", lambda: png_bytes(draw_views(people)))
    if len(people[0].vertices):
        makers["overlay"] = ("_overlay.png", lambda: png_bytes(draw_overlay(people, source)))
        makers["glb"] = (".glb", lambda: glb_bytes(people))
    return {ending: make() for kind, (ending, make) in makers.items() if kind in formats}
