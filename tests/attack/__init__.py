"""Attacks on everything that reads files of others: `make attack`. Inputs are made here, from a seed."""

import sys
from pathlib import Path

for shared in ("", "datamodules"):  # as pytest does, for what the tests share
    sys.path.append(str(Path(__file__).parents[1] / shared))
