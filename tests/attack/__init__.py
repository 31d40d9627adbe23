"""Attacks on everything that reads files of others: `make attack`. Inputs are made here, from a seed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # as pytest does, for what the tests share
