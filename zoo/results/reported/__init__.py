"""The papers' result tables as data: one YAML file per paper, read into typed tables.

A file has the method, its name in the tables, paper, authors, venue and `tables`, each a `ReportedTable`: one table of
the paper, or the part of it that follows one protocol. Numbers stand as printed, with the unit of each column. A dash
of the paper is a missing value, or `~` among the cells of a breakdown.
"""

from zoo.results.reported.columns import COLUMNS
from zoo.results.reported.differences import Difference, quoted_differently, read_differences
from zoo.results.reported.reading import read_reported
from zoo.results.reported.tables import UNSTATED, Breakdown, Exceptions, ReportedPaper, ReportedRow, ReportedTable

__all__ = [
    "COLUMNS",
    "UNSTATED",
    "Breakdown",
    "Difference",
    "Exceptions",
    "ReportedPaper",
    "ReportedRow",
    "ReportedTable",
    "quoted_differently",
    "read_differences",
    "read_reported",
]
