"""Settings are checked against their annotations, a `Literal` or a class, with one message for all."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from numbers import Integral, Real
from typing import Any, Literal, Union

_SCALARS: dict[type, type] = {str: str, bool: bool, int: Integral, float: Real}


def choices(hint: Any) -> tuple[Any, ...]:
    """The values that a `Literal` allows, or `Literal[...] | None`; empty for every other type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return arguments
    if origin in (types.UnionType, Union) and type(None) in arguments:
        inner = [choices(argument) for argument in arguments if argument is not type(None)]
        return (*inner[0], None) if len(inner) == 1 and inner[0] else ()
    return ()


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that were probably meant: alike, or with the name in them; best first.

    Case, and which separator stands between words, do not matter.
    """
    by_key = {_spelling_key(word): word for word in known}
    key = _spelling_key(str(name))
    alike = [by_key[match] for match in difflib.get_close_matches(key, by_key, n=3)]
    return alike or [word for other, word in by_key.items() if key and key in other][:3]


def _spelling_key(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.lower())


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> str:
    """A message about a name that is not among the choices: the closest ones, or all of them when none is close.

    Args:
        kind: of name, such as `method`.
        name: as given.
        choices: names that exist.
    """
    known = tuple(choices)
    close = closest(name, known)
    advice = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
    return f"no {kind} {name!r}; {advice}"


def check_choice(name: str, value: object, known: Iterable[object]) -> None:
    """Refuse a value that is none of the known ones.

    Args:
        name: of the setting, as the message calls it.
        value: what was given.
        known: what there is.

    Raises:
        ValueError: the value is not known; the message lists what is, and names what was probably meant.
    """
    known = tuple(known)
    if value in known:
        return
    near = closest(str(value), map(str, known))
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ValueError(f"no {name} {value!r}; use one of {', '.join(map(str, known))}{hint}")


def check_choices(of: Any, values: Mapping[str, Any]) -> None:
    """Check every value whose annotation is a `Literal`.

    Args:
        of: class or function with the annotations.
        values: by name; names without an annotation are left alone.

    Raises:
        ValueError: see `check_choice`.
    """
    hints = typing.get_type_hints(of)
    for name, value in values.items():
        if known := choices(hints.get(name)):
            check_choice(name, value, known)


def check_types(of: Any, values: Mapping[str, Any]) -> None:
    """Check every value whose annotation is a word, a number, a truth value or a dataclass, or one of these and None.

    Numpy's numbers are numbers, too.

    Args:
        of: class or function with the annotations.
        values: by name; names without such an annotation are left alone.

    Raises:
        TypeError: a value is of another type; the message says what to give.
    """
    hints = typing.get_type_hints(of)
    for name, value in values.items():
        hint = hints.get(name)
        kinds = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, Union) else (hint,)
        if all(kind in _SCALARS or kind is type(None) or is_dataclass(kind) for kind in kinds) and not any(
            _fits(value, kind) for kind in kinds
        ):
            wanted = " or ".join(_wanted(kind) for kind in kinds)
            raise TypeError(f"{name} is {_brief(value)}; give {wanted}")


def _fits(value: object, kind: type) -> bool:
    return isinstance(value, _SCALARS.get(kind, kind)) and (kind is bool or not isinstance(value, bool))


def _wanted(kind: type) -> str:
    if is_dataclass(kind):
        return f"{kind.__name__}(...)"
    return {str: "text", bool: "True or False", int: "a whole number", float: "a number"}.get(kind, "None")


def _brief(value: object) -> str:
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    return f"a {type(value).__name__}"
