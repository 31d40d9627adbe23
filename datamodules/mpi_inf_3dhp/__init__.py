"""MPI-INF-3DHP: single people in a green-screen studio and outdoors, without markers (Mehta et al., 3DV 2017)."""

from datamodules.mpi_inf_3dhp.datamodule import MpiInf3dhpDataModule as MpiInf3dhpDataModule

__all__ = ["MpiInf3dhpDataModule"]
