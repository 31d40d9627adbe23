"""One paper's tables, and the rules that their data must keep."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from body.choices import unknown_name
from metrics import PROTOCOLS
from zoo.errors import ZooError
from zoo.results.reported.columns import COLUMNS
from zoo.results.reported.recipes import Recipe, Training

UNSTATED = "unstated"
"""Used as protocol when the paper does not state enough to name one."""


@dataclass(frozen=True)
class ReportedRow:
    """One row of a paper's table.

    Attributes:
        method: as the paper names it, with the year where it gives authors.
        own: whether it is the method of the paper or a variant of it.
        settings: distinguish the row from others of the method.
        also: name of the same method in the other papers' tables, where it differs.
        note: remark.
        reproduce: how it is run again; with its table's, see `ReportedTable.recipe_of`.
        values: column -> printed value; none where the paper prints no number, and `note` says what it says instead.
        cells: printed values of the table's breakdown, one per group; None for a dash or an unreadable cell.
    """

    method: str
    own: bool = False
    settings: str = ""
    also: str = ""
    note: str = ""
    reproduce: Recipe | None = None
    values: dict[str, float] = field(default_factory=dict)
    cells: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Breakdown:
    """Groups that a table breaks one of its columns down by.

    Attributes:
        field: what the groups are, such as `action`.
        groups: their names, in the order of the cells.
        metric: the column.
        weights: samples per group, when the table's averages are weighted by them.
        protocols: group -> protocol, for groups that have a separate protocol.
    """

    field: str
    groups: tuple[str, ...]
    metric: str
    weights: tuple[float, ...] = ()
    protocols: dict[str, str] = dataclasses.field(default_factory=dict)  # `field` is an attribute here


@dataclass(frozen=True)
class Exceptions:
    """Rows whose printed average is not the mean of their cells, and why.

    Attributes:
        methods: names of the rows.
        reason: why, if known.
    """

    methods: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class ReportedTable:
    """One table of a paper, or the part of it that follows one protocol.

    Attributes:
        table: its number; `Figure 3` for a figure.
        title: what it shows.
        protocol: id of the protocol, or `unstated`.
        units: column -> unit.
        rows: see `ReportedRow`.
        benchmark: the data set, only when the protocol is unstated.
        reason: why the protocol is unstated.
        settings: common to all rows, beyond the protocol.
        note: remark.
        ablation: whether the table compares variants of the paper's method.
        reproduce: how its own rows are run again, as far as they share it.
        breakdown: meaning of the rows' cells.
        exceptions: rows whose average is not the mean of the cells.
    """

    table: str
    title: str
    protocol: str
    units: dict[str, str]
    rows: tuple[ReportedRow, ...]
    benchmark: str = ""
    reason: str = ""
    settings: str = ""
    note: str = ""
    ablation: bool = False
    reproduce: Recipe | None = None
    breakdown: Breakdown | None = None
    exceptions: tuple[Exceptions, ...] = ()

    @property
    def heading(self) -> str:
        """Its number and title, as `Table 4: Losses`; a figure's number begins with its own word."""
        return f"{self.table if self.table.startswith('Figure') else f'Table {self.table}'}: {self.title}"

    @property
    def data(self) -> str:
        """The data set."""
        return PROTOCOLS[self.protocol].benchmark if self.protocol in PROTOCOLS else self.benchmark

    def settings_of(self, row: ReportedRow) -> str:
        """Settings of the table and of one of its rows."""
        return ", ".join(text for text in (self.settings, row.settings) if text)

    def recipe_of(self, row: ReportedRow) -> Recipe | None:
        """How a row is run again; None for rows of other methods that say nothing of it."""
        if not row.own:
            return row.reproduce
        return (row.reproduce or Recipe()).within(self.reproduce or Recipe())

    def check(self, where: str) -> None:
        """Check the rules that types cannot express.

        Raises:
            ZooError: a rule is broken; the message names the table and the row.
        """
        _check_protocols([self.protocol], where, allowed=(UNSTATED, *PROTOCOLS))
        unstated = self.protocol == UNSTATED
        if bool(self.reason) != unstated or bool(self.benchmark) != unstated:
            raise ZooError(f"{where}: an unstated protocol needs a reason and a benchmark, and no other has them")
        _check_names(self.units, COLUMNS, f"{where}: units")
        for name, unit in self.units.items():
            if unit != COLUMNS[name].unit:
                raise ZooError(f"{where}: the unit of {name} must be {COLUMNS[name].unit!r}, not {unit!r}")
        if not self.rows:
            raise ZooError(f"{where}: there are no rows")
        if self.breakdown:
            _check_breakdown(self.breakdown, self.units, where)
        for row in self.rows:
            self._check_row(row, f"{where}, {row.method}")
        for exception in self.exceptions:
            _check_names(exception.methods, [row.method for row in self.rows], f"{where}: exceptions")

    def _check_row(self, row: ReportedRow, where: str) -> None:
        _check_names(row.values, self.units, f"{where}: values")
        groups = self.breakdown.groups if self.breakdown else ()
        if row.cells and len(row.cells) != len(groups):
            raise ZooError(f"{where}: there are {len(row.cells)} cells for {len(groups)} groups")
        numbers = [number for number in (*row.values.values(), *row.cells) if number is not None]
        if not all(math.isfinite(number) for number in numbers):
            raise ZooError(f"{where}: values or cells must be finite numbers")
        if not numbers and not (row.own and row.note):
            raise ZooError(f"{where}: values or cells must be given; an own row without numbers needs a note")


@dataclass(frozen=True)
class ReportedPaper:
    """One paper.

    Attributes:
        method: the method of the zoo whose paper this is.
        name: of the method, in the tables.
        paper: title.
        authors: in the paper's order.
        venue: where it appeared.
        quoted: why rows of other methods are not run.
        tolerance: relative; a training that was repeated from its description may differ this much.
        trainings: the paper's, by name.
        tables: see `ReportedTable`.
    """

    method: str
    name: str
    paper: str
    authors: str
    venue: str
    quoted: str
    tolerance: float
    trainings: dict[str, Training]
    tables: tuple[ReportedTable, ...]

    def check(self, where: str) -> None:
        """Check that every own row says how it is run again, or why it cannot be, with trainings that there are.

        Raises:
            ZooError: the message names the table and the row.
        """
        for name, training in self.trainings.items():
            small = training.open.starts if training.open else {}
            _check_names((*training.starts.values(), *small.values()), self.trainings, f"{where}: {name}: starts")
        for table in self.tables:
            for row in table.rows:
                recipe, place = table.recipe_of(row), f"{where}, table {table.table}, {row.method}, {row.settings}"
                if recipe is None or recipe.reason or recipe.command:
                    continue
                named = (recipe.training,) if recipe.training else recipe.trainings
                if not named:
                    raise ZooError(f"{place}: says neither how it is reproduced nor why it cannot be")
                _check_names((*named, *recipe.test_starts.values()), self.trainings, f"{place}: trainings")
                if recipe.protocol:
                    _check_protocols([recipe.protocol], place, allowed=tuple(PROTOCOLS))


def _check_breakdown(breakdown: Breakdown, units: dict[str, str], where: str) -> None:
    _check_names([breakdown.metric], units, f"{where}: breakdown metric")
    _check_names(breakdown.protocols, breakdown.groups, f"{where}: breakdown protocols")
    _check_protocols(breakdown.protocols.values(), where, allowed=tuple(PROTOCOLS))
    if breakdown.weights and len(breakdown.weights) != len(breakdown.groups):
        raise ZooError(f"{where}: breakdown weights must be one per group")


def _check_protocols(names: Iterable[str], where: str, allowed: tuple[str, ...]) -> None:
    for name in names:
        if name not in allowed:
            raise ZooError(f"{where}: {unknown_name('protocol', name, allowed)}")


def _check_names(names: Iterable[str], allowed: Iterable[str], where: str) -> None:
    unknown = [name for name in names if name not in set(allowed)]
    if unknown:
        raise ZooError(f"{where} must be of {', '.join(allowed)}, not {', '.join(unknown)}")
