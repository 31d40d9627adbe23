"""Reads the YAML files of this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from zoo.documents.schema import expect_mapping, parse_dataclass
from zoo.errors import ZooError, one_line
from zoo.results.reported.tables import ReportedPaper

FOLDER = Path(__file__).parent
DIFFERENCES = "differences.yaml"
"""The only file of the folder that is not a paper."""


def load_yaml(path: Path) -> Any:
    """Content of a YAML file.

    Raises:
        ZooError: it is not YAML.
    """
    import yaml

    try:
        # libyaml's safe loader where PyYAML was built with it: several times faster
        return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ZooError(f"{path.name} is not valid YAML: {one_line(error)}") from error


def read_reported(folder: Path | None = None) -> list[ReportedPaper]:
    """Every paper, in the order of the files.

    Args:
        folder: where the YAML files are; this package's folder when omitted.

    Raises:
        ZooError: a file breaks the form; the message names the file and the table.
    """
    return list(_shipped(FOLDER)) if folder is None else _read_papers(folder)


@cache  # a process may ask for them a hundred times, and they stay as they are
def _shipped(folder: Path) -> tuple[ReportedPaper, ...]:
    return tuple(_read_papers(folder))


def _read_papers(folder: Path) -> list[ReportedPaper]:
    return [_read_paper(path) for path in sorted(folder.glob("*.yaml")) if path.name != DIFFERENCES]


def _read_paper(path: Path) -> ReportedPaper:
    paper = parse_dataclass(ReportedPaper, expect_mapping(load_yaml(path), path.name), path.name)
    for table in paper.tables:
        table.check(f"{path.name}, table {table.table}")
    paper.check(path.name)
    return paper
