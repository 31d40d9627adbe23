"""Which losses DaNet is trained with and how much each counts."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from datamodules.batch import Batch
from lightning_modules.common.posed_body import BodyRotations, PosedBody
from lightning_modules.danet import losses
from lightning_modules.danet.config import DaNetLossConfig
from lightning_modules.danet.crop_camera import project
from lightning_modules.danet.estimator import Estimate
from lightning_modules.danet.iuv import IuvMaps, simplify
from lightning_modules.danet.network import DaNetOutput
from lightning_modules.danet.pooling import resample
from lightning_modules.danet.targets import Targets


class DaNetLoss(nn.Module):
    """The weighted terms of Eqs. 1 to 4, by name.

    Args:
        posed_body: body whose joints and vertices are compared.
        coarse: class of the coarse mask of every part.
        hips: indices of the joints whose middle 3D joints are relative to; samples without them teach no 3D joints.
        config: terms and weights.
    """

    coarse: Tensor

    def __init__(
        self,
        posed_body: PosedBody,
        coarse: Tensor,
        hips: list[int],
        config: DaNetLossConfig = DaNetLossConfig(),
    ) -> None:
        super().__init__()
        self.weights, self.released = config.weight_of_terms(), config.terms == "release"
        self.posed_body, self.hips = posed_body, hips
        self.register_buffer("coarse", coarse, persistent=False)

    def of_estimate(self, estimate: Estimate, target: Targets, batch: Batch, kept: Tensor) -> dict[str, Tensor]:
        """Terms of the first stage (Eq. 3)."""
        true, valid, smooth = target.iuv, target.iuv_valid, self.released
        terms = losses.map_losses(estimate.iuv, true, valid, smooth)
        terms["coarse"] = losses.label_loss(estimate.coarse, self.coarse[true.labels()], valid)
        if estimate.partial is not None:
            simple = simplify(true, kept)
            own = IuvMaps.unstacked(resample(simple.flatten(2, 3), estimate.windows.thetas).view_as(simple))
            terms |= losses.partial_losses(estimate.partial, own, valid, smooth)
        points = (batch["dense_points"], batch["dense_points_valid"])
        terms |= losses.point_losses(estimate.iuv, *points, batch["image"].shape[-1])
        terms["mask"] = losses.mask_loss(estimate.coarse, batch["dense_mask"], batch["dense_mask_valid"])
        terms["place"] = losses.place_loss(estimate.windows.centres, target.places, target.place_weights, smooth)
        return self._weighted(terms)

    def of_body(self, output: DaNetOutput, target: Targets) -> dict[str, Tensor]:
        """Terms of the second stage (Eq. 4) and of the refinement."""
        valid, squared = target.body_valid, self.released
        terms = {
            "rotation": losses.parameter_loss(output.rotations, target.rotations, valid, squared),
            "betas": losses.parameter_loss(output.betas, target.betas, valid, squared),
            "orthogonality": losses.orthogonality_loss(output.rotations, squared),
            "camera": losses.parameter_loss(output.camera, target.camera, valid, squared=False),
            "scale": losses.camera_loss(output.camera),
        }
        if output.supervised is not None:
            first, positions = output.supervised
            if first is not None:
                terms["first_rotation"] = losses.parameter_loss(first, target.rotations, valid, squared)
            for name, places in zip(("first_position", "position"), positions, strict=False):
                terms[name] = losses.position_loss(places, target.positions, valid)
        return self._weighted(terms | self._of_surface(output, target))

    def _of_surface(self, output: DaNetOutput, target: Targets) -> dict[str, Tensor]:
        """Terms of what the body looks like: joints in 3D and in the crop, and vertices."""
        wanted = ("joints_2d", "joints_3d", "vertices")
        if not any(self.weights[name] for name in wanted):
            return {}
        vertices = self.posed_body.vertices(BodyRotations(output.rotations, output.betas))
        joints = self.posed_body.joints(vertices)
        annotated = target.joints_valid[:, self.hips].all(1)
        places = project(joints, output.camera, target.focal)
        terms = {
            "joints_2d": losses.keypoint_loss(places, target.joints_2d, target.joints_2d_valid, squared=self.released),
            "joints_3d": losses.keypoint_loss(
                self._relative(joints), self._relative(target.joints), target.joints_valid, annotated, self.released
            ),
        }
        if self.weights["vertices"]:
            terms["vertices"] = self._vertices(vertices, target)
        return terms

    def _vertices(self, vertices: Float[Tensor, "batch vertices 3"], target: Targets) -> Float[Tensor, ""]:
        """L1 of the mesh against the fitted one, both without translation."""
        with torch.no_grad():
            true = self.posed_body.vertices(BodyRotations(target.rotations, target.betas))
        return losses.parameter_loss(vertices, true, target.body_valid, squared=False)

    def _relative(self, joints: Float[Tensor, "batch joints 3"]) -> Float[Tensor, "batch joints 3"]:
        return joints - joints[:, self.hips].mean(1, keepdim=True)

    def _weighted(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: self.weights[name] * value for name, value in terms.items() if self.weights[name]}
