"""Shared test setup: shapes checked at run time, one thread each, files and memory given back with their tests."""

import ctypes
import gc
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from jaxtyping import install_import_hook

install_import_hook(["body", "metrics", "datamodules", "lightning_modules", "zoo"], "beartype.beartype")

import torch  # noqa: E402

torch.set_num_threads(1)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """What a fixture makes in pytest's temporary folder is removed when the fixture ends.

    pytest keeps the folders of `tmp_path_factory` until the whole run is over, and the checkpoints and data of this
    suite are gigabytes together. `tmp_path` has a setting of its own, `tmp_path_retention_policy`.
    """
    if "tmp_path_factory" not in fixturedef.argnames or fixturedef.argname == "tmp_path":
        return (yield)
    root = request.getfixturevalue("tmp_path_factory").getbasetemp()
    before, made = set(root.iterdir()), set[Path]()

    def remove() -> None:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)

    fixturedef.addfinalizer(remove)
    try:
        return (yield)
    finally:
        made.update(set(root.iterdir()) - before)


_STATM = Path("/proc/self/statm")
_GROWTH = 512 * 2**20 // 4096
_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if _STATM.exists() else None
_pages = 0


def pytest_runtest_logfinish() -> None:
    """Memory goes back to the system: trainers are cycles of little objects that hold large arrays, and glibc keeps
    what is freed between living ones, gigabytes after a while."""
    global _pages
    if _TRIM and int(_STATM.read_text().split()[1]) > _pages + _GROWTH:
        gc.collect()
        _TRIM(0)
        _pages = int(_STATM.read_text().split()[1])
