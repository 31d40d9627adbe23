"""What `benchmarks.gpu_inference` has measured, as tables."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def as_tables(report: dict[str, Any]) -> tuple[Table, Table]:
    """Forward passes beside the published graph of the same batch, and training steps."""
    columns = ("ms", "crops/s", "times published", "MiB", "TFLOP/s", "of the roof", "first call, s")
    table = Table("method", "variant", "batch", *columns, title=f"{report['device']}, torch {report['torch']}")
    units = {
        (case["method"], case["batch"]): case.get("milliseconds")
        for case in report["cases"]
        if case["variant"].startswith("published")
    }
    for case in report["cases"]:
        key = (case["method"], case["variant"], str(case["batch"]))
        if "error" in case:
            table.add_row(*key, case["error"])
            continue
        unit = units.get((case["method"], case["batch"]))
        times = None if unit is None else unit / case["milliseconds"]
        table.add_row(
            *key,
            *(f"{case[name]:.{digits}f}" for name, digits in (("milliseconds", 2), ("crops_per_second", 0))),
            _text(times, "{:.2f}"),
            _text(case["mib"], "{:.0f}"),
            f"{case['tflops']:.2f}",
            f"{case['of_roof']:.0%}",
            f"{case['first_seconds']:.1f}",
        )
    steps = Table("training in bf16", "steps", "batch", "finite", "steps/s", "crops/s", "MiB")
    for case in report["training"]:
        if "error" in case:
            steps.add_row(case["method"], case["error"])
            continue
        rate = case["steps_per_second"]
        numbers = (str(case["steps"]), str(case["batch"]), "yes" if case["finite"] else "NO", f"{rate:.1f}")
        steps.add_row(case["method"], *numbers, f"{rate * case['batch']:.0f}", _text(case["mib"], "{:.0f}"))
    return table, steps


def _text(value: float | None, pattern: str) -> str:
    return "" if value is None else pattern.format(value)
