"""A few inputs of every class, so that the attack itself keeps working; `make attack` tries more."""

import pytest

from tests.attack.__main__ import attack
from tests.attack.classes import CLASSES, NEVER_REFUSED


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_breaks(name, tmp_path):
    outcomes, broken = attack(name, 30, tmp_path)
    assert broken == []
    assert (outcomes["refused"] > 0) != (name in NEVER_REFUSED)
