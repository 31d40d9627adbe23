"""One person's mesh and body parameters, and the joints of both."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from body.model import BodyModel
from body.skeleton import Skeleton
from metrics.base import Field
from metrics.pair import Pair, per_point
from metrics.protocol import MODEL_ORIGIN, Protocol
from metrics.rows import as_float64
from metrics.tasks.joint_comparison import JointComparison
from metrics.tasks.pose import PoseTask
from metrics.tasks.prediction import Predicted


class MeshComparison(JointComparison):
    """As `JointComparison`, and meshes, rotations, and bodies posed from parameters.

    Args:
        protocol: what is evaluated.
        label_skeleton: skeleton of `batch["joints"]`.
        body: the protocol's body model.
    """

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton, body: BodyModel | None) -> None:
        super().__init__(protocol, label_skeleton, body)
        # A copy: the caller's keeps its precision and its device.
        self.body = copy.deepcopy(body).double() if body is not None and protocol.needs_body else None

    def __call__(self, prediction: Predicted, batch: Mapping[str, Any]) -> dict[Field, Pair]:
        """The comparisons that prediction and labels allow.

        Besides those of `JointComparison`: `vertices` relative to the protocol's mesh root, `pose` as axis-angle,
        `rest_vertices` (shape alone) and `posed_vertices` (pose alone) of the body without translation.

        Raises:
            ValueError: the prediction's joint set lacks scored joints, or a mesh is not of the protocol's body.
        """
        pairs = self._of_parameters(prediction, batch)
        at_origin = self._at_origin(prediction, batch)
        ours, true = prediction.vertices, batch.get("vertices")
        if self.protocol.root == MODEL_ORIGIN:
            if at_origin is None:
                return pairs | self.of_pixels(prediction, batch)
            ours, true = at_origin.prediction, at_origin.target
        joints = self.absolute_joints(prediction, batch, ours, true)
        pairs |= self.of_joints(joints) | self.of_pixels(prediction, batch)
        if self.protocol.mesh_root == MODEL_ORIGIN:
            return pairs if at_origin is None else pairs | {"vertices": at_origin}
        if prediction.vertices is not None and "vertices" in self.wanted:
            pairs["vertices"] = self._meshes(prediction.vertices, batch, joints)
        return pairs

    def _meshes(self, vertices: Tensor, batch: Mapping[str, Any], joints: Pair) -> Pair:
        """Meshes of both sides, each relative to its own root."""
        ours, true = as_float64(vertices), as_float64(batch["vertices"])
        if ours.shape != true.shape:
            raise ValueError(f"the predicted mesh has {ours.shape[1]} vertices, the true one {true.shape[1]}")
        pair = Pair(ours, true, per_point(batch["vertices_valid"], ours))
        if not self.protocol.mesh_root:
            return pair
        regressor = self.protocol.regressor
        if regressor is not None and regressor != self.protocol.target_regressor:
            joints = Pair(joints.prediction, *self.regressed(regressor, true, batch["vertices_valid"]))
        return pair.relative(joints.pick([self.skeleton.index(self.protocol.mesh_root)]))

    def _of_parameters(self, prediction: Predicted, batch: Mapping[str, Any]) -> dict[Field, Pair]:
        """Rotations, and bodies of which one of pose and shape is left out."""
        pairs: dict[Field, Pair] = {}
        if prediction.smpl is None:
            return pairs
        if "pose" in self.wanted:
            ours, true = as_float64(prediction.smpl.pose), as_float64(batch["pose"])
            pairs["pose"] = Pair(ours, true, per_point(batch["smpl_valid"], ours))
        if "rest_vertices" in self.wanted:
            pairs["rest_vertices"] = self._posed(prediction, batch, use_pose=0)
        if "posed_vertices" in self.wanted:
            pairs["posed_vertices"] = self._posed(prediction, batch, use_betas=0)
        return pairs

    def _at_origin(self, prediction: Predicted, batch: Mapping[str, Any]) -> Pair | None:
        """Both bodies as their parameters pose them, where the protocol compares them so."""
        wanted = MODEL_ORIGIN in (self.protocol.root, self.protocol.mesh_root)
        return self._posed(prediction, batch) if wanted and prediction.smpl is not None else None

    def _posed(self, prediction: Predicted, batch: Mapping[str, Any], use_pose: int = 1, use_betas: int = 1) -> Pair:
        assert self.body is not None, "`Protocol.needs_body`"
        assert prediction.smpl is not None
        poses = as_float64(prediction.smpl.pose), as_float64(batch["pose"])
        betas = as_float64(prediction.smpl.betas), as_float64(batch["betas"])
        body = self.body.to(poses[0].device)
        ours, true = (body(p * use_pose, b * use_betas).vertices for p, b in zip(poses, betas, strict=True))
        return Pair(ours, true, per_point(batch["smpl_valid"], ours))


class MeshTask(PoseTask):
    """Mesh and body parameters of one person, and everything that `PoseTask` compares."""

    name = "mesh"
    fields: ClassVar[tuple[Field, ...]] = (
        *PoseTask.fields,
        *("vertices", "rest_vertices", "posed_vertices", "pose"),
    )
    comparison_type: ClassVar[type[JointComparison]] = MeshComparison
