"""Names of an evaluation's numbers, and group names as numbers that processes can exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

_NAME_BYTES = 64
NAME_COLUMNS = _NAME_BYTES // 8
"""Columns that `pack` gives."""

AVERAGE = "average"
"""Instead of a breakdown: the same samples averaged in different ways."""


def group_key(field: str, name: str, metric: str) -> str:
    """Key of one group's metric in an evaluation's result, e.g. `action/walking/mpjpe`."""
    return f"{field}/{name}/{metric}"


def overall(values: Mapping[str, float]) -> dict[str, float]:
    """The numbers over all samples, without those of groups."""
    return {key: value for key, value in values.items() if "/" not in key}


def groups(values: Mapping[str, float], field: str) -> dict[str, dict[str, float]]:
    """The table of one breakdown: group name -> metric -> value.

    Args:
        values: what `Task.compute` returned.
        field: a breakdown of the protocol, e.g. `action`, or `AVERAGE`.
    """
    table: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        if key.startswith(f"{field}/"):
            name, metric = key.removeprefix(f"{field}/").rsplit("/", 1)
            table.setdefault(name, {})[metric] = value
    return table


def pack(names: Sequence[str]) -> Float64[Tensor, "names 8"]:
    """Group names as the bits of numbers: UTF-8, padded with zeros. To be moved and copied, not to be reckoned with.

    Raises:
        ValueError: a name is longer than 64 bytes.
    """
    rows = [name.encode() for name in names]
    for name, row in zip(names, rows, strict=True):
        if len(row) > _NAME_BYTES:
            raise ValueError(f"group name {name!r} is longer than {_NAME_BYTES} bytes; shorten it in the datamodule")
    padded = b"".join(row.ljust(_NAME_BYTES, b"\0") for row in rows)
    return torch.frombuffer(bytearray(padded), dtype=torch.float64).reshape(-1, NAME_COLUMNS)


def unpack(packed: Float64[Tensor, "names 8"]) -> tuple[list[str], Int64[Tensor, " names"]]:
    """The distinct names that `pack` packed, sorted, and which of them each row is."""
    rows, which = torch.unique(packed.contiguous().view(torch.uint8), dim=0, return_inverse=True)
    return [bytes(row).rstrip(b"\0").decode() for row in rows.cpu().numpy()], which
