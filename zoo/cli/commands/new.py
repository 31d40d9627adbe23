"""A small package to start from: a method or a benchmark that runs, with its configuration and its tests."""

from __future__ import annotations

import argparse
import keyword
from importlib.util import find_spec
from pathlib import Path
from string import Template

from body.atomic import atomic_folder
from zoo.cli.json_output import print_json
from zoo.documents.resources import PACKAGE_FOLDER
from zoo.errors import ZooError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo new`."""
    parser.add_argument("kind", choices=("method", "datamodule"))
    parser.add_argument("name", help="lower case, such as lab_net; also the name of the folder that is written")


def run(arguments: argparse.Namespace) -> int:
    """Write the package into a new folder.

    Raises:
        ZooError: the name is no module's or is taken, or there is a folder of that name.
    """
    name, target = arguments.name, Path(arguments.name)
    _check_name(name)
    if target.exists():
        raise ZooError(f"{target} exists, and nothing is overwritten; choose another name or folder")
    words = {"name": name, "Class": "".join(part.capitalize() for part in name.split("_"))}
    templates = sorted((PACKAGE_FOLDER / "cli" / "templates" / arguments.kind).glob("*.template"))
    texts = {path.stem.replace("NAME", name): Template(path.read_text("utf-8")).substitute(words) for path in templates}
    with atomic_folder(target) as partial:
        for file, text in texts.items():
            (partial / file).write_text(text, encoding="utf-8")
    if arguments.json:
        print_json({"files": [target / file for file in texts]})
        return 0
    print(f"Wrote {', '.join(str(target / file) for file in texts)}")
    print(f"Next: pip install -e {target} pytest && python -m pytest {target}")
    return 0


def _check_name(name: str) -> None:
    from datamodules import BENCHMARKS
    from lightning_modules import METHODS

    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower() or not name.isascii():
        raise ZooError(f"{name!r} cannot name a Python module; use lower case, digits and _, such as lab_net")
    if name in METHODS or name in BENCHMARKS or find_spec(name) is not None:
        raise ZooError(f"there is a method, benchmark or module {name} already; choose another name")
