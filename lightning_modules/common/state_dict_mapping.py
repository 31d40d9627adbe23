"""Names of the authors' weights become those used here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

Rule = tuple[str, str | None]
"""Pattern at the beginning of a name, and its replacement; None: not part of the network here."""


def rename(state: Mapping[str, Tensor], rules: Sequence[Rule], method: str) -> dict[str, Tensor]:
    """An official state with the names used here, without what the network here does not have.

    Args:
        state: with the authors' names.
        rules: of each name the first one that matches counts.
        method: what the message calls the release.

    Raises:
        ValueError: no rule is for a name.
    """
    named = ((_new_name(key, rules, method), value) for key, value in state.items())
    return {name: value for name, value in named if name is not None}


def _new_name(key: str, rules: Sequence[Rule], method: str) -> str | None:
    for pattern, replacement in rules:
        if re.match(pattern, key):
            return None if replacement is None else re.sub(pattern, replacement, key, count=1)
    raise ValueError(f"{key!r} is not a weight of the released {method}; is this another method's checkpoint?")
