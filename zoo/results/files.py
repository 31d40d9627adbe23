"""Result files: one JSON file per result, written atomically and verified when read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import warnings
from pathlib import Path

from body.atomic import atomic_file
from metrics import PROTOCOLS
from zoo.documents.schema import expect_mapping, parse_dataclass
from zoo.errors import ZooError
from zoo.results.result import Result

MEASURED = Path(__file__).parent / "measured"
"""Results that ship with the package."""


def results_folder() -> Path:
    """Folder of new results: `$ZOO_RESULTS`, else `results` in the current folder."""
    return Path(os.environ.get("ZOO_RESULTS") or "results").expanduser()


def write_result(result: Result, folder: Path | None = None) -> Path:
    """Write a result as `PROTOCOL__WEIGHTS_DATE_CHECKSUM.json`; the file appears complete or not at all.

    Args:
        result: a complete result.
        folder: `results_folder()` when omitted.

    Raises:
        ZooError: the folder cannot be written, or the configuration contains values that JSON cannot represent.
    """
    try:
        text = json.dumps(dataclasses.asdict(result), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ZooError(f"result: config must be plain finite values: {error}") from error
    stamp = re.sub(r"[^0-9T]", "", result.date[:19])
    name = re.sub(r"[^\w.-]", "_", result.weights)
    checksum = hashlib.sha256(text.encode()).hexdigest()[:8]  # unique for runs of the same second
    path = (folder or results_folder()) / f"{result.protocol}__{name}_{stamp}_{checksum}.json"
    try:
        with atomic_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ZooError(f"cannot write {path}: {error.strerror}; set ZOO_RESULTS to a writable folder") from error
    return path


def read_result(path: Path) -> Result:
    """Read and verify a result file.

    Raises:
        ZooError: the file is missing, not JSON, or not a complete result; the message names the file and the field.
    """
    try:
        if not path.is_file():  # a pipe of this name would never end
            raise ZooError(f"cannot read {path}: no such file")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ZooError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path} is not JSON ({error}); delete it and run the evaluation again") from error
    try:
        return parse_dataclass(Result, expect_mapping(document, "result"), "result")
    except ZooError as error:
        raise ZooError(f"{path}: {error}") from None


def read_results(folder: Path | None = None) -> list[Result]:
    """The results that ship with the package, then those of the user, each in order of file name.

    Only files named `PROTOCOL__*.json` are read; other files are ignored.

    Args:
        folder: of the user; `results_folder()` when omitted.

    A broken file is left out with a warning that names it: one file must not take the others away.
    """
    roots = (MEASURED, folder or results_folder())
    paths = [path for root in roots for path in sorted(root.glob("*__*.json"))]
    results = []
    for path in paths:
        if path.name.split("__")[0] in PROTOCOLS:
            try:
                results.append(read_result(path))
            except ZooError as error:
                warnings.warn(f"left out: {error}", stacklevel=2)
    return results
