"""The one exception that users are meant to read, and error messages in one line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class ZooError(Exception):
    """Something the caller can fix; the message is one line that says what and how.

    The command line prints it without a traceback and exits with status 2.
    """


def one_line(error: BaseException, limit: int = 1000) -> str:
    """The message of any exception in one line of at most `limit` characters; its type's name when it has none."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error  # str(KeyError) is a repr
    return " ".join(str(text).split())[:limit] or type(error).__name__


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> str:
    """A message about a name that is not among the choices: the closest ones, or all of them when none is close.

    Args:
        kind: of name, such as `method`.
        name: as given.
        choices: names that exist.
    """
    by_key = {_spelling_key(choice): choice for choice in choices}
    key = _spelling_key(name)
    close = [by_key[match] for match in difflib.get_close_matches(key, by_key, n=3)]
    close = close or [choice for other, choice in by_key.items() if key and key in other][:3]
    advice = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(by_key.values())}"
    return f"no {kind} {name!r}; {advice}"


def _spelling_key(name: str) -> str:
    """Without what people vary: case, and which separator stands between words."""
    return re.sub(r"[\s_-]+", "-", name.lower())
