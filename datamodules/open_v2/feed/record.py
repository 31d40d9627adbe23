"""A sample as one row of bytes, which processes share and a device's memory holds by the hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from body.skeleton import OPEN36
from datamodules.open_v2.types import Sample

_NUMBERS = {
    "pose": (24, 3), "betas": (10,), "transl": (3,), "intrinsics": (3, 3), "joints": (len(OPEN36), 3), "box": (4,),
}  # fmt: skip


@dataclass(frozen=True)
class Records:
    """A batch of samples on a device; see `datamodules.open_v2.types.Sample`."""

    foreground: UInt8[Tensor, "batch size size 4"]
    iuv: UInt8[Tensor, "batch size size 3"]
    pose: Float[Tensor, "batch 24 3"]
    betas: Float[Tensor, "batch 10"]
    transl: Float[Tensor, "batch 3"]
    intrinsics: Float[Tensor, "batch 3 3"]
    joints: Float[Tensor, "batch joints 3"]
    box: Float[Tensor, "batch 4"]
    index: Int[Tensor, " batch"]
    background_seed: Int[Tensor, " batch"]


def row_type(size: int) -> np.dtype[np.void]:
    """A row of `Records`, packed; a multiple of 8 bytes.

    Raises:
        ValueError: the size is not a multiple of 4.
    """
    if size % 4:
        raise ValueError(f"pictures need a side that is a multiple of 4, not {size}")
    images = [("foreground", np.uint8, (size, size, 4)), ("iuv", np.uint8, (size, size, 3))]
    numbers = [(name, np.float32, shape) for name, shape in _NUMBERS.items()]
    return np.dtype([*images, *numbers, ("index", np.int64), ("background_seed", np.int64)])


def write_row(row: np.void, sample: Sample, index: int) -> None:
    """Put a sample into a row of `row_type`."""
    for name in ("foreground", "iuv", *_NUMBERS):
        row[name] = getattr(sample, name)
    row["index"], row["background_seed"] = index, sample.background_seed % 2**63


def read_rows(rows: UInt8[Tensor, "batch bytes"], size: int) -> Records:
    """The fields of rows that lie on a device."""
    kind, content = row_type(size), {}
    for name in [field.name for field in fields(Records)]:
        assert kind.fields is not None
        part, offset = kind.fields[name][:2]
        raw = rows[:, offset : offset + part.itemsize]
        if part.base != np.uint8:
            raw = raw.contiguous().view(torch.int64 if part.base == np.int64 else torch.float32)
        content[name] = raw.reshape(len(rows), *part.shape)
    return Records(**content)
