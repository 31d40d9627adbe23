"""Where the weights of a backbone come from: timm, a local file, a repository of the Hub, or this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import timm

from lightning_modules.common.backbones.registry import SHIPPED, BackboneSpec

Pretrained = bool | str
"""True: the registry's or timm's own; a string: a local file, or the name `user/repository` of timm weights."""

_INSTEAD = "set pretrained: false to start from random weights, or give it a local file"


def find_weights(name: str, spec: BackboneSpec, pretrained: Pretrained) -> dict[str, Any]:
    """Timm's description of the weights that a backbone is to start from, as entries of its `pretrained_cfg`.

    Raises:
        ValueError: there are no such weights, or they cannot be had.
    """
    if isinstance(pretrained, str):
        return _named(name, pretrained)
    if spec.shipped:
        return {"file": str(_existing(SHIPPED / f"{name}.safetensors", f"weights of backbone {name!r}"))}
    if spec.options or spec.make is not None:
        raise ValueError(f"there are no weights for backbone {name!r} to start from; set pretrained: false")
    source = timm.get_pretrained_cfg(spec.model)
    if source is None or not source.has_weights:
        raise ValueError(f"timm has no weights for {spec.model!r}; {_INSTEAD}")
    if not source.hf_hub_id or source.source == "url":
        return {}
    return {"file": _download(source.hf_hub_id, source.hf_hub_filename or "model.safetensors", name)}


def _named(name: str, pretrained: str) -> dict[str, Any]:
    path = Path(pretrained).expanduser()
    if path.suffix in (".safetensors", ".pth", ".pt", ".bin") or path.exists():
        return {"file": str(_existing(path, f"weights for backbone {name!r}"))}
    if pretrained.count("/") != 1:
        raise ValueError(f"pretrained: {pretrained} is neither a file nor a repository of the Hub (user/repository)")
    return {"file": _download(pretrained, "model.safetensors", name)}


def _existing(path: Path, what: str) -> Path:
    if not path.is_file():
        raise ValueError(f"{what}: no file {path}; {_INSTEAD}")
    return path


def _download(repository: str, filename: str, name: str) -> str:
    """A file of the Hub, from its cache where it is there; a machine without a network knows within seconds."""
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    repository, _, revision = repository.partition("@")
    cached = try_to_load_from_cache(repository, filename, revision=revision or None)
    if isinstance(cached, str):
        return cached
    try:
        _reach(constants.ENDPOINT)
        return hf_hub_download(repository, filename, revision=revision or None)
    except Exception as error:  # hub, network and cache errors have no common type
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise ValueError(f"weights of {name!r} could not be fetched from {repository} ({reason}); {_INSTEAD}") from None


def _reach(endpoint: str) -> None:
    """Raise `URLError` at once where `huggingface_hub` would try again and again for minutes."""
    try:
        urlopen(Request(endpoint, method="HEAD"), timeout=5).close()
    except HTTPError:
        pass  # it answers
    except (URLError, OSError) as error:
        raise URLError(getattr(error, "reason", error)) from None
