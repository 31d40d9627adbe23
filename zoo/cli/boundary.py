"""Where every error of the command line ends: one line that says what to do, an exit status, no traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from argparse import ArgumentError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from zoo.cli.argument_errors import explain_arguments
from zoo.errors import ZooError, one_line

BAD_INPUT, INTERRUPTED, TERMINATED = 2, 130, 143
_PLAIN = (
    "ValueError",
    "OSError",
    "KeyError",
    "MisconfigurationException",
    "UnreadableImageError",
    "DamagedData",
    "MissingExtra",
)
"""Types whose messages are written for users; any other one is named."""


def run_bounded(work: Callable[[], int], debug: bool) -> int:
    """Run a command; whatever it raises becomes one line on stderr and an exit status.

    Ctrl-C gives 130, SIGTERM 143 and a closed pipe 0 without a word; `SystemExit` of an argument parser passes.

    Args:
        work: the command; returns its exit status.
        debug: print the traceback as well.
    """
    try:
        with _signals_unwind():
            return work()
    except Exception as error:
        if isinstance(error, BrokenPipeError):
            return _closed_pipe()
        if any(isinstance(one, KeyboardInterrupt) for one in _causes(error)):  # modules in C make an ImportError of it
            return _interrupted()
        if debug:
            traceback.print_exc()
        print(f"zoo: {message_of(error)}", file=sys.stderr)
        return BAD_INPUT
    except BaseException as error:
        return _status_of_exit(error)


def message_of(error: BaseException) -> str:
    """What a user should read of an error, in one line."""
    text = _root_message(error)
    if any(
        word in text for word in ("weights_only=", "`weights_only`", "Weights only load", "WeightsUnpickler")
    ):  # torch advises to run whatever is in the file
        return (
            "the file holds more than plain weights, or is damaged; nothing in it was run. Get it from its source again"
        )
    named = isinstance(error, (ZooError, ArgumentError)) or any(t.__name__ in _PLAIN for t in type(error).__mro__)
    return text if named else f"{type(error).__name__}: {text} (--debug shows where)"


def _root_message(error: BaseException) -> str:
    if isinstance(error, ArgumentError):
        return explain_arguments(error.message)
    if "Original Traceback" in str(error):  # of a worker process: its message comes after its traceback
        last = str(error).strip().splitlines()[-1]
        kind, colon, rest = last.partition(": ")
        return rest if colon and kind.replace(".", "").isidentifier() else last
    return one_line(error)


def _status_of_exit(error: BaseException) -> int:
    chain = _causes(error)
    if any(isinstance(one, KeyboardInterrupt) for one in (error, *chain)):  # Lightning makes an exit of it
        return _interrupted()
    if type(error).__name__ == "SIGTERMException":  # Lightning's, once the batch is done
        return TERMINATED
    if any(isinstance(one, BrokenPipeError) for one in chain):  # rich makes an exit of it
        return _closed_pipe()
    raise error


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link = error.__cause__ or error.__context__
    while link is not None and len(chain) < 20:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


def _interrupted() -> int:
    print("zoo: stopped", file=sys.stderr)
    return INTERRUPTED


def _closed_pipe() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at its end
    return 0


@contextmanager
def _signals_unwind() -> Iterator[None]:
    """Ctrl-C and SIGTERM unwind the stack, so that what is half done is removed; a trainer ends its batch first.

    Afterwards they are as before: Python at its end would print a traceback of what they raise there.
    """

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signal module's signature)
        if signal.getsignal(signal.SIGTERM) is end:  # otherwise a trainer has put its own in front
            raise SystemExit(TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGTERM] in (signal.SIG_DFL, None):
        signal.signal(signal.SIGTERM, end)
    if before[signal.SIGINT] is signal.SIG_DFL:  # see `zoo/__init__.py`
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
