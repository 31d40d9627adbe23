"""Metrics, evaluation protocols, and the evaluation that binds both to batches and predictions."""

from metrics.distance import MPJPE, PAMPJPE, PVE
from metrics.evaluation import Evaluation, build_metrics
from metrics.protocols import (
    METRIC_INFO,
    METRIC_LABELS,
    METRIC_UNITS,
    PROTOCOLS,
    MetricInfo,
    Protocol,
    get_protocol,
)
from metrics.report import groups, overall
from metrics.segmentation import PartSegmentation
from metrics.threshold import AUC, PCK3D

__all__ = [
    "AUC",
    "METRIC_INFO",
    "METRIC_LABELS",
    "METRIC_UNITS",
    "MPJPE",
    "PAMPJPE",
    "PCK3D",
    "PROTOCOLS",
    "PVE",
    "Evaluation",
    "MetricInfo",
    "PartSegmentation",
    "Protocol",
    "build_metrics",
    "get_protocol",
    "groups",
    "overall",
]
