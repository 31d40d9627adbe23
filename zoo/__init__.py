"""Open model zoo for monocular 3D human pose and mesh.

The functions here import torch and Lightning on first use, so that `import zoo` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.siblings import check_siblings

check_siblings()  # before anything of ours is imported

from zoo.errors import ZooError  # noqa: E402
from zoo.resources import VERSION as __version__  # noqa: E402

if TYPE_CHECKING:
    from zoo.checkpoints.info import info
    from zoo.checkpoints.listing import list_models
    from zoo.checkpoints.load import load
    from zoo.checkpoints.official import from_official
    from zoo.checkpoints.publish import push
    from zoo.prediction.predict import predict

__all__ = ["ZooError", "__version__", "from_official", "info", "list_models", "load", "predict", "push"]

_HOME = {
    "from_official": "zoo.checkpoints.official",
    "load": "zoo.checkpoints.load",
    "predict": "zoo.prediction.predict",
    "push": "zoo.checkpoints.publish",
    "info": "zoo.checkpoints.info",
    "list_models": "zoo.checkpoints.listing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
