"""Documents of the repository as pages of the site: their links lead to pages where there is one."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "development/architecture.md",
    "CONTRIBUTING.md": "development/contributing.md",
    "CHANGELOG.md": "development/changelog.md",
    "THIRD_PARTY.md": "development/licences.md",
    "body/README.md": "concepts/body.md",
    "metrics/README.md": "concepts/metrics.md",
    "datamodules/README.md": "data/benchmarks.md",
    "datamodules/open_v2/README.md": "data/open_v2.md",
    "configs/README.md": "guide/configurations.md",
    "lightning_modules/common/README.md": "development/common.md",
    "lightning_modules/people/README.md": "methods/people.md",
    "lightning_modules/rootnet/README.md": "methods/rootnet.md",
    "lightning_modules/i2l_meshnet/README.md": "methods/i2l_meshnet.md",
    "lightning_modules/hemlets/README.md": "methods/hemlets.md",
    "lightning_modules/nbf/README.md": "methods/nbf.md",
    "lightning_modules/danet/README.md": "methods/danet.md",
    "lightning_modules/cascaded_lifting/README.md": "methods/cascaded_lifting.md",
    "zoo/README.md": "guide/weights_and_files.md",
    "zoo/prediction/README.md": "guide/prediction.md",
    "tests/README.md": "development/tests.md",
}
"""File of the repository -> page."""

_FILES = re.compile(r"^\| (?:file|folder|room) \|.*\n\|[-| ]+\n(?:\|.*\n)+", re.M)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def documents() -> dict[str, str]:
    """Every document that is there, as a page; README.md is not one, the start page is written by hand."""
    there = {source: page for source, page in PAGES.items() if source != "README.md" and (ROOT / source).is_file()}
    texts = {page: (source, (ROOT / source).read_text(encoding="utf-8")) for source, page in there.items()}
    return {page: relink(_files_last(text), source, page) for page, (source, text) in texts.items()}


def _files_last(text: str) -> str:
    """A folder's README begins with a table of its files, which a reader of the site wants last."""
    head, heading, rest = text.partition("\n## ")
    table = _FILES.search(head)
    if table is None:
        return text
    head = head[: table.start()] + head[table.end() :]
    return f"{head}{heading}{rest.rstrip()}\n\n## Files of the folder\n\n{table.group()}"


def relink(text: str, source: str, page: str) -> str:
    """Markdown whose links lead from `page` to pages; a link to a file that is no page becomes its text.

    Args:
        text: of the document.
        source: file of the repository that it stands in.
        page: of the site.

    Raises:
        FileNotFoundError: a link leads to a file that does not exist.
    """

    def replace(link: re.Match[str]) -> str:
        label, target = link.groups()
        path, _, anchor = target.partition("#")
        if "://" in target or not path:
            return link.group()
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if not (ROOT / file).exists():
            raise FileNotFoundError(f"{source}: the link to {path} leads nowhere")
        other = PAGES.get(file) or PAGES.get(posixpath.join(file, "README.md"))
        if other is None:
            return label
        here = posixpath.relpath(other, posixpath.dirname(page) or ".")
        return f"[{label}]({here}{'#' if anchor else ''}{anchor})"

    return _LINK.sub(replace, text)
