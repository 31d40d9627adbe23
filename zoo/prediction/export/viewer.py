"""An HTML page that shows the mesh in 3D: one file, no server, no network."""

from __future__ import annotations

import base64
import html
import io
import json
from importlib.resources import files

import numpy as np

from zoo.prediction.export.person import Person, SourceImage

_LONGEST = 1024  # pixels of the embedded image, which is only a backdrop


def viewer_html(person: Person, source: SourceImage, title: str) -> str:
    """The page, with mesh, joints and image embedded.

    Args:
        person: the person, camera frame.
        source: image, shown behind the person.
        title: of the page.
    """
    height, width = source.pixels.shape[:2]
    (fx, _, cx), (_, fy, cy), _ = source.intrinsics.tolist()
    data = {
        "vertices": _base64(person.vertices.astype("<f4")),
        "faces": _base64(person.faces.astype("<u4")),
        "joints": person.joints.round(5).tolist(),
        "names": list(person.skeleton.joints),
        "bones": [list(bone) for bone in person.skeleton.bones],
        "camera": [fx, fy, cx, cy],
        "size": [width, height],
        "photo": _data_url(source.pixels),
    }
    page = files("zoo.prediction.export").joinpath("viewer.html").read_text(encoding="utf-8")
    page = page.replace("__TITLE__", html.escape(title))
    return page.replace("__DATA__", json.dumps(data, allow_nan=False).replace("<", "\\u003c"))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _data_url(pixels: np.ndarray) -> str:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((_LONGEST, _LONGEST))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
