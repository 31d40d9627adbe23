"""A few inputs of every class, so that the attack itself keeps working; `make attack` tries more."""

import re
from pathlib import Path

import pytest

from tests.attack.__main__ import attack
from tests.attack.classes import CLASSES, NEVER_REFUSED


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_breaks(name, tmp_path):
    outcomes, broken = attack(name, 30, tmp_path)
    assert broken == []
    assert (outcomes["refused"] > 0) != (name in NEVER_REFUSED)


def test_every_test_of_the_table_is_there():
    tests = Path(__file__).parents[1]
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (tests / "attack/README.md").read_text())
    assert len(named) > 80
    assert [(file, name) for file, name in named if f"\ndef {name}(" not in (tests / file).read_text()] == []
