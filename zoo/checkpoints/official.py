"""`zoo.from_official`: the authors' weights, already in memory, become a model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.checkpoints.convert import official_attribute, official_state, unwrap
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.load import build
from zoo.errors import ZooError

if TYPE_CHECKING:
    from lightning_modules.base import PoseModule


def from_official(
    method: str, state_dict: Mapping[str, Any], *, body: str | None = None, **overrides: Any
) -> PoseModule:
    """A method's LightningModule with the weights of the authors' release, in eval mode.

    `zoo convert` does the same for a file and keeps the result. The state must fit exactly, after names have been
    translated and body-model buffers left out. Metrics of validation are those of the open benchmark unless `protocol`
    says otherwise, since a benchmark's own may need files that the network does not.

    A release whose weights hold no body can pose another one: where its own is licensed and not here, `body` may be
    `open`; when `body` is omitted, that is done with a warning.

    Args:
        method: such as `i2l_meshnet`.
        state_dict: contents of the authors' file, with or without its wrapper and `module.`.
        body: which of the released networks: `smpl` or `mano`; may be omitted where there is only one.
        **overrides: hyper-parameters of the module that differ from the release's.

    Raises:
        ZooError: no such release, the state is not that of its network, or its body model is not here.
    """
    released, state = _released(method, body), unwrap(state_dict)
    implied = official_attribute(method, "implied_settings", lambda _: {})(state)
    config = {**released, "protocol": "open-v1", **implied, **overrides}
    tensors = official_state(method, state, config)
    try:
        model = build(method, config)
    except ZooError as error:
        if body is not None or "open" not in _other_bodies(method):
            raise
        model = build(method, {**config, "body": "open"})
        warnings.warn(f"{error}. The open body stands in: joints and mesh are not the release's", stacklevel=2)
    model.load_state_dict(tensors, strict=True)
    return model.eval()


def _other_bodies(method: str) -> tuple[str, ...]:
    """Bodies that a release can pose beside its own."""
    return official_attribute(method, "BODIES", ())


def _released(method: str, body: str | None) -> dict[str, Any]:
    """Hyper-parameters of the first release of a method for a body."""
    own = [entry for entry in read_checkpoints().values() if entry.method == method]
    lost = [entry for entry in own if entry.availability == "none" and entry.config]  # usable by who has them
    known = [entry for entry in own if entry.availability == "official"] + lost
    releases = {entry.body: entry.config for entry in reversed(known)}
    if not releases:
        raise ZooError(f"{method} has no official weights")
    if body is None and len(releases) > 1:
        raise ZooError(f"{method} was released for {' and '.join(sorted(releases))}; say which with body=")
    if body is not None and body not in releases and body in _other_bodies(method):
        return {**next(iter(releases.values())), "body": body}
    if body is not None and body not in releases:
        raise ZooError(f"{method} was not released for body {body!r}; there is {', '.join(sorted(releases))}")
    return releases[body] if body is not None else next(iter(releases.values()))
