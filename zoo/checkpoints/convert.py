"""`zoo convert`: from the authors' weight files to safetensors under the names of our modules.

A method's `official.py` has to supply two functions:

- `convert_state_dict(state) -> state`: the authors' parameter names to those of our network. It drops what our network
  does not have (body-model buffers, unused layers) and raises ValueError for a name that the release does not have.
- `build_network(config) -> nn.Module`: the bare network for the module's hyper-parameters, without reading a licensed
  file. It is called under `torch.device("meta")`: only names and shapes of its state are used.

Optional: `implied_settings(state) -> dict`, hyper-parameters that follow from the authors' state, and `BODIES`, body
models that the network can be used with.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from body.choices import closest, unknown_name
from lightning_modules.common.plain_file import read_plain
from zoo.checkpoints.archives import is_archive, unpack
from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.files import how_to_obtain, read_safetensors
from zoo.checkpoints.foreign import explain_refusal
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.store import store_converted
from zoo.documents.resources import VERSION, file_sha256
from zoo.errors import ZooError, one_line

WRAPPERS = ("network", "model", "state_dict")
"""Keys of the state dict in checkpoints: of I2L-MeshNet and RootNet, DaNet, Lightning."""

ENDINGS = (".pth.tar", ".pth", ".pt", ".ckpt", ".bin", ".safetensors")


def convert(method: str, file: str | Path, variant: str | None = None) -> Path:
    """Convert the authors' file and store it for `zoo.load("method.variant")`.

    Args:
        method: such as `i2l_meshnet`.
        file: as downloaded: a torch file, safetensors, or an archive of one.
        variant: tag of the entry, such as `h36m_muco_coco`; optional when the file name determines it.

    Returns:
        Path of the converted weights; their provenance is beside them, as `.json`.

    Raises:
        ZooError: unknown method or variant, or the file is not one of this method.
    """
    path = Path(file)
    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    entry = match_entry(method, path.name, variant)
    state = read_official(path)
    tensors = convert_official_state(method, state, entry.config)
    sha256 = file_sha256(path)
    source = entry.source
    if source is not None and source.sha256 not in (None, sha256):
        raise ZooError(f"{path} is not the authors' {source.file}: its sha256 is {sha256[:12]}..., not the listed one")
    provenance = {
        "weights": entry.name,
        "converted": datetime.now(UTC).strftime("%Y-%m-%d"),
        "zoo": VERSION,
        "official": {
            "file": path.name,
            "sha256": sha256,
            "bytes": path.stat().st_size,
            "page": source.page if source is not None else None,
        },
    }
    return store_converted(entry, tensors, provenance)


def match_entry(method: str, file_name: str, variant: str | None) -> Checkpoint:
    """The entry that the authors' file belongs to.

    Raises:
        ZooError: no such method or variant, or the file name does not determine it; the message lists the variants.
    """
    of_method = [entry for entry in read_checkpoints().values() if entry.method == method]
    if not of_method:
        raise ZooError(unknown_name("method", method, sorted({e.method for e in read_checkpoints().values()})))
    entries = {entry.name.partition(".")[2]: entry for entry in of_method if entry.availability == "official"}
    if not entries:
        unavailable = next((entry for entry in of_method if entry.availability == "none"), of_method[0])
        raise ZooError(f"{method} has no official weights to convert: {how_to_obtain(unavailable)}")
    listing = ", ".join(f"{tag} ({entry.source and entry.source.file})" for tag, entry in entries.items())
    if variant is not None:
        tag = variant.removeprefix(f"{method}.")
        if tag not in entries:
            near = closest(tag, entries)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ZooError(f"{method} has no official variant {tag!r}; there are {listing}{hint}")
        return entries[tag]
    candidates = [entry for entry in entries.values() if entry.source and entry.source.file == file_name]
    if len(candidates) != 1:
        candidates = list(entries.values())
    if len(candidates) != 1:
        raise ZooError(f"which weights of {method} is {file_name}? Give --variant; there are {listing}")
    return candidates[0]


def read_official(path: Path) -> dict[str, Tensor]:
    """State dict of a file as the authors distribute it, read without running any code in it.

    Raises:
        ZooError: no such file, or no weights in it, or it contains other things than tensors and plain values.
    """
    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    if is_archive(path):
        with tempfile.TemporaryDirectory() as folder:
            files = [file for file in unpack(path, Path(folder)) if file.name.endswith(ENDINGS)]
            if len(files) != 1:
                raise ZooError(f"{path} holds {len(files)} weight files; unpack it and convert one of them")
            return {
                key: value.clone() for key, value in read_official(files[0]).items()
            }  # the tensors are memory-mapped
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    try:
        with torch.serialization.safe_globals(_numpy_globals()):
            content = read_plain(path)
    except Exception as error:  # a refused file raises UnpicklingError; a damaged one fails in many other ways
        raise ZooError(f"{path} is not a file of tensors and plain values: {explain_refusal(error)}") from None
    return extract_state_dict(content, str(path))


def _numpy_globals() -> list[Any]:
    """What torch may rebuild besides tensors: numpy arrays and numbers, which training checkpoints often contain."""
    rebuild, scalar = np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefd"}
    named = [
        (function, f"{package}.multiarray.{name}")
        for package in ("numpy.core", "numpy._core")  # numpy 1 and 2
        for function, name in ((rebuild, "_reconstruct"), (scalar, "scalar"))
    ]
    return [np.ndarray, np.dtype, *kinds, *named]


def extract_state_dict(content: Any, where: str = "the checkpoint") -> dict[str, Tensor]:
    """The state dict of a checkpoint: without wrapper, prefix `module.`, and everything that is not an array.

    Args:
        content: a state dict of tensors or arrays, or a dict that holds one under one of `WRAPPERS`.
        where: for error messages.

    Raises:
        ZooError: there is no state dict.
    """
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    items = content.items() if isinstance(content, Mapping) else ()
    arrays = {str(k): torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in items}
    state = {k.removeprefix("module."): v for k, v in arrays.items() if isinstance(v, Tensor)}
    if not state:
        raise ZooError(f"{where} holds no state dict, neither plain nor under {', '.join(WRAPPERS)}")
    return state


def convert_official_state(method: str, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """State of a method's LightningModule from the authors' state dict, checked name by name and shape by shape.

    Args:
        method: key of `lightning_modules.METHODS`.
        state: see `extract_state_dict`.
        config: hyper-parameters of the module.

    Raises:
        ZooError: the state is not the one of the authors' network; the message names the first differences.
    """
    official = _official_module(method)
    try:
        converted = official.convert_state_dict(state)
        with torch.device("meta"):  # only names and shapes are needed
            network = official.build_network(config)
        network.load_state_dict(converted, strict=True, assign=True)
    except (ValueError, KeyError, RuntimeError) as error:
        raise ZooError(f"not weights of {method}: {one_line(error, 400)}") from None
    return {f"network.{k}": v.float() if v.is_floating_point() else v for k, v in network.state_dict().items()}


def get_official_attribute(method: str, name: str, default: Any) -> Any:
    """An optional name of a method's `official.py`."""
    return getattr(_official_module(method), name, default)


def _official_module(method: str) -> ModuleType:
    from lightning_modules import METHODS

    if method not in METHODS:
        raise ZooError(unknown_name("method", method, METHODS))
    package = METHODS[method].rsplit(".", 2)[0]
    try:
        return import_module(f"{package}.official")
    except ModuleNotFoundError:
        raise ZooError(f"{method} has no official weights") from None
