"""Evaluation tasks: what a protocol's metric compares, taken from predictions and batches."""

from metrics.tasks.densepose_points import DensePosePointsTask
from metrics.tasks.hand import HandTask
from metrics.tasks.iuv_maps import IuvMapsTask
from metrics.tasks.keypoints import KeypointsTask
from metrics.tasks.mesh import MeshTask
from metrics.tasks.parts import PartsTask
from metrics.tasks.people import PeopleTask
from metrics.tasks.pose import PoseTask
from metrics.tasks.prediction import Predicted
from metrics.tasks.task import SplitLabels, Task

__all__ = [
    "DensePosePointsTask",
    "HandTask",
    "IuvMapsTask",
    "KeypointsTask",
    "MeshTask",
    "PartsTask",
    "PeopleTask",
    "PoseTask",
    "Predicted",
    "SplitLabels",
    "Task",
]
