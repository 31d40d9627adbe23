"""YAML from anyone: plain values of a bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ZooError, one_line

MAX_BYTES = 200_000
"""Of a file; the largest configuration that ships has 3 kB."""
MAX_VALUES = 100_000
"""Once aliases are written out: ten lines of YAML can stand for billions."""

MAX_BITS = 1000
"""Of a number; `1:59:59...` is one in base 60, too long to be written again."""


def read_yaml(path: Path) -> Any:
    """Plain values of a YAML file.

    Raises:
        ZooError: no regular file, not YAML, or too large; see `parse_yaml`.
    """
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise ZooError(f"{path}: no such file")
        if path.stat().st_size > MAX_BYTES:
            raise ZooError(f"{path}: at most {MAX_BYTES:,} bytes of YAML are read")
        return parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ZooError(f"{path} is not a readable YAML file: {one_line(error, 300)}") from None


def parse_yaml(text: str, where: str) -> Any:
    """Plain values of a YAML text.

    Args:
        text: YAML.
        where: start of error messages.

    Raises:
        ZooError: too many values, nested too deeply, or a number or date that is none.
        yaml.YAMLError: not YAML.
    """
    try:
        tree = yaml.safe_load(text)
        size = _expanded_size(tree, {})
    except RecursionError:
        raise ZooError(f"{where}: nested too deeply") from None
    except (ValueError, OverflowError) as error:  # the 31st of February, a number of 100,000 digits
        raise ZooError(f"{where}: {one_line(error, 200)}") from None
    if size > MAX_VALUES:
        raise ZooError(f"{where}: {size:.3g} values with all aliases written out; at most {MAX_VALUES:,} are read")
    return tree


def _expanded_size(tree: Any, sizes: dict[int, float]) -> float:
    """Number of values when every alias is written out; infinite where one contains itself.

    Raises:
        ValueError: a number is too long.
    """
    if isinstance(tree, int) and tree.bit_length() > MAX_BITS:
        raise ValueError(f"a number of {tree.bit_length():,} bits")
    if not isinstance(tree, dict | list):
        return 1.0
    if id(tree) not in sizes:
        sizes[id(tree)] = float("inf")  # while its children are counted
        children = tree.values() if isinstance(tree, dict) else tree
        sizes[id(tree)] = 1.0 + sum(_expanded_size(child, sizes) for child in children)
    return sizes[id(tree)]
