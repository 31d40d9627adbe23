"""FreiHAND's evaluation of hand joints and meshes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from metrics.distance import MPJPE, PAMPJPE, PAPVE, PVE
from metrics.functional.alignment import align
from metrics.functional.checks import check_finite
from metrics.functional.distance import point_errors
from metrics.functional.hand import curve_area, f_score
from metrics.info import MetricInfo, fraction
from metrics.rows import IndexedMetric, as_float64

_JOINTS = {
    "mpjpe": MPJPE.info,
    "kp_auc": fraction("joint AUC"),
    "pa_mpjpe": PAMPJPE.info,
    "pa_kp_auc": fraction("PA joint AUC"),
}
_MESH = {
    "pve": PVE.info,
    "mesh_auc": fraction("mesh AUC"),
    "pa_pve": PAPVE.info,
    "pa_mesh_auc": fraction("PA mesh AUC"),
    "f5": fraction("F@5"),
    "f15": fraction("F@15"),
    "pa_f5": fraction("PA-F@5"),
    "pa_f15": fraction("PA-F@15"),
}


class FreiHand(IndexedMetric):
    """Every number of FreiHAND's evaluation.

    Convention:
        Unit: metres in; `mpjpe`, `pve`, `pa_mpjpe`, `pa_pve` in millimetres (the release prints centimetres), areas
        under the curve and F-scores in [0, 1]. Alignment: none for the plain numbers, not even of the root; for those
        named `pa_` a similarity in which **a reflection is allowed**, so a mirrored hand scores 0. The mesh is
        aligned by its own vertices. Joint set: all 21, all 778 vertices. Inequality: error <= threshold for the areas,
        error < threshold for F. Averaging: over points, then over samples, each sample (by its index) counted once.
    """

    reports: ClassVar[Mapping[str, MetricInfo]] = {**_JOINTS, **_MESH}

    def __init__(self) -> None:
        super().__init__(columns=len(_JOINTS) + len(_MESH) + 1)

    def update(
        self,
        joints: Float[Tensor, "batch joints 3"],
        true_joints: Float[Tensor, "batch joints 3"],
        index: Int[Tensor, " batch"],
        vertices: Float[Tensor, "batch vertices 3"] | None = None,
        true_vertices: Float[Tensor, "batch vertices 3"] | None = None,
    ) -> None:
        """Add a batch.

        Args:
            joints: predicted joints, camera frame, metres.
            true_joints: true joints.
            index: position of each sample in the split.
            vertices: predicted mesh, where the method has one.
            true_vertices: true mesh.

        Raises:
            ValueError: only one of the two meshes is given, shapes differ, or a point is NaN or infinite.
        """
        if (vertices is None) != (true_vertices is None):
            raise ValueError("give both meshes or neither")
        sides = {"joints": joints, "true_joints": true_joints, "vertices": vertices, "true_vertices": true_vertices}
        for name, points in sides.items():
            if points is not None:
                check_finite(points, None, name, index)
        ours, true = as_float64(joints), as_float64(true_joints)
        rows = [_scores(ours, align(ours, true, reflection=True), true)]
        if vertices is None or true_vertices is None:
            rows.append(rows[0].new_zeros(len(joints), len(_MESH) + 1))
        else:
            ours, true = as_float64(vertices), as_float64(true_vertices)
            aligned = align(ours, true, reflection=True)
            f_scores = f_score(ours, true), f_score(aligned, true)
            rows += [_scores(ours, aligned, true), *f_scores, rows[0].new_ones(len(joints), 1)]
        self.add(index, torch.cat(rows, -1))

    def compute(self) -> dict[str, float]:
        """All numbers and `n` (samples); those of the mesh where every sample had one."""
        index, rows = self.samples()
        if len(index) == 0:
            return {"n": 0.0}
        names = self.reports if rows[:, -1].all() else _JOINTS
        means = (rows.sum(0) / len(rows)).tolist()
        return {**dict(zip(names, means, strict=False)), "n": float(len(index))}


def _scores(
    prediction: Float64[Tensor, "batch points 3"],
    aligned: Float64[Tensor, "batch points 3"],
    target: Float64[Tensor, "batch points 3"],
) -> Float64[Tensor, "batch 4"]:
    """Mean error and area under the curve, before and after alignment."""
    columns = []
    for points in (prediction, aligned):
        errors = point_errors(points, target)
        columns += [errors.mean(1), curve_area(errors)]
    return torch.stack(columns, -1)
