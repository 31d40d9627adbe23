"""`zoo convert`: the authors' weight files become safetensors under the names used here.

A method's `official.py` supplies two functions, and nothing else is needed for its files to convert:

- `convert_state_dict(state) -> state`: the authors' names to those of the network here. It drops what the network
  does not have (body-model buffers, layers that never run) and raises ValueError for a name the release does not have.
- `build_network(config) -> nn.Module`: the bare network for the module's hyper-parameters, without reading a licensed
  file. It is called under `torch.device("meta")`: only the names and shapes of its state are looked at.

Where it has them: `implied_settings(state) -> dict`, hyper-parameters that follow from the authors' state, and
`BODIES`, the bodies that a network can pose whose weights hold none.
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

from zoo.checkpoints.archives import is_archive, unpack
from zoo.checkpoints.files import read_safetensors, what_to_do
from zoo.checkpoints.listing import Checkpoint, has_landed, read_checkpoints
from zoo.checkpoints.store import store
from zoo.errors import ZooError
from zoo.resources import VERSION, file_sha256

WRAPPERS = ("network", "model", "state_dict")
"""Keys under which training programs keep the state: I2L-MeshNet and RootNet, DaNet, Lightning."""

ENDINGS = (".pth.tar", ".pth", ".pt", ".ckpt", ".bin", ".safetensors")


def convert(method: str, file: str | Path, variant: str | None = None) -> Path:
    """Convert the authors' file and keep it, so that `zoo.load("method.variant")` finds it.

    Args:
        method: such as `i2l_meshnet`.
        file: as downloaded: a torch file, safetensors, or a zip or tar with one of these in it.
        variant: tag of the entry, such as `h36m_muco_coco`; may be omitted when the file's name or the method says it.

    Returns:
        The written weights; where they came from stands beside them, as `.json`.

    Raises:
        ZooError: unknown method or variant, the file is none of this method's, or its code has not landed.
    """
    path = Path(file)
    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    entry = choose_entry(method, path.name, variant)
    state = read_official(path)
    if not has_landed(entry):
        raise ZooError(f"{path} was read ({len(state)} tensors), but not converted: {what_to_do(entry)}")
    tensors = official_state(method, state, entry.config)
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
    return store(entry, tensors, provenance)


def choose_entry(method: str, file_name: str, variant: str | None) -> Checkpoint:
    """The entry that a file of the authors' belongs to.

    Raises:
        ZooError: no such method or variant, or the file's name does not tell; the message lists the variants.
    """
    own = [entry for entry in read_checkpoints().values() if entry.method == method]
    if not own:
        methods = sorted({entry.method for entry in read_checkpoints().values()})
        raise ZooError(f"no method {method!r}; there are {', '.join(methods)}")
    entries = {entry.name.partition(".")[2]: entry for entry in own if entry.availability == "official"}
    if not entries:
        lost = next((entry for entry in own if entry.availability == "none"), own[0])
        raise ZooError(f"{method} has no official weights to convert: {what_to_do(lost)}")
    listing = ", ".join(f"{tag} ({entry.source and entry.source.file})" for tag, entry in entries.items())
    if variant is not None:
        tag = variant.removeprefix(f"{method}.")
        if tag not in entries:
            raise ZooError(f"{method} has no official variant {tag!r}; there are {listing}")
        return entries[tag]
    fitting = [entry for entry in entries.values() if entry.source and entry.source.file == file_name]
    if len(fitting) != 1:
        fitting = list(entries.values())
    if len(fitting) != 1:
        raise ZooError(f"which weights of {method} is {file_name}? Say --variant; there are {listing}")
    return fitting[0]


def read_official(path: Path) -> dict[str, Tensor]:
    """State dict of a file as the authors distribute it, read without running anything that the file names.

    Raises:
        ZooError: no such file, or no weights in it, or it asks for anything but tensors and plain values.
    """
    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    if is_archive(path):
        with tempfile.TemporaryDirectory() as folder:
            files = [file for file in unpack(path, Path(folder)) if file.name.endswith(ENDINGS)]
            if len(files) != 1:
                raise ZooError(f"{path} holds {len(files)} weight files; unpack it and convert one of them")
            return {key: value.clone() for key, value in read_official(files[0]).items()}  # not mapped from the file
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    try:
        with torch.serialization.safe_globals(_numpy_values()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a refused file raises UnpicklingError; a damaged one fails in many other ways
        first = next((line for line in str(error).splitlines() if "GLOBAL" in line), str(error).partition("\n")[0])
        raise ZooError(f"{path} is not a file of tensors and plain values: {first.strip()[:200]}") from None
    return unwrap(content, str(path))


def _numpy_values() -> list[Any]:
    """What torch may rebuild besides tensors: numpy arrays and numbers, which training programs like to save."""
    rebuild, scalar = np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefd"}
    named = [
        (function, f"{package}.multiarray.{name}")
        for package in ("numpy.core", "numpy._core")  # numpy 1 and 2
        for function, name in ((rebuild, "_reconstruct"), (scalar, "scalar"))
    ]
    return [np.ndarray, np.dtype, *kinds, *named]


def unwrap(content: Any, where: str = "the checkpoint") -> dict[str, Tensor]:
    """The state dict inside a checkpoint's contents: without wrapper, `module.` and everything that is no array.

    Args:
        content: a state dict of tensors or arrays, or a dict that holds one under one of `WRAPPERS`.
        where: for messages.

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


def official_state(method: str, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """State of a method's LightningModule from the authors' state dict, checked name by name and shape by shape.

    Args:
        method: key of `lightning_modules.METHODS`.
        state: see `unwrap`.
        config: hyper-parameters of the module.

    Raises:
        ZooError: the state is not that of the authors' network; the message names the first differences.
    """
    official = _official(method)
    try:
        converted = official.convert_state_dict(state)
        with torch.device("meta"):  # names and shapes are all that is needed
            network = official.build_network(config)
        network.load_state_dict(converted, strict=True, assign=True)
    except (ValueError, KeyError, RuntimeError) as error:
        raise ZooError(f"not weights of {method}: {' '.join(str(error.args[0]).split())[:400]}") from None
    return {f"network.{k}": v.float() if v.is_floating_point() else v for k, v in network.state_dict().items()}


def official_attribute(method: str, name: str, otherwise: Any) -> Any:
    """What a method's `official.py` supplies beside the two functions."""
    return getattr(_official(method), name, otherwise)


def _official(method: str) -> ModuleType:
    from lightning_modules import METHODS

    if method not in METHODS:
        raise ZooError(f"the code of {method!r} has not landed in this version; there are {', '.join(METHODS)}")
    package = METHODS[method].rpartition(".module.")[0]
    try:
        return import_module(f"{package}.official")
    except ModuleNotFoundError:
        raise ZooError(f"{method} has no official weights") from None
