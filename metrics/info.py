"""What a number is: unit, how tables write it, and which direction is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricInfo:
    """How one metric is read and written.

    Attributes:
        unit: `mm`, `%`, `rad`, or empty for a fraction from 0 to 1.
        label: name in tables.
        higher_is_better: which direction is better.
        decimals: digits after the point, as the literature prints it.
    """

    unit: str
    label: str
    higher_is_better: bool
    decimals: int

    @property
    def title(self) -> str:
        """Column title, e.g. `MPJPE mm`."""
        return f"{self.label} {self.unit}".strip()

    def format(self, value: float) -> str:
        """A value as tables print it, without the unit."""
        return f"{value:.{self.decimals}f}"


def millimetres(label: str) -> MetricInfo:
    """An error in millimetres."""
    return MetricInfo("mm", label, higher_is_better=False, decimals=1)


def percent(label: str, decimals: int = 1) -> MetricInfo:
    """A score in percent."""
    return MetricInfo("%", label, higher_is_better=True, decimals=decimals)


def fraction(label: str) -> MetricInfo:
    """A score from 0 to 1."""
    return MetricInfo("", label, higher_is_better=True, decimals=3)
