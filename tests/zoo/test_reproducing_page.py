"""The page that says which test holds what was mended."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "reproducing.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_named_test_exists():
    named = NAMED.findall(PAGE.read_text("utf-8"))
    assert len(named) > 40
    functions = {}
    for file, name in named:
        tree = functions.setdefault(file, ast.parse((ROOT / file).read_text("utf-8")))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_every_row_names_a_test_or_says_why_not():
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| fault", "| row", "| asked")):
            assert NAMED.search(line) or "not built: " in line or "not tested: " in line, line
