"""Metrics as pure functions: metres in, millimetres or percent out, float64 inside."""

from metrics.functional.alignment import Alignment, align, procrustes, procrustes_errors
from metrics.functional.distance import masked_mean, median, mpjpe, pa_mpjpe, point_errors, pve
from metrics.functional.hand import curve_area, f_score
from metrics.functional.keypoints import keypoint_ap
from metrics.functional.people import match_people, match_roots, rescale_bones
from metrics.functional.pose2d import pckh, pckh_hits
from metrics.functional.quaternion import quaternion_error
from metrics.functional.ranking import coco_precision, precision_recall, step_precision
from metrics.functional.rotation import best_orthogonal, best_rotation
from metrics.functional.segmentation import accuracy, confusion_matrix, f1, ignored_as_background, iou, miou
from metrics.functional.surface import geodesic_errors, gps, surface_areas
from metrics.functional.threshold import AUC_THRESHOLDS, PCK_THRESHOLD, auc, pck3d, pck_hits

__all__ = [
    "AUC_THRESHOLDS",
    "PCK_THRESHOLD",
    "Alignment",
    "accuracy",
    "align",
    "auc",
    "best_orthogonal",
    "best_rotation",
    "coco_precision",
    "confusion_matrix",
    "curve_area",
    "f1",
    "f_score",
    "geodesic_errors",
    "gps",
    "ignored_as_background",
    "iou",
    "keypoint_ap",
    "masked_mean",
    "match_people",
    "match_roots",
    "median",
    "miou",
    "mpjpe",
    "pa_mpjpe",
    "pck3d",
    "pck_hits",
    "pckh",
    "pckh_hits",
    "point_errors",
    "precision_recall",
    "procrustes",
    "procrustes_errors",
    "pve",
    "quaternion_error",
    "rescale_bones",
    "step_precision",
    "surface_areas",
]
