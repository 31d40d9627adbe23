"""Bodies by name."""

from __future__ import annotations

from pathlib import Path

from body.licensed import load_licensed
from body.model import BodyModel
from body.open_body import read_open_body
from body.skeleton import SMPL24


def load_body(name: str = "open", path: Path | None = None) -> BodyModel:
    """The body called `name`.

    Args:
        name: `open` (packaged), `smpl` (neutral), `smpl_male`, `smpl_female`, `mano` (right hand), `mano_left`.
        path: file of a licensed model; without it `$ZOO_ASSETS/body_models/` is searched.

    Raises:
        ValueError: no such body.
        FileNotFoundError: the licensed file is not there; the message tells how to get it.
    """
    if name == "open":
        return _open_body(path)
    return load_licensed(name, path)


def _open_body(path: Path | None) -> BodyModel:
    data = read_open_body() if path is None else read_open_body(path)
    return BodyModel("open", SMPL24, data, data["regressors"], data["landmarks"], data["mirror"])
