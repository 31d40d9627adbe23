"""`--json`: one document, alone on standard output; whatever else a command prints goes to standard error."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

WITHOUT = ("app", "completion")
"""Commands that have no `--json`: a page that is served, and a script for a shell."""

_target: list[TextIO] = []


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option."""
    parser.add_argument("--json", action="store_true", help="JSON, alone on standard output")


@contextmanager
def json_alone(wanted: bool) -> Iterator[None]:
    """While a command runs: only `print_json` reaches standard output, where that is wanted."""
    if not wanted:
        yield
        return
    _target.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _target.pop()


def print_json(document: Any) -> None:
    """Write a document of plain values; numbers that are not finite become null, other objects their text."""
    print_alone(json.dumps(_finite(document), indent=1, allow_nan=False, default=str) + "\n")


def print_alone(text: str) -> None:
    """Write a text that is a document as it stands."""
    print(text, end="", file=_target[-1] if _target else sys.stdout)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
