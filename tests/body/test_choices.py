"""Settings that are one of a few words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from body.choices import check_choice, check_choices, check_types, choices
from lightning_modules.common.config import Config

Layout = Literal["spin", "moon"]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [(Layout, ("spin", "moon")), (Layout | None, ("spin", "moon", None)), (None | Layout, ("spin", "moon", None)),
     (Literal[Layout, "raw"], ("spin", "moon", "raw")), (Literal[1, 3], (1, 3)), (str, ()), (str | None, ()),
     (Layout | int, ()), (list[Layout], ())],
)  # fmt: skip
def test_choices_of_an_annotation(hint, expected):
    assert choices(hint) == expected


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ("mono", r"no layout 'mono'; use one of spin, moon \(did you mean moon\?\)"),
        (7, "no layout 7; use one of spin, moon"),
    ],
)
def test_the_message_lists_what_there_is_and_names_what_is_near(value, end):
    with pytest.raises(ValueError, match=f"^{end}$"):
        check_choice("layout", value, choices(Layout))


def test_every_annotated_value_is_checked():
    def read(layout: Layout, side: "int" = 3, other: Layout | None = None): ...

    check_choices(read, {"layout": "moon", "side": "far", "other": None, "unknown": 1})
    with pytest.raises(ValueError, match=r"^no other 'x'; use one of spin, moon, None$"):
        check_choices(read, {"layout": "moon", "other": "x"})


def test_a_configuration_checks_itself():
    @dataclass(frozen=True)
    class Reader(Config):
        layout: Layout = "spin"
        parts: Literal[1, 3] = 3

    assert Reader("moon").layout == "moon"
    with pytest.raises(ValueError, match="no parts 2; use one of 1, 3"):
        Reader(parts=2)


@dataclass(frozen=True)
class _Inner:
    size: int = 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"inner": {"size": 2}}, r"inner is a dict; give _Inner\(...\)"),
        ({"inner": None}, r"inner is None; give _Inner\(...\)"),
        ({"maybe": "x"}, r"maybe is 'x'; give _Inner\(...\) or None"),
        ({"name": 3}, "name is 3; give text"),
        ({"count": 2.5}, "count is 2.5; give a whole number"),
        ({"count": True}, "count is True; give a whole number"),
        ({"rate": "fast"}, "rate is 'fast'; give a number or None"),
        ({"flag": 1}, "flag is 1; give True or False"),
    ],
)
def test_other_types_than_annotated_are_refused(values, message):
    def build(
        inner: _Inner, maybe: _Inner | None, name: str, count: int, rate: float | None, flag: bool, other: list
    ): ...

    good = {"inner": _Inner(), "maybe": None, "name": "a", "count": np.int64(3), "rate": 1, "flag": False, "other": 0}
    check_types(build, good)
    check_types(build, good | {"maybe": _Inner(), "rate": np.float32(0.5)})
    with pytest.raises(TypeError, match=f"^{message}$"):
        check_types(build, good | values)
