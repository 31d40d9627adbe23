"""Checks of the machine: packages, accelerators, licensed files, and benchmarks on disk."""
