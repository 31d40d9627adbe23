"""Every sample metric: how it is made, and the function that it accumulates."""

import numpy as np
import torch

from metrics import (
    AUC,
    MPJPE,
    MRPE,
    PAMPJPE,
    PAPVE,
    PCK,
    PCK3D,
    PVE,
    PVEP,
    PVES,
    BoxError,
    Median,
    MedianMPJPE,
    MedianPAMPJPE,
    PCKh,
    WithinBox,
)
from metrics import QuaternionError as Quaternion
from metrics import functional as F


def joints(seed, count=23):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 14, 3, generator=generator, dtype=torch.float64) * 0.1


class Flat:
    """A metric of 2D points that takes the first two coordinates, so that all metrics take the same samples."""

    dims = 3

    def terms(self, prediction, target, valid=None):
        return super().terms(prediction[..., :2], target[..., :2], valid)


class FlatPCKh(Flat, PCKh): ...


class FlatPCK(Flat, PCK): ...


class FlatWithinBox(Flat, WithinBox): ...


class FlatBoxError(Flat, BoxError): ...


def in_lengths(prediction, target, length):
    """Distances in the plane over a length of each sample."""
    prediction, target = prediction[..., :2], target[..., :2]
    return (prediction - target).norm(dim=-1) / length(target)[:, None]


def torso(points):
    return (points[:, [0, 1]].mean(1) - points[:, [2, 3]].mean(1)).norm(dim=-1)


def box(points):
    return (points.amax(1) - points.amin(1)).amax(-1)


CASES = {
    "mpjpe": (lambda: MPJPE(root=0), lambda p, t: F.mpjpe(p, t, root=0).mean()),
    "mpjpe_median": (lambda: Median(MPJPE(root=0)), lambda p, t: np.median(F.mpjpe(p, t, root=0))),
    "pa_mpjpe": (PAMPJPE, lambda p, t: F.pa_mpjpe(p, t).mean()),
    "pa_mpjpe_median": (lambda: Median(PAMPJPE()), lambda p, t: np.median(F.pa_mpjpe(p, t))),
    "pa_mpjpe_rigid": (lambda: PAMPJPE(scaling=False), lambda p, t: F.pa_mpjpe(p, t, scaling=False).mean()),
    "pve": (PVE, lambda p, t: F.pve(p, t).mean()),
    "pve_s": (PVES, lambda p, t: F.pve(p, t).mean()),
    "pve_p": (PVEP, lambda p, t: F.pve(p, t).mean()),
    "pa_pve": (PAPVE, lambda p, t: F.pa_mpjpe(p, t).mean()),
    "mrpe": (MRPE, lambda p, t: F.point_errors(p, t).mean()),
    "quaternion_error": (Quaternion, lambda p, t: F.quaternion_error(p, t).mean()),
    "pck3d": (PCK3D, F.pck3d),
    "auc": (AUC, F.auc),
    "pckh": (lambda: FlatPCKh(top=0, neck=1), lambda p, t: F.pckh(p[..., :2], t[..., :2], None, 0, 1)),
}
CASES |= {
    "pck3d_50": (lambda: PCK3D(50.0), lambda p, t: F.pck3d(p, t, threshold=50.0)),
    "pckh_7": (
        lambda: FlatPCKh(top=0, neck=1, threshold=0.7),
        lambda p, t: F.pckh(p[..., :2], t[..., :2], None, 0, 1, 0.7),
    ),
    "mpjpe_absolute": (MPJPE, lambda p, t: F.mpjpe(p, t).mean()),
    "mpjpe_root_3": (lambda: MPJPE(root=3), lambda p, t: F.mpjpe(p, t, root=3).mean()),
    "pck": (
        lambda: FlatPCK(shoulders=(0, 1), hips=(2, 3)),
        lambda p, t: 100 * (in_lengths(p, t, torso) <= 0.2).double().mean(),
    ),
    "within_box": (FlatWithinBox, lambda p, t: 100 * (in_lengths(p, t, box) <= 0.1).double().mean()),
    "box_error": (FlatBoxError, lambda p, t: 100 * in_lengths(p, t, box).mean()),
    "auc_coarse": (lambda: AUC((50.0, 100.0)), lambda p, t: F.auc(p, t, thresholds=(50.0, 100.0))),
    "mpjpe_median_absolute": (MedianMPJPE, lambda p, t: np.median(F.mpjpe(p, t))),
    "pa_mpjpe_median_rigid": (
        lambda: MedianPAMPJPE(scaling=False),
        lambda p, t: np.median(F.pa_mpjpe(p, t, scaling=False)),
    ),
}
