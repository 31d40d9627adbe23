"""Files that are something else than their name says, or hold more than weights."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import one_line

_STARTS = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer instead of the file; run git lfs pull, or download the file itself",
    ),
    (b"<", "a web page or XML instead of the file; open the address in a browser, accept what it asks, download again"),
    (b"{", "a text in JSON, no weights"),
)


def explain_foreign(path: Path) -> str | None:
    """What a file is instead of weights, and what to do; None when it may be weights."""
    with path.open("rb") as stream:
        start = stream.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start:
        return f"{path} is empty; copy or download it again"
    return next((f"{path} is {what}" for sign, what in _STARTS if start.startswith(sign)), None)


def explain_refusal(error: BaseException) -> str:
    """Why torch does not load a file, without its advice to run whatever is in it."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    if named:
        return f"it asks for {named[1]}"
    return type(error).__name__ if re.search("weights.only", str(error), re.IGNORECASE) else one_line(error, 150)
