"""An HTML page that shows people in 3D: one file, no server, no network."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import UInt8

from zoo.prediction.export.drawing import colour_of
from zoo.prediction.export.person import Person, SourceImage

_LONGEST = 1024  # pixels of the embedded image, which is only a backdrop


def viewer_html(people: Sequence[Person], source: SourceImage, title: str) -> str:
    """The page, with meshes, joints and image embedded; several people can be shown and hidden one by one.

    Args:
        people: of one skeleton, in the same camera frame.
        source: image, shown behind them.
        title: of the page.
    """
    height, width = source.pixels.shape[:2]
    (fx, _, cx), (_, fy, cy), _ = source.intrinsics.tolist()
    data = {
        "people": [
            {
                "vertices": base64_of(person.vertices.astype("<f4")),
                "joints": person.joints.round(5).tolist(),
                "name": f"person {number}",
                "colour": [value / 255 for value in colour_of(number)],
            }
            for number, person in enumerate(people)
        ],
        "faces": base64_of(people[0].faces.astype("<u4")),
        "names": list(people[0].skeleton.joints),
        "bones": [list(bone) for bone in people[0].skeleton.bones],
        "camera": [fx, fy, cx, cy],
        "size": [width, height],
        "photos": [image_url(source.pixels)],
    }
    return page_html(data, title)


def page_html(data: Mapping[str, Any], title: str) -> str:
    """The page with its data.

    Args:
        data: what `viewer.html` reads: the people of one moment, or with `frames` those of a video.
        title: of the page.
    """
    page = files("zoo.prediction.export").joinpath("viewer.html").read_text(encoding="utf-8")
    parts = {"__TITLE__": html.escape(title), "__DATA__": json.dumps(data, allow_nan=False).replace("<", "\\u003c")}
    return re.sub("__TITLE__|__DATA__", lambda found: parts[found[0]], page)  # at once: a title may be such a word


def base64_of(array: np.ndarray) -> str:
    """Its bytes as text."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def image_url(pixels: UInt8[np.ndarray, "height width 3"], longest: int = _LONGEST) -> str:
    """A data URL of an RGB image as JPEG, its longer side at most `longest` pixels."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest))
    return jpeg_url(np.asarray(image), 85)


def jpeg_url(pixels: UInt8[np.ndarray, "height width 3"], quality: int) -> str:
    """A data URL of an RGB image as JPEG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
