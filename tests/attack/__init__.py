"""Attacks on everything that reads files of others: `make attack`. Inputs are made here, from a seed."""
