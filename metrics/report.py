"""Names of an evaluation's numbers, and group names as tensors that processes can exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor

_NAME_BYTES = 64


def group_key(field: str, name: str, metric: str) -> str:
    """Key of one group's metric in an evaluation's result, e.g. `action/walking/mpjpe`."""
    return f"{field}/{name}/{metric}"


def overall(values: Mapping[str, float]) -> dict[str, float]:
    """The numbers over all samples, without those of groups."""
    return {key: value for key, value in values.items() if "/" not in key}


def groups(values: Mapping[str, float], field: str) -> dict[str, dict[str, float]]:
    """The table of one breakdown: group name -> metric -> value.

    Args:
        values: what `Evaluation.compute` returned.
        field: a breakdown of the protocol, e.g. `action`.
    """
    table: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        if key.startswith(f"{field}/"):
            name, metric = key.removeprefix(f"{field}/").rsplit("/", 1)
            table.setdefault(name, {})[metric] = value
    return table


def encode(names: Sequence[str]) -> UInt8[Tensor, "names 64"]:
    """Group names as rows of UTF-8 bytes, padded with zeros.

    Raises:
        ValueError: a name is longer than 64 bytes.
    """
    rows = [name.encode() for name in names]
    for name, row in zip(names, rows, strict=True):
        if len(row) > _NAME_BYTES:
            raise ValueError(f"group name {name!r} is longer than {_NAME_BYTES} bytes; shorten it in the datamodule")
    padded = b"".join(row.ljust(_NAME_BYTES, b"\0") for row in rows)
    return torch.frombuffer(bytearray(padded), dtype=torch.uint8).reshape(-1, _NAME_BYTES)


def decode(rows: UInt8[Tensor, "names 64"]) -> list[str]:
    """The names that `encode` packed."""
    return [bytes(row).rstrip(b"\0").decode() for row in rows.cpu().numpy()]
