"""How a notebook shows a prediction: picture and viewer, without files or a network."""

from __future__ import annotations

import html
from collections.abc import Sequence

from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.sheet import draw_sheet
from zoo.prediction.export.viewer import image_url, viewer_html

_HEIGHT = 320


def notebook_html(people: Sequence[Person], source: SourceImage, title: str) -> str:
    """A fragment of HTML: the sheet of `draw_sheet`, and the page of `viewer_html` in a frame of its own.

    Args:
        people: of the image; the viewer is left out when there is nobody.
        source: the image.
        title: printed above.
    """
    import numpy as np

    sheet = image_url(np.asarray(draw_sheet(people, source, _HEIGHT)), 4 * _HEIGHT)
    parts = [f"<div>{html.escape(title)}</div>", f'<img src="{sheet}" style="max-width:100%" alt="prediction">']
    if people:
        page = html.escape(viewer_html(people, source, source.name), quote=True)
        frame = f'sandbox="allow-scripts" style="width:100%;height:{_HEIGHT + 120}px;border:0" loading="lazy"'
        parts.append(f'<iframe srcdoc="{page}" {frame}></iframe>')
    return "\n".join(parts)
