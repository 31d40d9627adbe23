"""The linter's settings: what they must catch."""

import subprocess
import sys
from pathlib import Path

import pytest

SHAPES = '''"""Shapes."""

from jaxtyping import Float
from torch import Tensor


def centre(points: Float[Tensor, "batch points 3"], weight: Float[Tensor, " points"]) -> Float[Tensor, "batch 3"]:
    """Weighted middle."""
    return (points * weight[:, None]).sum(1)
'''


@pytest.mark.parametrize(("source", "name"), [(SHAPES, None), (SHAPES.replace("* weight", "* wieght"), "wieght")])
def test_an_undefined_name_fails_although_shapes_look_like_names(source, name):
    """Ruff's F821, with jaxtyping's shapes; a shape of one word starts with a space."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "concise"]
    command += ["--stdin-filename", "lightning_modules/planted.py", "-"]
    root = Path(__file__).parent.parent
    run = subprocess.run(command, input=source, capture_output=True, text=True, cwd=root)
    assert run.returncode == (0 if name is None else 1), run.stdout
    assert (f"F821 Undefined name `{name}`" in run.stdout) == (name is not None)
