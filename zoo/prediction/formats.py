"""The files that a prediction can be written as; importing this is cheap, since the command line does at once."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal[
    "sheet", "overlay", "skeleton", "views", "obj", "glb", "html", "json", "coco", "csv", "npz", "rig", "bvh"
]
"""`sheet` is of a run over several files, `views` of several people; `obj`, `json`, `npz` and `bvh` are of one person,
the others of an image's or a video's people together. `rig` is glTF with a skeleton and skin."""
FORMATS: tuple[Format, ...] = get_args(Format)
DEFAULT_FORMATS: tuple[Format, ...] = ("sheet", "overlay", "skeleton", "views", "obj", "glb", "html", "json")
