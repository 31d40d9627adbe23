"""Open model zoo for monocular 3D human pose and mesh.

The functions here import torch and Lightning on first use, so that `import zoo` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.checkpoints import info, list_models
    from zoo.loading import load
    from zoo.official import from_official
    from zoo.predicting import predict
    from zoo.publishing import push

__version__ = "0.1.0"
__all__ = ["ZooError", "__version__", "from_official", "info", "list_models", "load", "predict", "push"]

_HOME = {
    "from_official": "zoo.official",
    "load": "zoo.loading",
    "predict": "zoo.predicting",
    "push": "zoo.publishing",
    "info": "zoo.checkpoints",
    "list_models": "zoo.checkpoints",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
