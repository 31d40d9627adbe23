"""Files that are something else than their name says, which downloads and repositories often leave behind."""

from __future__ import annotations

from pathlib import Path

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
