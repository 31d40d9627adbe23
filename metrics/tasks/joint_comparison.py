"""Joints of predictions and labels, brought into a protocol's skeleton."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from body.camera import apply_affine
from body.model import BodyModel
from body.skeleton import Skeleton, convert, get_skeleton
from metrics.base import Field
from metrics.pair import Pair, per_point
from metrics.protocol import MODEL_ORIGIN, Protocol
from metrics.rows import as_float64
from metrics.tasks.prediction import Predicted


class JointComparison:
    """Turns a prediction and a batch into the pairs that sample metrics compare, by their `field`.

    Not a module: a cast to half precision must not round what it holds, and nothing of a body may enter a checkpoint.

    Args:
        protocol: what is evaluated.
        label_skeleton: skeleton of `batch["joints"]`.
        body: the protocol's body model, for its joint regressors; None where it is not here.

    Raises:
        ValueError: the labels lack scored joints, or need a body that is not here.
    """

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton, body: BodyModel | None) -> None:
        self.protocol, self.label_skeleton = protocol, label_skeleton
        self.skeleton = get_skeleton(protocol.skeleton)
        self.wanted = {score.field for score in protocol.scores if not isinstance(score, str)}
        names = protocol.regressors if body is not None else ()
        self.regressors = {name: body.joint_regressor(name).detach().double().cpu() for name in names}  # type: ignore[union-attr]
        if protocol.target_regressor is None:
            self._check_scored(label_skeleton, "the labels' joint set")
        self.scored = [self.skeleton.index(joint) for joint in protocol.joints]
        self.pixels = [self.skeleton.index(joint) for joint in protocol.pixel_joints]
        self.distances = [self.skeleton.index(joint) for joint in protocol.distance_joints] or self.scored

    def __call__(self, prediction: Predicted, batch: Mapping[str, Any]) -> dict[Field, Pair]:
        """The comparisons that prediction and labels allow.

        `joints` and `distance_joints` are relative to the protocol's root, `root` is absolute, `joints_2d` is in crop
        pixels.

        Raises:
            ValueError: the prediction's joint set lacks scored joints, or a mesh is not of the protocol's body.
        """
        joints = self.absolute_joints(prediction, batch, prediction.vertices, batch.get("vertices"))
        return self.of_joints(joints) | self.of_pixels(prediction, batch)

    def absolute_joints(
        self, prediction: Predicted, batch: Mapping[str, Any], mesh: Tensor | None, true_mesh: Tensor | None
    ) -> Pair:
        """Joints of both sides in the protocol's skeleton, from their meshes where the protocol says so."""
        if self.protocol.regressor is None or mesh is None:
            self._check_scored(prediction.skeleton, "predictions in")
            points = as_float64(prediction.joints)
            moved, present = self._named(points, torch.ones_like(points[..., 0], dtype=torch.bool), prediction.skeleton)
        else:
            moved, present = self.regressed(self.protocol.regressor, mesh, None)
        if self.protocol.target_regressor is None:
            fixed, valid = self._labels(batch, "joints")
        else:
            assert true_mesh is not None, "a batch has vertices"
            fixed, valid = self.regressed(self.protocol.target_regressor, true_mesh, batch["vertices_valid"])
        return Pair(moved, fixed, valid & present)

    def of_joints(self, joints: Pair) -> dict[Field, Pair]:
        """What is compared of joints."""
        centred = joints
        if self.protocol.root not in ("", MODEL_ORIGIN):
            centred = joints.relative(joints.pick([self.skeleton.index(self.protocol.root)]))
        return {
            "root": joints.pick([self.skeleton.root_index]),
            "joints": centred.pick(self.scored),
            "distance_joints": centred.pick(self.distances),
        }

    def of_pixels(self, prediction: Predicted, batch: Mapping[str, Any]) -> dict[Field, Pair]:
        """2D joints of both sides in the crop, where the protocol looks at them and the method has them."""
        if "joints_2d" not in self.wanted or prediction.joints_2d is None:
            return {}
        crop = apply_affine(as_float64(prediction.joints_2d), as_float64(batch["crop_affine"]))
        ours, present = self._named(crop, torch.ones_like(crop[..., 0], dtype=torch.bool), prediction.skeleton)
        true, valid = self._labels(batch, "joints_2d")
        measured = torch.ones_like(present)  # of joints that are not scored the labels alone are read
        measured[:, self.scored] = present[:, self.scored]
        return {"joints_2d": Pair(ours, true, valid & measured).pick(self.pixels)}

    def regressed(self, name: str, vertices: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
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
        flags = torch.ones(len(points), dtype=torch.bool) if valid is None else valid
        return self._named(points, per_point(flags, points), get_skeleton(name))

    def _labels(self, batch: Mapping[str, Any], key: str) -> tuple[Tensor, Tensor]:
        """Annotated joints (`joints` or `joints_2d`); a datamodule has them in its protocol's skeleton."""
        scored = f"scored_{key}" in batch
        skeleton = self.skeleton if scored else self.label_skeleton
        points, valid = (batch[f"scored_{name}" if scored else name] for name in (key, f"{key}_valid"))
        if points.shape[1] != len(skeleton):
            raise ValueError(
                f"batches hold {points.shape[1]} joints to score, not the {len(skeleton)} of {skeleton.name!r}: give "
                f"the datamodule the protocol {self.protocol.id!r}, or the task its skeleton as label_skeleton"
            )
        exact = as_float64(points)
        return self._named(exact, valid.to(exact.device), skeleton)

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
