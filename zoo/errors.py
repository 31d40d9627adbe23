"""The one exception that users are meant to read, and error messages in one line."""

from __future__ import annotations


class ZooError(Exception):
    """Something the caller can fix; the message is one line that says what and how.

    The command line prints it without a traceback and exits with status 2.
    """


def one_line(error: BaseException, limit: int = 1000) -> str:
    """The message of any exception in one line of at most `limit` characters; its type's name when it has none."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error  # str(KeyError) is a repr
    return " ".join(str(text).split())[:limit] or type(error).__name__
