"""What a run over many images has done, so that the next one goes on: one JSON line per image."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from zoo.errors import ZooError

NAME = "predicted.jsonl"


class Journal:
    """The journal in a folder of results.

    An image counts as done if it was done with the same settings and has not changed since (size and time).

    Args:
        folder: of the results; made when missing.
        settings: everything that changes results.

    Raises:
        ZooError: the folder cannot be written.
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self.settings, self.path = settings, folder / NAME
        lines: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.path.is_file():
                text = self.path.read_text(encoding="utf-8", errors="replace")
                lines = text.split("\n")[:-1]  # the last line may have been cut
                if text and not text.endswith("\n"):
                    self._append("\n")
        except OSError as error:
            raise ZooError(f"{folder} cannot be written ({error.strerror}); name another folder with --out") from None
        self._people = dict(entry for line in lines if (entry := _entry_of(line)))

    def is_done(self, image: Path) -> bool:
        """Whether the image needs no prediction."""
        return self.people(image) is not None

    def people(self, image: Path) -> int | None:
        """How many people the image has; None if it is not done."""
        key = self._key(image)
        return None if key is None else self._people.get(json.dumps(key))

    def add(self, image: Path, people: int) -> None:
        """The image is done; its files have been written."""
        key = self._key(image)
        self._people[json.dumps(key)] = people
        self._append(json.dumps({"key": key, "people": people}, ensure_ascii=True) + "\n")

    def _key(self, image: Path) -> list[Any] | None:
        try:
            facts = image.stat()
        except OSError:
            return None
        return [os.fsdecode(image.absolute()), facts.st_size, facts.st_mtime_ns, self.settings]

    def _append(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(text)


def _entry_of(line: str) -> tuple[str, int] | None:
    try:
        entry = json.loads(line)
        return json.dumps(entry["key"]), int(entry["people"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
