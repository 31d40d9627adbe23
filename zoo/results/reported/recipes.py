"""How a row of a paper's table is run again: trainings that start from each other, and what is tested."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class SmallTraining:
    """The same training at small size on the open benchmark.

    Attributes:
        config: bundled configuration.
        options: of the command line, as in `Training`; they replace the other's.
        starts: setting of the model -> training whose last checkpoint it takes, as in `Training`.
    """

    config: str
    options: dict[str, Any] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """One `zoo fit`.

    Attributes:
        config: bundled configuration.
        options: of the command line without their dashes, such as `model.losses.supervision: none`.
        starts: setting of the model, such as `start_from`, -> training whose last checkpoint it takes.
        pass_on: options of a row hold for the trainings that it starts from as well.
        needs: what the configuration does not show, such as files beside a benchmark's.
        open: at small size; None where there is no such thing.
    """

    config: str
    options: dict[str, Any] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    pass_on: bool = False
    needs: tuple[str, ...] = ()
    open: SmallTraining | None = None


@dataclass(frozen=True)
class Recipe:
    """How a row, or the own rows of a table, are run again. A row's entries go before its table's.

    Attributes:
        command: words after `zoo` that measure what is no network's, such as `data fits`; then nothing is trained.
        training: name among the paper's `trainings`.
        trainings: one for each group of the table's breakdown, where its cells are of several trainings.
        options: of the row, for training and test.
        test_config: configuration of the test; the training's when omitted.
        test: further options of the test.
        test_starts: setting of the model -> training whose checkpoint it takes in the test.
        protocol: measured with this one, where the paper does not say enough to name its own.
        weights: of the authors, an entry of `checkpoints.yaml`, for `--official`; a row with a training or options of
            its own does not take its table's.
        weights_options: of the test of these weights, in place of the row's.
        open: options at small size in place of the row's; where they are the same they are left out.
        open_test: further options of the test at small size.
        open_reason: why there is no small version.
        tolerance: relative, of the trained numbers; the paper's when omitted.
        note: what is known to differ.
        reason: why the row cannot be run; then nothing else is said.
    """

    command: tuple[str, ...] = ()
    training: str = ""
    trainings: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    test_config: str = ""
    test: dict[str, Any] = field(default_factory=dict)
    test_starts: dict[str, str] = field(default_factory=dict)
    protocol: str = ""
    weights: str = ""
    weights_options: dict[str, Any] = field(default_factory=dict)
    open: dict[str, Any] | None = None
    open_test: dict[str, Any] = field(default_factory=dict)
    open_reason: str = ""
    tolerance: float | None = None
    note: str = ""
    reason: str = ""

    def within(self, table: Recipe) -> Recipe:
        """The recipe of a row of a table, whose own one fills in what the row leaves out."""
        if self.reason:
            return self
        filled = {name: value for name, value in vars(self).items() if value not in ("", (), {}, None)}
        filled["options"] = {**table.options, **self.options}
        if self.options or self.training or self.trainings:  # another network than that of the table's weights
            filled.setdefault("weights", "")
        return replace(table, **filled)
