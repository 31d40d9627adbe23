"""Evaluation of predictions against batches under a protocol, exact in any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, runtime_checkable
from typing import Protocol as Structure

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from body.skeleton import Skeleton, convert, get_skeleton
from metrics.base import ExactMetric, SumMetric
from metrics.distance import MPJPE, PAMPJPE, PVE
from metrics.protocols import Protocol, get_protocol
from metrics.report import decode, encode, group_key
from metrics.threshold import AUC, PCK3D

METRICS: dict[str, Callable[[Protocol], SumMetric]] = {
    "mpjpe": lambda _: MPJPE(),
    "pa_mpjpe": lambda protocol: PAMPJPE(scaling=protocol.alignment == "similarity"),
    "pve": lambda _: PVE(),
    "pck3d": lambda _: PCK3D(),
    "auc": lambda _: AUC(),
}
"""How each metric of a protocol is made; what they are fed is root-relative already."""


@runtime_checkable
class Predicted(Structure):
    """What an evaluation reads from a prediction: `lightning_modules.prediction.Prediction` has it."""

    @property
    def joints(self) -> Float[Tensor, "batch joints 3"]:
        """Camera frame, metres."""

    @property
    def skeleton(self) -> Skeleton:
        """Joint set of `joints`."""

    @property
    def vertices(self) -> Float[Tensor, "batch vertices 3"] | None:
        """Camera frame, metres, or None."""


class Evaluation(ExactMetric):
    """Metrics of one protocol over a split.

    Keeps the metrics' terms of every sample with the sample's unique `index`, gathers them from all processes, and
    adds up each index once, in order. So padding by a distributed sampler, the batch size and the number of processes
    do not change the result.

    Args:
        protocol: what is evaluated.
        regressors: joint-set name -> (joints, vertices) weights, for those that the protocol names.
        target_skeleton: skeleton of `batch["joints"]`; the protocol's when omitted. Not needed when the protocol
            regresses the true joints from the mesh.

    Raises:
        ValueError: a regressor that the protocol names is missing.
    """

    index: list[Tensor]
    terms: list[Tensor]

    def __init__(
        self,
        protocol: Protocol,
        regressors: Mapping[str, Float[Tensor, "joints vertices"]] | None = None,
        target_skeleton: Skeleton | None = None,
    ) -> None:
        super().__init__()
        self.protocol = protocol
        self.skeleton = get_skeleton(protocol.skeleton)
        self.target_skeleton = target_skeleton or self.skeleton
        self.scored = [self.skeleton.index(joint) for joint in protocol.joints]
        self.root = self.skeleton.index(protocol.root)
        self.parts = {name: METRICS[name](protocol) for name in protocol.metrics}
        self.regressors = {name: weights.detach().double().cpu() for name, weights in (regressors or {}).items()}
        for name in _regressors_of(protocol) - set(self.regressors):
            raise ValueError(f"protocol {protocol.id!r} needs the joint regressor {name!r}: use build_metrics")
        self.add_state("index", [], dist_reduce_fx="cat")
        self.add_state("terms", [], dist_reduce_fx="cat")
        for field in protocol.breakdown:
            self.add_state(f"group_{field}", [], dist_reduce_fx="cat")

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """Add a batch.

        Args:
            prediction: joints, their skeleton, and vertices or None.
            batch: a `datamodules.batch.Batch`.

        Raises:
            ValueError: a mesh does not have the regressor's number of vertices.
        """
        joints, present = self._predicted_joints(prediction)
        truth, valid = self._true_joints(batch)
        valid = valid & present
        root_known = valid[:, self.root]
        inputs = {"joints": _relative(joints, truth, valid & root_known[:, None], self.root, self.scored)}
        if prediction.vertices is not None:
            counted = (_float64(batch["vertices_valid"]) > 0) & root_known
            shift = joints[:, None, self.root], truth[:, None, self.root]
            meshes = _float64(prediction.vertices) - shift[0], _float64(batch["vertices"]) - shift[1]
            _check_same_mesh(*meshes)
            inputs["vertices"] = (*meshes, counted[:, None].expand(meshes[0].shape[:2]))
        columns = []
        for metric in self.parts.values():
            if metric.field in inputs:
                columns.append(metric.terms(*inputs[metric.field]))
            else:
                columns.append(joints.new_zeros(len(joints), metric.columns))
        self.terms.append(torch.cat(columns, -1))
        self.index.append(batch["index"].to(joints.device))
        for field in self.protocol.breakdown:
            getattr(self, f"group_{field}").append(encode(batch[field]).to(joints.device))

    def compute(self) -> dict[str, float]:
        """Every metric, `n` (samples), and the same per group as `action/walking/mpjpe`, `action/walking/n`.

        A metric that no sample had labels and predictions for is absent. NaN means that a prediction was NaN.
        """
        if len(self.index) == 0:
            return {"n": 0.0}
        index, order = torch.sort(_joined(self.index).long(), stable=True)
        first = torch.ones_like(index, dtype=torch.bool)
        first[1:] = index[1:] != index[:-1]
        keep = order[first]
        terms = _joined(self.terms)[keep]
        report, groups = self._values(terms), dict[str, float]()
        for field in self.protocol.breakdown:
            names = decode(_joined(getattr(self, f"group_{field}"))[keep])
            for name in sorted(set(names)):
                rows = torch.tensor([other == name for other in names], device=terms.device)
                groups.update({group_key(field, name, k): v for k, v in self._values(terms[rows]).items()})
        if self.protocol.averaging == "actions":
            report.update(self._mean_of_actions(groups))
        return report | groups

    def _values(self, terms: Float64[Tensor, "samples columns"]) -> dict[str, float]:
        values, start = dict[str, float](), 0
        for name, metric in self.parts.items():
            totals = terms[:, start : start + metric.columns].sum(0)
            start += metric.columns
            if totals.any():
                values[name] = metric.value(totals).item()
        return {**values, "n": float(len(terms))}

    def _mean_of_actions(self, groups: Mapping[str, float]) -> dict[str, float]:
        actions = sorted({key.rsplit("/", 1)[0] for key in groups if key.startswith("action/")})
        means = {}
        for name in self.parts:
            cells = [groups[f"{action}/{name}"] for action in actions if f"{action}/{name}" in groups]
            if cells:
                means[name] = sum(cells) / len(cells)
        return means

    def _predicted_joints(self, prediction: Predicted) -> tuple[Tensor, Tensor]:
        if self.protocol.regressor is None or prediction.vertices is None:
            points = _float64(prediction.joints)
            present = torch.ones_like(points[..., 0], dtype=torch.bool)
            return convert(points, present, prediction.skeleton, self.skeleton)
        points = self._regress(self.protocol.regressor, prediction.vertices)
        present = torch.ones_like(points[..., 0], dtype=torch.bool)
        return convert(points, present, get_skeleton(self.protocol.regressor), self.skeleton)

    def _true_joints(self, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        name = self.protocol.target_regressor
        if name is None:
            points = _float64(batch["joints"])
            return convert(points, batch["joints_valid"].to(points.device), self.target_skeleton, self.skeleton)
        points = self._regress(name, batch["vertices"])
        valid = batch["vertices_valid"].to(points.device)
        return convert(points, valid[:, None].expand(points.shape[:2]), get_skeleton(name), self.skeleton)

    def _regress(self, name: str, vertices: Tensor) -> Float64[Tensor, "batch joints 3"]:
        points = _float64(vertices)
        # Not a buffer: a cast to half precision must not round it, and it must not enter a checkpoint.
        weights = self.regressors[name] = self.regressors[name].to(points.device)
        if points.shape[1] != weights.shape[1]:
            raise ValueError(
                f"protocol {self.protocol.id!r} expects meshes of the {self.protocol.body!r} body with "
                f"{weights.shape[1]} vertices, not {points.shape[1]}"
            )
        return torch.bmm(weights.expand(len(points), -1, -1), points)  # one product per sample, whatever the batch


def _relative(
    joints: Float64[Tensor, "batch joints 3"],
    truth: Float64[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"],
    root: int,
    scored: list[int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Scored joints of both sides relative to the root, and which of them count."""
    moved, fixed = joints - joints[:, root : root + 1], truth - truth[:, root : root + 1]
    return moved[:, scored], fixed[:, scored], valid[:, scored]


def _regressors_of(protocol: Protocol) -> set[str]:
    return {name for name in (protocol.regressor, protocol.target_regressor) if name is not None}


def _check_same_mesh(prediction: Tensor, target: Tensor) -> None:
    if prediction.shape != target.shape:
        raise ValueError(f"the predicted mesh has {prediction.shape[1]} vertices, the true one {target.shape[1]}")


def _float64(tensor: Tensor) -> Tensor:
    """In float64, on the CPU where the device has none."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).detach().double()


def _joined(state: list[Tensor] | Tensor) -> Tensor:
    """A list state before synchronisation, or the tensor it is afterwards."""
    return state if isinstance(state, Tensor) else torch.cat(state)


def build_metrics(protocol: str | Protocol, target_skeleton: Skeleton | None = None) -> Evaluation:
    """An evaluation with the joint regressors it needs, from the protocol's body model.

    Args:
        protocol: a protocol or its id.
        target_skeleton: see `Evaluation`.

    Raises:
        KeyError: no such protocol, or the body has no such regressor.
        FileNotFoundError: the protocol's body model is licensed and not here; the message tells how to get it.
    """
    protocol = get_protocol(protocol) if isinstance(protocol, str) else protocol
    regressors: dict[str, Tensor] = {}
    names = _regressors_of(protocol)
    if names:
        from body.load import load_body

        body = load_body(protocol.body)
        regressors = {name: body.joint_regressor(name) for name in names}
    return Evaluation(protocol, regressors, target_skeleton)
