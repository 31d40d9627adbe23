"""Lightning's checkpoint files: written whole or not at all, refused when they cannot be read, never run."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from torch import Tensor

from body.atomic import atomic_file
from lightning_modules.base import METHOD_KEY
from lightning_modules.common.plain_file import check_growth, read_plain
from zoo.checkpoints.foreign import explain_foreign, explain_refusal
from zoo.errors import ZooError

ORIGIN_KEY = "zoo_training"
"""Of a checkpoint: what the command line says of its run."""
_WORDS = ("last", "best", "hpc")


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's own, written beside its target and renamed: Lightning moves files from the temporary directory.

    Such a move is a copy when the two are on different disks, and leaves half a file when one is full.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint."""
        if storage_options is not None or "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        with atomic_file(Path(path)) as partial, partial.open("wb") as stream:
            torch.save(checkpoint, stream)


def check_checkpoint(path: str | Path | None) -> None:
    """Refuse what is no whole checkpoint of Lightning.

    Args:
        path: a file, one of Lightning's words for one, or None.

    Raises:
        ZooError: there is no such file, or it is something else or cut; the message says what to do.
    """
    if path is None or str(path) in _WORDS or "://" in str(path) or str(path).startswith("registry"):
        return
    path = Path(path)
    if path.is_dir():
        return  # of a sharded strategy
    if not path.is_file():
        raise ZooError(f"{path}: no such file; --ckpt_path takes a checkpoint of zoo fit, or `last`")
    if path.suffix == ".safetensors":
        raise ZooError(f"{path} holds weights, no checkpoint; give it as --weights")
    foreign = explain_foreign(path)
    if foreign is not None:
        raise ZooError(foreign)
    if not zipfile.is_zipfile(path):
        raise ZooError(f"{path} is damaged or incomplete, no checkpoint of Lightning; copy it again")
    try:
        check_growth(path)
    except (ValueError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path} is no checkpoint of Lightning: {error}") from None


class TrainingFile(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        state: tensors.
        config: hyper-parameters.
        method: None where the checkpoint does not say it: an older one's, or of a class without a name.
        origin: command and configuration of its training; empty where a plain Lightning trainer wrote it.
    """

    state: dict[str, Tensor]
    config: dict[str, Any]
    method: str | None
    origin: dict[str, str]


def read_lightning_checkpoint(checkpoint: Path) -> TrainingFile:
    """What a checkpoint of `zoo fit` holds, read without running any code of it.

    Raises:
        ZooError: no such file, or not a Lightning checkpoint of plain values.
    """
    check_checkpoint(checkpoint)
    try:
        content = read_plain(checkpoint)
        state, config = dict(content["state_dict"]), dict(content["hyper_parameters"])
        plain = all(isinstance(value, Tensor) for value in state.values())
    except Exception as error:  # a refused file raises UnpicklingError; a damaged one fails in many other ways
        raise ZooError(
            f"{checkpoint} is not a Lightning checkpoint of plain values: {explain_refusal(error)}"
        ) from None
    if not plain:
        raise ZooError(f"{checkpoint} is not a Lightning checkpoint of plain values: its state holds other things")
    method = content.get(METHOD_KEY)
    settings = {str(key): value for key, value in config.items() if not str(key).startswith("_")}
    origin = content.get(ORIGIN_KEY)
    plain_origin = {str(key): str(value) for key, value in origin.items()} if isinstance(origin, dict) else {}
    return TrainingFile(state, settings, method if isinstance(method, str) else None, plain_origin)
