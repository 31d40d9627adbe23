"""The packages beside `zoo` have common names; a user's own `metrics.py` must not be taken for ours."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

SIBLINGS = ("body", "metrics", "datamodules", "lightning_modules")


def check_siblings() -> None:
    """Make sure that Python finds our packages under their names.

    Raises:
        ImportError: a file or folder of that name comes first on the module search path, or was imported before.
    """
    home = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        spec = find_spec(name)
        origin = None if spec is None else spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        if origin is not None and home / name not in (Path(origin).resolve(), Path(origin).resolve().parent):
            raise ImportError(
                f"{origin} hides the package {name!r} of human-mesh-zoo; rename it, or move it out of the folder of "
                "your script and of PYTHONPATH"
            )
