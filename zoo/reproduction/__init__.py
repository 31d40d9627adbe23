"""Rows of the papers' tables, run again: commands, what they need, reported beside measured."""

from zoo.reproduction.needs import Need, needs_of
from zoo.reproduction.plan import Plan, Stage, plan_row, select_rows

__all__ = ["Need", "Plan", "Stage", "needs_of", "plan_row", "select_rows"]
