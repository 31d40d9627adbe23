"""A bound on the memory that a configuration from a file may ask for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from zoo.errors import ZooError


@contextmanager
def parameters_within(limit: int) -> Iterator[None]:
    """Modules that this thread builds may have so many parameters together; one is refused before it is filled.

    Args:
        limit: number of values.

    Raises:
        ZooError: they have more.
    """
    here, total = threading.get_ident(), 0

    def count(module: nn.Module, name: str, parameter: Any) -> None:
        nonlocal total
        if parameter is None or threading.get_ident() != here:
            return
        total += parameter.numel()
        if total > limit:
            raise ZooError(
                f"the configuration asks for more than {limit:,} parameters at {type(module).__name__}.{name}, "
                "far more than the file has; it was not written by this zoo"
            )

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()
