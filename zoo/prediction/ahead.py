"""Items of an iterator, made ahead by a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")
_PAUSE = 0.1
"""Seconds after which a thread that waits for space looks whether it is still needed."""


def read_ahead(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items in their order, at most `count` of them waiting; the thread's error is raised here.

    When this generator is closed, `items`, if it can be, is closed by the thread.
    """
    waiting: Queue[tuple[bool, Any]] = Queue(count)
    stopped = threading.Event()

    def offer(is_last: bool, item: Any) -> bool:
        while not stopped.is_set():
            try:
                waiting.put((is_last, item), timeout=_PAUSE)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not offer(False, item):
                    break
        except BaseException as error:
            offer(True, error)
        else:
            offer(True, None)
        finally:
            if isinstance(items, Generator):
                items.close()

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        is_last, item = waiting.get()
        while not is_last:
            yield item
            is_last, item = waiting.get()
        if item is not None:
            raise item
    finally:
        stopped.set()
        thread.join()
