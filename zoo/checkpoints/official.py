"""`zoo.from_official`: from the authors' weights in memory to a model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.checkpoints.convert import convert_official_state, extract_state_dict, get_official_attribute
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.load import build_model
from zoo.documents.configs import merge
from zoo.errors import ZooError

if TYPE_CHECKING:
    from lightning_modules.base import PoseModule


def from_official(
    method: str, state_dict: Mapping[str, Any], *, body: str | None = None, **overrides: Any
) -> PoseModule:
    """A method's LightningModule with the weights of the authors' release, in eval mode.

    `zoo convert` does the same for a file and stores the result. The state must match exactly, after names have been
    mapped and body-model buffers removed. The protocol is the one of the open benchmark unless `protocol` says
    otherwise, since other protocols may need licensed files that the network does not.

    A release whose weights contain no body model can be used with another one: if its body model is licensed and
    missing, `body` may be `open`; when `body` is omitted, this is done with a warning.

    Args:
        method: such as `i2l_meshnet`.
        state_dict: contents of the authors' file, with or without its wrapper and prefix `module.`.
        body: which of the released networks: `smpl` or `mano`; may be omitted where there is only one.
        **overrides: hyper-parameters of the module that differ from the release's.

    Raises:
        ZooError: no such release, the state is not the one of its network, or its body model is missing.
    """
    release, state = _release_config(method, body), extract_state_dict(state_dict)
    implied = get_official_attribute(method, "implied_settings", lambda _: {})(state)
    config = merge({**merge(release, implied), "protocol": "open-v1"}, overrides)
    tensors = convert_official_state(method, state, config)
    try:
        model = build_model(method, config)
    except ZooError as error:
        if body is not None or "open" not in _alternative_bodies(method):
            raise
        model = build_model(method, {**config, "body": "open"})
        warnings.warn(
            f"{error}. The open body is used instead: joints and mesh differ from the release's", stacklevel=2
        )
    model.load_state_dict(tensors, strict=True)
    return model.eval()


def _alternative_bodies(method: str) -> tuple[str, ...]:
    """Body models that a release can be used with beside its default."""
    return get_official_attribute(method, "BODIES", ())


def _release_config(method: str, body: str | None) -> dict[str, Any]:
    """Hyper-parameters of the first release of a method for a body."""
    of_method = [entry for entry in read_checkpoints().values() if entry.method == method]
    unavailable = [entry for entry in of_method if entry.availability == "none" and entry.config]
    released = [entry for entry in of_method if entry.availability == "official"] + unavailable
    releases = {entry.body: entry.config for entry in reversed(released)}
    if not releases:
        raise ZooError(f"{method} has no official weights")
    if body is None and len(releases) > 1:
        raise ZooError(f"{method} was released for {' and '.join(sorted(releases))}; choose one with body=")
    if body is not None and body not in releases and body in _alternative_bodies(method):
        return {**next(iter(releases.values())), "body": body}
    if body is not None and body not in releases:
        raise ZooError(f"{method} was not released for body {body!r}; there is {', '.join(sorted(releases))}")
    return releases[body] if body is not None else next(iter(releases.values()))
