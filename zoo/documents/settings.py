"""Names of the settings that a class takes, to say which one was meant."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any


def setting_names(kind: Any) -> list[str]:
    """Parameters of a constructor, those of dataclasses and of `**options: Unpack[TypedDict]` among them.

    Returns:
        Names such as `lr` and `network.backbone`; none where the signature cannot be read.
    """
    try:
        parameters = inspect.signature(kind, eval_str=True).parameters.values()
    except (TypeError, ValueError, NameError):
        return []
    return [name for one in parameters for name in _names(one)]


def _names(parameter: inspect.Parameter) -> Iterable[str]:
    annotation = parameter.annotation
    if parameter.kind is parameter.VAR_KEYWORD:
        for options in typing.get_args(annotation):  # of Unpack[...]
            yield from getattr(options, "__annotations__", {})
        return
    yield parameter.name
    if isinstance(annotation, type) and is_dataclass(annotation):
        yield from (f"{parameter.name}.{field.name}" for field in fields(annotation))
