"""Metrics as pure functions: metres in, millimetres or percent out, float64 inside."""

from metrics.functional.alignment import Alignment, align, procrustes, procrustes_errors
from metrics.functional.distance import masked_mean, mpjpe, pa_mpjpe, point_errors, pve
from metrics.functional.rotation import best_rotation
from metrics.functional.segmentation import confusion_matrix, iou, miou
from metrics.functional.threshold import AUC_THRESHOLDS, PCK_THRESHOLD, auc, pck3d, pck_hits

__all__ = [
    "AUC_THRESHOLDS",
    "PCK_THRESHOLD",
    "Alignment",
    "align",
    "auc",
    "best_rotation",
    "confusion_matrix",
    "iou",
    "masked_mean",
    "miou",
    "mpjpe",
    "pa_mpjpe",
    "pck3d",
    "pck_hits",
    "point_errors",
    "procrustes",
    "procrustes_errors",
    "pve",
]
