"""Metrics, evaluation protocols, and the tasks that bind both to predictions and batches."""

from metrics.build import build_task
from metrics.densepose import DensePosePoints, SurfaceMaps
from metrics.distance import MPJPE, MRPE, PAMPJPE, PAPVE, PVE, PVEP, PVES, MedianMPJPE, MedianPAMPJPE
from metrics.hand import FreiHand
from metrics.info import MetricInfo
from metrics.keypoints import KeypointAP
from metrics.median import Median
from metrics.people import AnnotatedPeople, MuPoTS, People
from metrics.pose import PoseMetrics
from metrics.pose2d import PCK, BoxError, PCKh, WithinBox
from metrics.protocol import Protocol
from metrics.protocols import METRIC_INFO, METRIC_UNITS, PROTOCOLS, get_protocol
from metrics.report import groups, overall
from metrics.rotation import QuaternionError
from metrics.segmentation import PartSegmentation
from metrics.tasks import SplitLabels, Task
from metrics.threshold import AUC, PCK3D
from metrics.top_down import TopDownMuPoTS

__all__ = [
    "AUC",
    "METRIC_INFO",
    "METRIC_UNITS",
    "MPJPE",
    "MRPE",
    "PAMPJPE",
    "PAPVE",
    "PCK",
    "PCK3D",
    "PROTOCOLS",
    "PVE",
    "PVEP",
    "PVES",
    "AnnotatedPeople",
    "BoxError",
    "DensePosePoints",
    "FreiHand",
    "KeypointAP",
    "Median",
    "MedianMPJPE",
    "MedianPAMPJPE",
    "MetricInfo",
    "MuPoTS",
    "PCKh",
    "PartSegmentation",
    "People",
    "PoseMetrics",
    "Protocol",
    "QuaternionError",
    "SplitLabels",
    "SurfaceMaps",
    "Task",
    "TopDownMuPoTS",
    "WithinBox",
    "build_task",
    "get_protocol",
    "groups",
    "overall",
]
