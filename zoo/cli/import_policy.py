"""Which classes a configuration may name.

A configuration is text that people share, and a class path in it is code that runs. So only classes of this project,
Lightning's components, torch's optimisers and schedulers, and installed methods and datamodules (entry points) are
built; with `--trust`, also classes of all other installed packages and of modules in the current folder. Nothing of the
standard library is ever built, since `subprocess.Popen` is a class, too. Nothing is built where an argument takes any
value, since jsonargparse would build every class there.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from jsonargparse import set_parsing_settings

from zoo.errors import ZooError

ENTRY_POINTS = ("human_mesh_zoo.methods", "human_mesh_zoo.datamodules")
LIGHTNING = ("accelerators", "callbacks", "loggers", "plugins", "profilers", "strategies")
ALLOWED = (
    "datamodules",
    "lightning_modules",
    *(f"pytorch_lightning.{part}" for part in LIGHTNING),
    *(f"lightning_fabric.{part}" for part in ("accelerators", "loggers", "plugins", "strategies")),
    "torch.optim",
)
"""Packages whose classes every configuration may name."""
NEVER = ("jsonargparse", "pip", "pkg_resources", "setuptools")
"""Installed packages that no configuration may name: they change this policy, or install others."""

_trusted: set[str] = set()  # jsonargparse's settings are those of the process and only grow


def allow_imports(trust: bool) -> None:
    """Set the policy for the configurations that this process parses.

    Args:
        trust: whether the user passed `--trust`; the current folder is then appended to the module search path.
    """
    if trust:
        _trusted.update(_other_modules())
    set_parsing_settings(
        import_path_denylist=["*", *(() if trust else _trusted)],
        import_path_allowlist=[*allowed_packages(), *(_trusted if trust else ())],
        instantiate_subclass_spec_in_any=False,
    )


def allowed_packages() -> tuple[str, ...]:
    """Packages whose classes a configuration may name without `--trust`."""
    points = [point for group in ENTRY_POINTS for point in entry_points(group=group)]
    return (*ALLOWED, *sorted({point.module.partition(".")[0] for point in points}))


def check_class_paths(tree: Any, where: str) -> None:
    """Refuse a configuration that names a class outside of the allowed packages, before anything is built.

    Args:
        tree: the configuration, its bases filled in.
        where: start of the message.

    Raises:
        ZooError: it does.
    """
    allowed = allowed_packages()
    for name in _class_paths(tree):
        if "." in name and not f"{name}.".startswith(tuple(f"{package}." for package in allowed)):
            raise ZooError(
                f"{where} names {name}, which is no class of this project, Lightning, torch.optim or an installed "
                "extension of the zoo; add --trust if you trust the configuration and what it names"
            )


def _class_paths(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("class_path"), str):
            yield tree["class_path"]
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from _class_paths(child)


def _other_modules() -> set[str]:
    """Names of all top-level modules that can be imported, those of the current folder included."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)  # last, so that no file in it replaces a module of a library
    names = {module.name for module in pkgutil.iter_modules() if module.name.isidentifier()}
    return names - set(sys.stdlib_module_names) - set(NEVER)
