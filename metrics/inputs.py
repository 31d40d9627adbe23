"""What the metrics of a protocol compare, taken from predictions and batches."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple, runtime_checkable
from typing import Protocol as Structure

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from body.model import BodyModel
from body.skeleton import Skeleton, convert, get_skeleton
from metrics.protocols import Protocol
from metrics.protocols.protocol import MODEL_ORIGIN
from metrics.rows import as_float64


@runtime_checkable
class Predicted(Structure):
    """What an evaluation reads from a prediction: `lightning_modules.prediction.Prediction` has it.

    Protocols that need them also read `smpl` (pose and betas) and `joints_2d` (full-image pixels), where a prediction
    has them and they are not None.
    """

    @property
    def joints(self) -> Float[Tensor, "batch joints 3"]:
        """Camera frame, metres."""

    @property
    def skeleton(self) -> Skeleton:
        """Joint set of `joints`."""

    @property
    def vertices(self) -> Float[Tensor, "batch vertices 3"] | None:
        """Camera frame, metres, or None."""


class Pair(NamedTuple):
    """Both sides of one comparison, in float64."""

    prediction: Float64[Tensor, "batch points dims"]
    target: Float64[Tensor, "batch points dims"]
    valid: Bool[Tensor, "batch points"]

    def pick(self, points: list[int]) -> Pair:
        """Some of the points."""
        return Pair(self.prediction[:, points], self.target[:, points], self.valid[:, points])

    def relative(self, origin: Pair) -> Pair:
        """Both sides moved by their own origin; nothing is valid where the origin is not."""
        moved, fixed = self.prediction - origin.prediction, self.target - origin.target
        return Pair(moved, fixed, self.valid & origin.valid)


class Inputs:
    """Turns a prediction and a batch into what each metric compares, by the metric's `field`.

    Args:
        protocol: what is evaluated.
        regressors: joint-set name -> (joints, vertices) weights, for those that the protocol names.
        target_skeleton: skeleton of `batch["joints"]`.
        body: the protocol's body model, where it poses bodies.

    Raises:
        ValueError: a regressor or the body that the protocol needs is missing, or the labels lack scored joints.
    """

    def __init__(
        self,
        protocol: Protocol,
        regressors: Mapping[str, Float[Tensor, "joints vertices"]],
        target_skeleton: Skeleton,
        body: BodyModel | None,
    ) -> None:
        self.protocol, self.target_skeleton = protocol, target_skeleton
        self.skeleton = get_skeleton(protocol.skeleton)
        self.regressors = {name: weights.detach().double().cpu() for name, weights in regressors.items()}
        if protocol.target_regressor is not None and protocol.target_regressor not in self.regressors:
            name = protocol.target_regressor
            raise ValueError(f"protocol {protocol.id!r} needs the joint regressor {name!r}: use build_metrics")
        if protocol.needs_body and body is None:
            raise ValueError(f"protocol {protocol.id!r} needs the body model {protocol.body!r}: use build_metrics")
        self.body = copy.deepcopy(body).double() if body is not None else None  # the caller's keeps its precision
        if protocol.target_regressor is None:
            self._check_scored(target_skeleton, "the labels' joint set")
        self.scored = [self.skeleton.index(joint) for joint in protocol.joints]
        self.distances = [self.skeleton.index(joint) for joint in protocol.distance_joints] or self.scored

    def __call__(self, prediction: Predicted, batch: Mapping[str, Any]) -> dict[str, Pair]:
        """The comparisons that prediction and labels allow.

        `joints` and `vertices` are relative to the protocol's roots, `root` is absolute; `rest_vertices`,
        `posed_vertices` and `pose` are of body-model parameters; `joints_2d` is in crop pixels.

        Raises:
            ValueError: the prediction's joint set lacks scored joints, or a mesh is not of the protocol's body.
        """
        pairs = self._of_parameters(prediction, batch)
        model = pairs.pop("model", None)
        joints = self._joints(prediction, batch, model)
        if joints is not None:
            pairs["root"] = joints.pick([self.skeleton.root_index])
            centred = joints
            if self.protocol.root not in ("", MODEL_ORIGIN):
                centred = joints.relative(joints.pick([self.skeleton.index(self.protocol.root)]))
            pairs["joints"], pairs["distance_joints"] = centred.pick(self.scored), centred.pick(self.distances)
        if self.protocol.mesh_root == MODEL_ORIGIN:
            if model is not None:
                pairs["vertices"] = model
        elif prediction.vertices is not None and joints is not None:
            pairs["vertices"] = self._meshes(prediction.vertices, batch, joints)
        if "pckh" in self.protocol.metrics and getattr(prediction, "joints_2d", None) is not None:
            pairs["joints_2d"] = self._pixels(prediction, batch).pick(self.scored)
        return pairs

    def _joints(self, prediction: Predicted, batch: Mapping[str, Any], model: Pair | None) -> Pair | None:
        """Joints of both sides in the protocol's skeleton, not moved yet."""
        ours, true = prediction.vertices, batch.get("vertices")
        if self.protocol.root == MODEL_ORIGIN:
            if model is None:
                return None
            ours, true = model.prediction, model.target
        if self.protocol.regressor is None or ours is None:
            self._check_scored(prediction.skeleton, "predictions in")
            points = as_float64(prediction.joints)
            moved, present = self._named(points, torch.ones_like(points[..., 0], dtype=torch.bool), prediction.skeleton)
        else:
            moved, present = self._regressed(self.protocol.regressor, ours, None)
        if self.protocol.target_regressor is None:
            fixed, valid = self._labels(batch, "joints")
        else:
            assert true is not None, "a batch has vertices"
            fixed, valid = self._regressed(self.protocol.target_regressor, true, batch["vertices_valid"])
        return Pair(moved, fixed, valid & present)

    def _labels(self, batch: Mapping[str, Any], key: str) -> tuple[Tensor, Tensor]:
        """Annotated joints (`joints` or `joints_2d`); a datamodule has them in its protocol's skeleton."""
        scored = f"scored_{key}" in batch
        skeleton = self.skeleton if scored else self.target_skeleton
        points, valid = (batch[f"scored_{name}" if scored else name] for name in (key, f"{key}_valid"))
        if points.shape[1] != len(skeleton):
            raise ValueError(
                f"batches hold {points.shape[1]} joints to score, not the {len(skeleton)} of {skeleton.name!r}: give "
                f"the datamodule the protocol {self.protocol.id!r}, or `Evaluation` its skeleton as target_skeleton"
            )
        exact = as_float64(points)
        return self._named(exact, valid.to(exact.device), skeleton)

    def _meshes(self, vertices: Tensor, batch: Mapping[str, Any], joints: Pair) -> Pair:
        """Meshes of both sides, each relative to its own root."""
        ours, true = as_float64(vertices), as_float64(batch["vertices"])
        if ours.shape != true.shape:
            raise ValueError(f"the predicted mesh has {ours.shape[1]} vertices, the true one {true.shape[1]}")
        pair = Pair(ours, true, _everywhere(batch["vertices_valid"], ours))
        if not self.protocol.mesh_root:
            return pair
        regressor = self.protocol.regressor
        if regressor is not None and regressor != self.protocol.target_regressor:
            joints = Pair(joints.prediction, *self._regressed(regressor, true, batch["vertices_valid"]))
        return pair.relative(joints.pick([self.skeleton.index(self.protocol.mesh_root)]))

    def _of_parameters(self, prediction: Predicted, batch: Mapping[str, Any]) -> dict[str, Pair]:
        """What body-model parameters say: rotations, and bodies that are posed without translation."""
        smpl = getattr(prediction, "smpl", None)
        needed = self.protocol.needs_body or "quaternion_error" in self.protocol.metrics
        if smpl is None or not needed:
            return {}
        pose = as_float64(smpl.pose), as_float64(batch["pose"])
        pairs = {"pose": Pair(*pose, _everywhere(batch["smpl_valid"], pose[0]))}
        if self.body is None:
            return pairs
        body = self.body.to(pose[0].device)
        betas = as_float64(smpl.betas), as_float64(batch["betas"])
        for name, use_pose, use_betas in (("model", 1, 1), ("rest_vertices", 0, 1), ("posed_vertices", 1, 0)):
            ours, true = (body(p * use_pose, b * use_betas).vertices for p, b in zip(pose, betas, strict=True))
            pairs[name] = Pair(ours, true, _everywhere(batch["smpl_valid"], ours))
        return pairs

    def _pixels(self, prediction: Any, batch: Mapping[str, Any]) -> Pair:
        """2D joints of both sides in the crop."""
        affine, full = as_float64(batch["crop_affine"]), as_float64(prediction.joints_2d)
        crop = full @ affine[:, :, :2].mT + affine[:, None, :, 2]
        ours, present = self._named(crop, torch.ones_like(crop[..., 0], dtype=torch.bool), prediction.skeleton)
        true, valid = self._labels(batch, "joints_2d")
        return Pair(ours, true, valid & present)

    def _regressed(self, name: str, vertices: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """Joints of meshes in the protocol's skeleton; `valid` per sample, None for all."""
        if name not in self.regressors:
            raise ValueError(
                f"protocol {self.protocol.id!r} takes joints from meshes by the regressor {name!r} of the body "
                f"{self.protocol.body!r}, which is not here: zoo doctor tells how to get it"
            )
        points = as_float64(vertices)
        weights = self.regressors[name] = self.regressors[name].to(points.device)
        if points.shape[1] != weights.shape[1]:
            raise ValueError(
                f"protocol {self.protocol.id!r} expects meshes of the {self.protocol.body!r} body with "
                f"{weights.shape[1]} vertices, not {points.shape[1]}"
            )
        points = torch.bmm(weights.expand(len(points), -1, -1), points)  # one product per sample, whatever the batch
        known = torch.ones(len(points), dtype=torch.bool) if valid is None else valid
        return self._named(points, _everywhere(known, points), get_skeleton(name))

    def _named(self, points: Tensor, valid: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
        return convert(points, valid, skeleton, self.skeleton, self.protocol.aliases_of(skeleton))

    def _check_scored(self, skeleton: Skeleton, what: str) -> None:
        """No joint is left out in silence: a mean over fewer joints would be another protocol."""
        aliases = self.protocol.aliases_of(skeleton)
        roots = {self.protocol.root} - {"", MODEL_ORIGIN}
        wanted = dict.fromkeys((*self.protocol.joints, *self.protocol.distance_joints, *roots))
        missing = [joint for joint in wanted if aliases.get(joint, joint) not in skeleton.joints]
        if missing:
            raise ValueError(f"protocol {self.protocol.id!r}: {what} {skeleton.name!r} lacks {', '.join(missing)}")


def regressors_of(protocol: Protocol) -> set[str]:
    """Joint sets that a protocol takes from meshes."""
    return {name for name in (protocol.regressor, protocol.target_regressor) if name is not None}


def _everywhere(samples: Tensor, points: Tensor) -> Bool[Tensor, "batch points"]:
    """A flag per sample as a flag per point."""
    return (samples.to(points.device) > 0)[:, None].expand(points.shape[:2])
