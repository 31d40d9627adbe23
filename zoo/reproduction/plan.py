"""From a row of a paper's table to the commands that run it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from body.choices import unknown_name
from zoo.documents.configs import flatten, read_config
from zoo.documents.resources import find_config
from zoo.errors import ZooError
from zoo.results.reported import UNSTATED, Recipe, ReportedPaper, ReportedRow, ReportedTable

OUTPUTS = Path("outputs/reproduce")
OPEN_PROTOCOL = "open-v1"


@dataclass(frozen=True)
class Stage:
    """One command.

    Attributes:
        arguments: after `zoo`, `fit` or `test` first; or another command that stores a result.
        config: bundled configuration; empty for another command.
        folder: of a training, or of the result of a test.
        options: that differ from the configuration, by name on the command line.
        needs: what the configuration does not show.
    """

    arguments: tuple[str, ...]
    config: str
    folder: Path
    options: dict[str, Any]
    needs: tuple[str, ...] = ()

    @property
    def checkpoint(self) -> Path:
        """What a training leaves."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def finished(self) -> Path:
        """Written once the command has ended well."""
        return self.folder / "finished"


@dataclass(frozen=True)
class Plan:
    """How one row, or one cell of it, is run.

    Attributes:
        row: of the paper.
        group: of the table's breakdown, where each is a training of its own.
        stages: trainings in their order, then one test; empty where `reason` says why.
        protocol: that the test measures.
        tolerance: relative.
        note: what is known to differ.
        reason: why there are no stages.
    """

    row: ReportedRow
    group: str
    stages: tuple[Stage, ...]
    protocol: str
    tolerance: float
    note: str = ""
    reason: str = ""

    @property
    def label(self) -> str:
        """The row as its table names it."""
        return ", ".join(text for text in (self.row.method, self.row.settings, self.group) if text)


@dataclass(frozen=True)
class Mode:
    """Which version of a row is run.

    Attributes:
        kind: the paper's `training`, the `official` weights, or small on the `open` benchmark.
        seed: of a training; the configuration's when omitted.
    """

    kind: str = "training"
    seed: int | None = None


def select_rows(
    paper: ReportedPaper, table: str | None, row: str | None
) -> list[tuple[ReportedTable, list[ReportedRow]]]:
    """Tables of a paper, or the parts of one, with the rows whose method or settings contain a text.

    Raises:
        ZooError: no such table, or no such row in it.
    """
    numbers = list(dict.fromkeys(part.table for part in paper.tables))
    if table is not None and table not in numbers:
        raise ZooError(f"{paper.name} has {unknown_name('table', table, numbers)}")
    chosen = []
    for part in paper.tables:
        rows = [one for one in part.rows if row is None or row.lower() in f"{one.method}, {one.settings}".lower()]
        if table in (None, part.table) and rows:
            chosen.append((part, rows))
    if not chosen:
        known = [one.method for part in paper.tables if table in (None, part.table) for one in part.rows]
        where = f"{paper.name}, table {table or 'of any number'}"
        raise ZooError(f"no row of {where} contains {row!r}; {unknown_name('row', row or '', dict.fromkeys(known))}")
    return chosen


def plan_row(paper: ReportedPaper, table: ReportedTable, row: ReportedRow, mode: Mode) -> list[Plan]:
    """How a row is run: one plan, or one for each group where its cells are of several trainings."""
    recipe = table.recipe_of(row)
    reason = _reason_against(paper, recipe, mode)
    if recipe is None or reason:
        return [Plan(row, "", (), "", paper.tolerance, reason=reason)]
    protocol = OPEN_PROTOCOL if mode.kind == "open" else _protocol_of(table, recipe)
    tolerance = 0.01 if mode.kind == "official" else recipe.tolerance or paper.tolerance
    if recipe.command:
        stage = _measurement(paper, recipe, protocol)
        return [Plan(row, "", (stage,), protocol, tolerance, recipe.note)]
    if mode.kind == "official":
        return [Plan(row, "", (_official_test(paper, recipe, protocol),), protocol, tolerance, recipe.note)]
    groups = table.breakdown.groups if recipe.trainings and table.breakdown else ("",)
    plans = []
    for group, name in zip(groups, recipe.trainings or (recipe.training,), strict=True):
        if mode.kind == "open" and paper.trainings[name].open is None:
            plans.append(Plan(row, group, (), "", tolerance, reason="this training has no small version"))
        else:
            stages = tuple(_Builder(paper, mode).stages(name, recipe, protocol))
            plans.append(Plan(row, group, stages, protocol, tolerance, recipe.note))
    return plans


def _reason_against(paper: ReportedPaper, recipe: Recipe | None, mode: Mode) -> str:
    if recipe is None:
        return paper.quoted
    if recipe.reason:
        return recipe.reason
    if recipe.command:
        return "" if mode.kind == "training" else "measured on licensed data, without a network"
    if mode.kind == "official":
        return "" if recipe.weights else "the authors have published no weights of this row"
    return recipe.open_reason if mode.kind == "open" else ""


def _protocol_of(table: ReportedTable, recipe: Recipe) -> str:
    return recipe.protocol or ("" if table.protocol == UNSTATED else table.protocol)


class _Builder:
    """Commands of one row; what it starts from is trained once, whichever row asks."""

    def __init__(self, paper: ReportedPaper, mode: Mode) -> None:
        self.paper, self.mode = paper, mode
        self.made: dict[Path, Stage] = {}

    def stages(self, name: str, recipe: Recipe, protocol: str) -> list[Stage]:
        """The trainings of a row, and its test."""
        small = self.mode.kind == "open"
        last = self.train(name, recipe.open if small and recipe.open is not None else recipe.options)
        starts = {f"model.{key}": str(self.train(other, {}).checkpoint) for key, other in recipe.test_starts.items()}
        config = last.config if small else recipe.test_config or last.config
        kept = {key: value for key, value in last.options.items() if config == last.config or "data." not in key}
        tested = {**kept, **(recipe.open_test if small else recipe.test), **starts}
        folder = last.folder / f"test-{_digest([config, tested, protocol])}"
        test = _test(config, tested, protocol, folder, ("--ckpt_path", str(last.checkpoint)))
        return [*self.made.values(), test]

    def train(self, name: str, options: Mapping[str, Any]) -> Stage:
        """A training with all that it starts from; in order in `made`."""
        training = self.paper.trainings[name]
        version = training.open if self.mode.kind == "open" and training.open else training
        passed = options if training.pass_on else {}
        before = {key: self.train(other, passed) for key, other in version.starts.items()}
        chosen = {**version.options, **options, **{f"model.{k}": str(s.checkpoint) for k, s in before.items()}}
        chosen |= {} if self.mode.seed is None else {"seed_everything": self.mode.seed}
        folder = (
            OUTPUTS
            / self.paper.method
            / f"{version.config.partition('/')[2]}-{_digest([_settings(version.config), chosen])}"
        )
        stage = _fit(version.config, chosen, folder, training.needs)
        self.made.setdefault(folder, stage)
        return self.made[folder]


@cache
def _settings(config: str) -> dict[str, Any]:
    """What a configuration says: a run of an older one is another run."""
    return flatten(read_config(find_config(config)))


def _fit(config: str, options: dict[str, Any], folder: Path, needs: tuple[str, ...]) -> Stage:
    root = ("--trainer.default_root_dir", str(folder))
    return Stage(("fit", "--config", config, *_words(options), *root), config, folder, options, needs)


def _test(config: str, options: dict[str, Any], protocol: str, folder: Path, weights: tuple[str, str]) -> Stage:
    stated = _stated_protocol(config)
    shown = dict(options) if protocol in ("", stated) else {**options, "model.protocol": protocol}
    shown.pop("seed_everything", None)
    arguments = ("test", "--config", config, *_words(shown), *weights, "--results", str(folder))
    return Stage(arguments, config, folder, shown)


@cache
def _stated_protocol(config: str) -> object:
    return read_config(find_config(config))["model"]["init_args"].get("protocol")


def _official_test(paper: ReportedPaper, recipe: Recipe, protocol: str) -> Stage:
    from zoo.checkpoints.listing import get_checkpoint

    entry = get_checkpoint(recipe.weights)
    name = recipe.training or recipe.trainings[0]
    config = recipe.test_config or paper.trainings[name].config
    options = {**recipe.test, **recipe.weights_options}
    folder = OUTPUTS / paper.method / f"official-{entry.name.partition('.')[2]}-{_digest([config, options, protocol])}"
    return _test(config, options, protocol, folder, ("--weights", entry.name))


def _measurement(paper: ReportedPaper, recipe: Recipe, protocol: str) -> Stage:
    words = (*recipe.command, "--protocol", protocol)
    folder = OUTPUTS / paper.method / f"{'-'.join(recipe.command[:3])}-{_digest(words)}"
    return Stage((*words, "--results", str(folder)), "", folder, {})


def _words(options: Mapping[str, Any]) -> Iterable[str]:
    for name, value in options.items():
        yield f"--{name}"
        yield value if isinstance(value, str) else json.dumps(value)


def _digest(content: object) -> str:
    """Six letters that tell runs of one configuration apart."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:6]
