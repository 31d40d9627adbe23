"""The papers' result tables as data: one YAML file per paper, read into typed tables.

A file has the fields of `ReportedPaper`; every item of `tables` is a `ReportedTable`: one table of the paper, or the
part of it that follows one protocol. Numbers are as printed, in the unit of each column. A dash
in the paper is a missing value, or `~` among the cells of a breakdown. `reproduce` says how rows are run again
(`zoo reproduce`), with the `trainings` of the paper's file.
"""

from zoo.results.reported.columns import COLUMNS
from zoo.results.reported.differences import Difference, find_differences, read_differences
from zoo.results.reported.reading import read_reported
from zoo.results.reported.recipes import Recipe, Training
from zoo.results.reported.tables import UNSTATED, Breakdown, Exceptions, ReportedPaper, ReportedRow, ReportedTable

__all__ = [
    "COLUMNS",
    "UNSTATED",
    "Breakdown",
    "Difference",
    "Exceptions",
    "Recipe",
    "ReportedPaper",
    "ReportedRow",
    "ReportedTable",
    "Training",
    "find_differences",
    "read_differences",
    "read_reported",
]
