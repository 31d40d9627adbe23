"""The one exception that users are meant to read, and error messages in one line."""

from __future__ import annotations

from collections.abc import Iterable

from body.choices import closest


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
    known = tuple(choices)
    close = closest(name, known)
    advice = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
    return f"no {kind} {name!r}; {advice}"
