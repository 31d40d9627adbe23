"""`python -m benchmarks [NAME ...]`: run all measurements, or those named."""

from __future__ import annotations

import argparse
import importlib

BENCHMARKS = (
    "i2l_meshnet",
    "hemlets",
    "danet",
    "nbf",
    "cascaded_lifting",
    "cpu_inference",
    "cpu_layers",
    "precision",
    "scale",
    "synthetic",
    "open_v2",
    "loaders",
    "keeping_up",
    "metrics",
    "predict",
    "people",
    "crossing",
)


def main() -> None:
    """Run the chosen benchmarks one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*BENCHMARKS, []], help="which ones; all when omitted")
    for name in parser.parse_args().name or BENCHMARKS:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
