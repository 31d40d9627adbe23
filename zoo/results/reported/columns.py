"""Columns of papers' tables: the metrics of protocols, and other quantities that papers print."""

from __future__ import annotations

from metrics import METRIC_INFO, MetricInfo

COLUMNS: dict[str, MetricInfo] = {
    **METRIC_INFO,
    "parameters": MetricInfo("M", "parameters", higher_is_better=False, decimals=0),
    "gpu_memory": MetricInfo("GB", "GPU memory", higher_is_better=False, decimals=1),
    "run_time": MetricInfo("ms", "run time", higher_is_better=False, decimals=0),
}
"""Unit, title and direction of every column."""
