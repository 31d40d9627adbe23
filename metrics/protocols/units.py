"""What every number is: unit, how tables write it, and which direction is better."""

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


def _error(label: str) -> MetricInfo:
    return MetricInfo("mm", label, higher_is_better=False, decimals=1)


def _percent(label: str) -> MetricInfo:
    return MetricInfo("%", label, higher_is_better=True, decimals=1)


def _fraction(label: str) -> MetricInfo:
    return MetricInfo("", label, higher_is_better=True, decimals=3)


METRIC_INFO: dict[str, MetricInfo] = {
    "mpjpe": _error("MPJPE"),
    "mpjpe_median": _error("median MPJPE"),
    "pa_mpjpe": _error("PA-MPJPE"),
    "pa_mpjpe_median": _error("median PA-MPJPE"),
    "pve": _error("PVE"),
    "pa_pve": _error("PA-PVE"),
    "pve_s": _error("PVE-S"),
    "pve_p": _error("PVE-P"),
    "mrpe": _error("MRPE"),
    "quaternion_error": MetricInfo("rad", "rotation error", higher_is_better=False, decimals=3),
    "pck3d": _percent("3DPCK"),
    "pck3d_abs": _percent("3DPCK abs"),
    "auc": _percent("AUC"),
    "pckh": _percent("PCKh"),
    "ap_root25": _percent("AP root 25"),
    "miou": _percent("mIoU"),
    "fb_accuracy": MetricInfo("%", "FB accuracy", higher_is_better=True, decimals=2),
    "fb_f1": _fraction("FB F1"),
    "part_accuracy": MetricInfo("%", "part accuracy", higher_is_better=True, decimals=2),
    "part_f1": _fraction("part F1"),
    "f5": _fraction("F@5"),
    "f15": _fraction("F@15"),
    "pa_f5": _fraction("PA-F@5"),
    "pa_f15": _fraction("PA-F@15"),
    "kp_auc": _fraction("joint AUC"),
    "pa_kp_auc": _fraction("PA joint AUC"),
    "mesh_auc": _fraction("mesh AUC"),
    "pa_mesh_auc": _fraction("PA mesh AUC"),
    "ap": _percent("AP"),
    "ap50": _percent("AP50"),
    "ap75": _percent("AP75"),
    "ap_m": _percent("AP M"),
    "ap_l": _percent("AP L"),
    "auc10": _percent("AUC10"),
    "auc30": _percent("AUC30"),
    "gps_ap": _percent("GPS AP"),
}
"""Every metric a protocol or a table may name."""

METRIC_UNITS: dict[str, str] = {name: info.unit for name, info in METRIC_INFO.items()}
"""Unit of every metric."""

METRIC_LABELS: dict[str, str] = {name: info.label for name, info in METRIC_INFO.items()}
"""How the metrics are written in tables."""
