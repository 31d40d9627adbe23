"""The tutorials, which are notebooks, as pages."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "tutorials"


def tutorials() -> dict[str, str]:
    """Page -> Markdown of every notebook."""
    return {f"tutorials/{file.stem}.md": _page(file) for file in sorted(FOLDER.glob("*.ipynb"))}


def _page(file: Path) -> str:
    notebook = json.loads(file.read_text(encoding="utf-8"))
    cells = (("".join(cell["source"]), cell["cell_type"]) for cell in notebook["cells"])
    texts = [text if kind == "markdown" else f"```python\n{text}\n```" for text, kind in cells if text.strip()]
    texts.insert(1, f"*This page is the notebook `docs/tutorials/{file.name}`; a test runs it.*")
    return "\n\n".join(texts) + "\n"
