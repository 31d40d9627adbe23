"""The files that a prediction can be written as; importing this is cheap, since the command line does at once."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["overlay", "skeleton", "views", "obj", "glb", "html", "json", "coco", "csv", "npz", "rig", "bvh"]
"""`views` are of several people, `coco` and `csv` of all people of an image; the others of each. `rig` is glTF with a
skeleton and skin."""
FORMATS: tuple[Format, ...] = get_args(Format)
DEFAULT_FORMATS: tuple[Format, ...] = ("overlay", "skeleton", "views", "obj", "glb", "html", "json")
