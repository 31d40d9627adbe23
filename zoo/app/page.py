"""The page, in Gradio."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from body.extras import MissingExtra, import_extra
from zoo.app.work import ready_weights, show
from zoo.errors import ZooError

_KEPT = 3600
"""Seconds that files of a visitor are kept."""


_DARK = (0.125, 0.141, 0.169, 1.0)
"""Behind the 3D scene, as in the viewer: the colours of people are light."""


def make_page() -> Any:
    """A `gradio.Blocks`; `launch()` serves it. Gradio's analytics are off.

    Raises:
        MissingExtra: Gradio is not installed.
        ZooError: there are no weights.
    """
    gradio = import_extra("gradio", "app")
    weights = ready_weights()
    if not weights:
        raise ZooError("there are no weights that load without a download; zoo list shows all")

    def run(upload: str | None, name: str, parameters: bool) -> tuple[Any, ...]:
        folder = Path(tempfile.mkdtemp(dir=work.name))
        try:
            shown = show(upload, name, parameters, folder)
        except (MissingExtra, ZooError) as error:
            raise gradio.Error(str(error), print_exception=False) from None
        picture, clip, model = (
            None if path is None else str(path) for path in (shown.picture, shown.clip, shown.model)
        )
        return (
            gradio.update(value=picture, visible=picture is not None),
            gradio.update(value=clip, visible=clip is not None),
            gradio.update(value=model, visible=model is not None),
            [str(path) for path in shown.downloads],
            shown.summary,
        )

    work = tempfile.TemporaryDirectory(prefix="zoo-app-")
    with gradio.Blocks(title="human-mesh-zoo", analytics_enabled=False, delete_cache=(_KEPT, _KEPT)) as page:
        gradio.Markdown("# human-mesh-zoo\n3D pose and mesh of the people in a picture or a clip.")
        with gradio.Row():
            with gradio.Column(scale=1):
                upload = gradio.File(label="picture or clip", file_types=["image", "video"], type="filepath")
                name = gradio.Dropdown(weights, value=weights[0], label="weights")
                parameters = gradio.Checkbox(label="pose and shape: rigged GLB, BVH, npz")
                button = gradio.Button("predict", variant="primary")
                summary = gradio.Textbox(label="result", interactive=False)
                downloads = gradio.Files(label="downloads", interactive=False)
            with gradio.Column(scale=2):
                picture = gradio.Image(label="over the picture, from the side, from above", interactive=False)
                clip = gradio.Video(label="over the clip", interactive=False, visible=False)
                model = gradio.Model3D(label="3D", interactive=False, clear_color=_DARK)
        outputs = [picture, clip, model, downloads, summary]
        button.click(run, [upload, name, parameters], outputs, api_name="predict", concurrency_limit=1)
    page.work_folder = work  # lives, with the visitors' files, as long as the page
    return page
