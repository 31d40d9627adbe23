"""One file per benchmark: reads the authors' own files and yields the one batch layout of `datamodules.batch`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from body.installed import import_class, with_installed

if TYPE_CHECKING:
    from collections.abc import Callable

    from datamodules.files import FileDataModule
    from datamodules.jobs import Job

GROUP = "human_mesh_zoo.datamodules"
"""Entry points of this group name a `FileDataModule`: `name = "package.module:Class"`."""

_OWN = {
    "human36m": "datamodules.human36m.datamodule.Human36MDataModule",
    "3dpw": "datamodules.pw3d.Pw3dDataModule",
    "mpi_inf_3dhp": "datamodules.mpi_inf_3dhp.datamodule.MpiInf3dhpDataModule",
    "humaneva": "datamodules.humaneva.datamodule.HumanEvaDataModule",
    "muco": "datamodules.muco.MucoDataModule",
    "mupots": "datamodules.mupots.datamodule.MupotsDataModule",
    "surreal": "datamodules.surreal.datamodule.SurrealDataModule",
    "up3d": "datamodules.up3d.datamodule.Up3dDataModule",
    "lsp": "datamodules.lsp.LspDataModule",
    "lsp_extended": "datamodules.lsp.LspExtendedDataModule",
    "mpii": "datamodules.mpii.datamodule.MpiiDataModule",
    "coco": "datamodules.coco.datamodule.CocoDataModule",
    "densepose_coco": "datamodules.densepose.datamodule.DensePoseCocoDataModule",
    "freihand": "datamodules.freihand.datamodule.FreiHandDataModule",
    "folder": "datamodules.folder.datamodule.FolderDataModule",
}
BENCHMARKS: dict[str, str] = with_installed(_OWN, GROUP)
"""Name of the folder -> class, by dotted path so that naming a benchmark imports nothing heavy.

Benchmarks that are read from the user's files; the open one, which needs none, is `datamodules.synthetic`."""

PREPARATIONS: dict[str, str] = {
    "human36m": "datamodules.human36m.prepare.jobs",
    "mpi_inf_3dhp": "datamodules.mpi_inf_3dhp.prepare.jobs",
    "humaneva": "datamodules.humaneva.prepare.jobs",
    "surreal": "datamodules.surreal.prepare.jobs",
}
"""What has to be made of some of them first: a function of their folder and of options, which returns the work."""


def get_benchmark(name: str) -> type[FileDataModule]:
    """The datamodule of a benchmark.

    Raises:
        KeyError: no such benchmark; the message lists those there are.
        ValueError: an installed package's that cannot be loaded.
    """
    from datamodules.files import FileDataModule

    return import_class("benchmark", name, BENCHMARKS, FileDataModule)  # type: ignore[type-abstract]


def get_preparation(name: str) -> Callable[..., list[Job]] | None:
    """What prepares a benchmark; None where its files are read as they are distributed."""
    if name not in PREPARATIONS:
        return None
    module, _, attribute = PREPARATIONS[name].rpartition(".")
    return getattr(import_module(module), attribute)
