"""Protocols by id: the project's own, and those that installed packages bring."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property

from metrics.protocol import Protocol

GROUP = "human_mesh_zoo.protocols"
"""Entry points of this group name a `Protocol`, or a tuple of them: `lab = "lab.protocols:ALL"`."""


class Protocols(Mapping[str, Protocol]):
    """Protocols by their id, in the order of the project's own; others are loaded when one is first asked for.

    Args:
        own: of the project.
    """

    def __init__(self, own: Mapping[str, Protocol]) -> None:
        self.own = dict(own)

    @cached_property
    def _all(self) -> dict[str, Protocol]:
        protocols = dict(self.own)
        for point in importlib.metadata.entry_points(group=GROUP):
            try:
                brought = point.load()
            except Exception as error:  # a stranger's package must not take this one down
                warnings.warn(f"protocols of {point.value} cannot be loaded: {error!r}", stacklevel=2)
                continue
            for protocol in (brought,) if isinstance(brought, Protocol) else tuple(brought):
                if protocol.id in protocols:
                    raise ValueError(f"{point.value} brings a second protocol {protocol.id!r}; rename it")
                protocols[protocol.id] = protocol
        return protocols

    def __getitem__(self, name: str) -> Protocol:
        return self.own[name] if name in self.own else self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
