"""MkDocs' hook: adds the generated pages and pictures to the hand-written ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


SEARCH_BOOST = {
    "tutorials/": 2.0,
    "reproducing/": 0.3,
    "api/": 0.2,
    "leaderboard/unstated": 0.1,
    "leaderboard/ablations": 0.1,
    "leaderboard/open_ablations": 0.1,
    "development/changelog": 0.1,
}
"""Beginning of a page's path -> weight of its hits in the search: explanations come before lists of all names."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 (MkDocs')
    """The place of a page's hits in the search, and the start page's numbers, from the stored results."""
    from generate.numbers import start_page

    for beginning, boost in SEARCH_BOOST.items():
        if page.file.src_uri.startswith(beginning):
            page.meta["search"] = {"boost": boost}
    return start_page(markdown) if page.file.src_uri == "index.md" else markdown


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Every generated file of the site; MkDocs keeps them in memory or where they were drawn."""
    sys.path[:0] = [str(ROOT), str(ROOT / "docs")]  # MkDocs restores the path once a hook is imported
    from mkdocs.structure.files import File

    from generate.figures import draw_figures
    from generate.pages import make_pages

    for path, text in make_pages().items():
        files.append(File.generated(config, path, content=text))
    for path, picture in draw_figures(ROOT / ".cache" / "figures").items():
        files.append(File.generated(config, path, abs_src_path=str(picture)))
    return files
