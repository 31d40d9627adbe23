"""Metrics, evaluation protocols, and the evaluation that binds both to batches and predictions."""

from metrics.build import build_metrics
from metrics.distance import MPJPE, MRPE, PAMPJPE, PAPVE, PVE, PVEP, PVES
from metrics.evaluation import Evaluation
from metrics.hand import FreiHand
from metrics.keypoints import KeypointAP
from metrics.people import MuPoTS, People
from metrics.people_rows import AnnotatedPeople, PeopleRows
from metrics.pose2d import PCKh
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
from metrics.rotation import QuaternionError
from metrics.rows import Median
from metrics.segmentation import PartSegmentation
from metrics.surface import DensePosePoints, SurfaceMaps
from metrics.threshold import AUC, PCK3D

__all__ = [
    "AUC",
    "METRIC_INFO",
    "METRIC_LABELS",
    "METRIC_UNITS",
    "MPJPE",
    "MRPE",
    "PAMPJPE",
    "PAPVE",
    "PCK3D",
    "PROTOCOLS",
    "PVE",
    "PVEP",
    "PVES",
    "AnnotatedPeople",
    "DensePosePoints",
    "Evaluation",
    "FreiHand",
    "KeypointAP",
    "Median",
    "MetricInfo",
    "MuPoTS",
    "PCKh",
    "PartSegmentation",
    "People",
    "PeopleRows",
    "Protocol",
    "QuaternionError",
    "SurfaceMaps",
    "build_metrics",
    "get_protocol",
    "groups",
    "overall",
]
