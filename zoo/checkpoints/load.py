"""`zoo.load`: from a name to a model with its weights."""

from __future__ import annotations

import pickle
import re
import warnings
from argparse import ArgumentError
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from body.choices import unknown_name
from zoo.checkpoints.files import parse_metadata, read_safetensors, resolve_weights
from zoo.checkpoints.hub import WEIGHTS, fetch_published
from zoo.checkpoints.limits import parameters_within
from zoo.checkpoints.listing import get_checkpoint, read_checkpoints
from zoo.documents.configs import merge
from zoo.documents.resources import file_sha256
from zoo.documents.settings import setting_names
from zoo.errors import ZooError, one_line
from zoo.results.result import WeightsIdentity

if TYPE_CHECKING:
    from torch import Tensor

    from lightning_modules.base import PoseModule
    from lightning_modules.common.precision import Precision


def load(
    name: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
    device: str = "cpu",
    precision: Precision = "fp32",
    compile: bool = False,
    **overrides: Any,
) -> PoseModule:
    """A method's LightningModule with its weights, in eval mode.

    Nothing in a file is run. Listed, converted and published files are verified against their SHA-256, and the state
    must match exactly.

    Args:
        name: a method (its default weights), `method.tag`, a `.safetensors` file, a `.ckpt` file of `zoo fit`, a
            folder with `model.safetensors`, or a Hub repository `user/name` that `zoo push` wrote.
        revision: Hub commit, tag or branch; for listed weights the listed commit when omitted.
        cache_dir: Hub cache instead of the default one (`HF_HOME`).
        offline: True avoids the network; None leaves it to `HF_HUB_OFFLINE`.
        device: of the model, such as `cuda`.
        precision: of the network's convolutions and matrix products, `fp32`, `bf16` or `fp16`; geometry and decoding
            are float32 in each. A model of half precision predicts and is evaluated; it is not trained.
        compile: run the network through `torch.compile`, for predictions without end: the first one takes half a
            minute to two, and weights that are changed afterwards have no effect. Without a compiler (g++ for CPUs,
            Triton for GPUs) there is a warning, and the model runs as it is.
        **overrides: hyper-parameters that replace the stored ones, such as `body="smpl"` or `network={"sigma": 2.0}`.

    Raises:
        ZooError: no such model, its weights are not available, or they do not match; or this device cannot do it.
    """
    from lightning_modules.common.config import plain

    path = _find_weights(name, revision, None if cache_dir is None else Path(cache_dir), offline)
    tensors, method, config = _read_weights(path)
    with parameters_within(2 * sum(tensor.numel() for tensor in tensors.values()) + 10_000_000):
        model = build_model(method, merge(without_initialisation(method, config), plain(overrides)))
    load_state(model, tensors, f"{path} does not fit {method}")
    try:
        model = model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise ZooError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None
    model = _cast(model, precision)
    model.weights_name = (
        Path(name).name.removesuffix(".safetensors") if Path(name).exists() else resolve_name(str(name))
    )
    if compile:
        _compile(model)
    return model


def _cast(model: PoseModule, precision: Precision) -> PoseModule:
    from lightning_modules.common.precision import DTYPES, fast_on_this_cpu

    if precision not in DTYPES:
        raise ZooError(unknown_name("precision", str(precision), DTYPES))
    if precision == "fp16" and model.device.type == "cpu" and not fast_on_this_cpu(precision):
        raise ZooError("this CPU has no arithmetic for fp16 and would take 80 times as long; use bf16, or device cuda")
    return model if precision == "fp32" else model.to(DTYPES[precision])


def _compile(model: PoseModule) -> None:
    from lightning_modules.common.compilation import compile_parts, find_compiler_fault

    fault = find_compiler_fault(model.device)
    if fault is None:
        compile_parts(model.compiled_parts())
    else:
        warnings.warn(f"compile=True has no effect: {fault}", stacklevel=3)


def _read_weights(path: Path) -> tuple[dict[str, Tensor], str, dict[str, Any]]:
    """Tensors, method and hyper-parameters of a weights file or a checkpoint.

    Raises:
        ZooError: it is neither, or a checkpoint that does not name its method.
    """
    if path.suffix != ".ckpt":
        tensors, metadata = read_safetensors(path)
        return tensors, *parse_metadata(metadata, path)
    from zoo.checkpoints.lightning_files import read_lightning_checkpoint

    tensors, config, method, _ = read_lightning_checkpoint(path)
    if method is None:
        raise ZooError(f"{path} does not name its method; run zoo package {path} METHOD.TAG --unlisted --folder .")
    return tensors, method, config


def load_state(model: PoseModule, tensors: dict[str, Tensor], failure: str) -> None:
    """Load weights into a model; its `training_only` ones may be missing, and keep their values, or superfluous.

    Args:
        model: receives the weights.
        tensors: state by name.
        failure: start of the error message.

    Raises:
        ZooError: a name or shape is missing, unknown or different; or a weight is NaN, or a variance negative.
    """
    from lightning_modules.common.finite import check_finite

    current, extra = model.state_dict(), model.training_only
    superfluous = {key for key in tensors.keys() - current.keys() if key.startswith(extra)}
    missing = {key for key in current.keys() - tensors.keys() if key.startswith(extra)}
    state = {key: value for key, value in tensors.items() if key not in superfluous}
    state |= {key: current[key] for key in missing}
    try:
        check_finite(state, "they")
        model.load_state_dict(state, strict=True)
    except (FloatingPointError, RuntimeError) as error:
        raise ZooError(f"{failure}: {one_line(error, 400)}") from None


def without_initialisation(method: str, config: dict[str, Any]) -> dict[str, Any]:
    """Hyper-parameters of trained weights: the method's `initialisation` no longer applies."""
    from lightning_modules.base import PoseModule

    return merge(config, merge(PoseModule.initialisation, _method_class(method).initialisation))


def resolve_name(name: str) -> str:
    """`method.tag` of the default weights for the name of a method; any other name unchanged."""
    defaults = {entry.method: entry.name for entry in read_checkpoints().values() if entry.default}
    return defaults.get(name, name)


def identify_weights(weights: str, overrides: Mapping[str, Any] | None = None) -> WeightsIdentity:
    """Name and SHA-256 of the file that `load` reads, or of a checkpoint.

    Args:
        weights: as for `load`, or a checkpoint file.
        overrides: hyper-parameters that replaced the stored ones.

    Raises:
        ZooError: there are no such weights.
    """
    given = Path(weights)
    path = given if given.is_file() else _find_weights(weights, None, None, None)
    if not path.is_file():
        raise ZooError(f"{path}: no such file")
    listed = not given.exists() and "/" not in weights
    name = get_checkpoint(weights).name if listed else (weights if not given.exists() else given.resolve().name)
    return WeightsIdentity(name, file_sha256(path), overrides or {})


def build_model(method: str, config: dict[str, Any]) -> PoseModule:
    """A method's module, freshly initialised.

    Raises:
        ZooError: no such method, or it does not take these hyper-parameters.
    """
    from pytorch_lightning.cli import instantiate_module

    kind = _method_class(method)
    settings = {name: value for name, value in config.items() if not name.startswith("_")}
    groups = {name.partition(".")[0] for name in setting_names(kind) if "." in name}
    for name in sorted(groups & settings.keys()):
        if not isinstance(settings[name], Mapping):
            raise ZooError(
                f"{method} cannot be built: {name} is {settings[name]!r:.80}; give its settings, {name}={{...}}"
            )
    try:
        return instantiate_module(kind, settings)
    except (ArgumentError, KeyError, TypeError, ValueError, FileNotFoundError, pickle.UnpicklingError) as error:
        message = re.sub(r'Parser key "module\.([\w.]+)"', r"\1", one_line(error))
        unknown = re.search(r"Group 'module' does not accept option '(.+)'", message)
        message = unknown_name("setting", unknown[1], setting_names(kind)) if unknown else message
        raise ZooError(f"{method} cannot be built: {message}") from error


def _method_class(method: str) -> type[PoseModule]:
    """The method's class.

    Raises:
        ZooError: no such method, or it is an installed package's that cannot be loaded.
    """
    from lightning_modules import METHODS, get_method

    if method not in METHODS:
        raise ZooError(f"{unknown_name('method', method, METHODS)}; a method of another package has to be installed")
    try:
        return get_method(method)
    except ValueError as error:
        raise ZooError(one_line(error)) from error


def _find_weights(name: str | Path, revision: str | None, cache: Path | None, offline: bool | None) -> Path:
    """The file of weights; arguments and errors as for `load`."""
    path = _local_file(name)
    if path is not None:
        if revision is not None:
            raise ZooError(f"{path} is a local file, so it has no revision {revision!r}")
        return path
    if "/" in str(name):
        return fetch_published(str(name), revision, cache, offline)
    return resolve_weights(get_checkpoint(str(name)), revision=revision, cache_dir=cache, offline=offline)


def _local_file(name: str | Path) -> Path | None:
    """The weights file when `name` is a path, or None."""
    path = Path(name)
    if path.is_dir():
        return path / WEIGHTS
    if path.suffix in (".safetensors", ".ckpt") or isinstance(name, Path):
        return path
    if path.suffix in (".pth", ".pt", ".tar", ".bin", ".pkl", ".zip"):
        raise ZooError(f"{path} is no file of the zoo; convert an authors' file with zoo convert METHOD {path}")
    return None
