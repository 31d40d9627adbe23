"""Open model zoo for monocular 3D human pose and mesh.

The functions here import torch and Lightning on first use, so that `import zoo` costs nothing.
"""

# ruff: noqa: E402  (what a started command must set before anything is imported)

import sys

# `python -m zoo` puts the current folder first on the search path, where any file could stand in for a library, also
# for those imported below; it stays only if zoo itself is there. A script that imports zoo keeps its path.
_as_module = ("-m", "zoo") in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
if sys.argv[:1] == ["-m"] and _as_module:
    _checkout = __file__[: -len("/zoo/__init__.py")]
    sys.path[:1] = [folder for folder in sys.path[:1] if sys.flags.safe_path or folder == _checkout]

import signal

# Ctrl-C while a started command imports its modules ends it without a traceback, until `run_bounded` takes over; in
# the background of a script it does nothing.
_as_script = sys.argv[:1] and sys.argv[0].replace("\\", "/").rpartition("/")[2] in ("zoo", "zoo.exe", "zoo-script.py")
if (_as_module or _as_script) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.siblings import check_siblings

check_siblings()  # before anything of ours is imported

from zoo.documents.resources import VERSION as __version__
from zoo.errors import ZooError

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
