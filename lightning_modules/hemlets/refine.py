"""Fits a predicted body to the network's own joints: "Ours*" of Table 7, after SMPLify (Bogo et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.camera import project
from lightning_modules.common.posed_body import PosedBody
from lightning_modules.common.precision import full_precision
from lightning_modules.hemlets.lbfgs import minimise
from lightning_modules.prediction import SmplParameters


@dataclass(frozen=True)
class RefineWeights:
    """Weights of the energy's terms; every joint term is a sum over joints.

    Attributes:
        joints: squared distance to the 3D joints, metres.
        pixels: squared distance to the 2D joints, as a share of the crop's side.
        pose: squared change of the axis-angles. SMPLify's prior of poses is learnt from licensed data; the regressor's
            answer stands in for it.
        betas: squared change of the shape.
    """

    joints: float = 100.0
    pixels: float = 100.0
    pose: float = 0.1
    betas: float = 0.02


class Refiner(nn.Module):
    """A fixed number of L-BFGS steps on pose, shape and translation, over `smplx`.

    Args:
        posed: body and joint set.
        steps: how many.
        weights: of the energy.
    """

    def __init__(self, posed: PosedBody, steps: int, weights: RefineWeights | None = None) -> None:
        super().__init__()
        self.steps, self.weights = steps, weights or RefineWeights()
        self.smpl = posed.body.as_smplx()
        for name, value in self.smpl.named_buffers():  # a body is never a part of a checkpoint
            owner, _, leaf = name.rpartition(".")
            self.smpl.get_submodule(owner)._non_persistent_buffers_set.add(leaf)
            value.requires_grad_(False)
        self.register_buffer("joint_regressor", posed.joint_regressor, persistent=False)

    joint_regressor: Tensor

    def forward(
        self,
        parameters: SmplParameters,
        joints: Float[Tensor, "batch joints 3"],
        intrinsics: Float[Tensor, "batch 3 3"],
        box: Float[Tensor, "batch 4"],
    ) -> tuple[Float[Tensor, "batch vertices 3"], SmplParameters]:
        """The refined mesh (metres, camera frame) and its parameters; no gradient flows through.

        Args:
            parameters: where to begin.
            joints: the network's, camera frame, metres; their projections are the 2D joints.
            intrinsics: camera of the full image.
            box: crop window; its side is the unit of pixel distances.
        """
        # an evaluation runs in inference mode, whose tensors no gradient can be taken of
        with torch.inference_mode(False), full_precision(joints):
            assert parameters.transl is not None  # a placed body has one
            pose, betas, transl = (
                own.detach().clone() for own in (parameters.pose, parameters.betas, parameters.transl)
            )
            wanted, camera, side = joints.detach().clone(), intrinsics.clone(), box[:, 2, None, None].clone()
            start, pixels, count = (
                torch.cat([pose.flatten(1), betas, transl], 1),
                project(wanted, camera),
                pose[0].numel(),
            )
            weights = self.weights

            def energy(values: Float[Tensor, "batch values"]) -> Float[Tensor, " batch"]:
                found = self.joint_regressor @ self._vertices(values, count)
                shown = (project(found, camera) - pixels) / side
                change = (values - start).square()
                return (
                    weights.joints * (found - wanted).square().sum((1, 2))
                    + weights.pixels * shown.square().sum((1, 2))
                    + weights.pose * change[:, :count].sum(1)
                    + weights.betas * change[:, count:-3].sum(1)
                )

            best = minimise(energy, start, self.steps)
            with torch.no_grad():
                vertices = self._vertices(best, count)
        return vertices, SmplParameters(best[:, :count].view(len(best), -1, 3), best[:, count:-3], best[:, -3:])

    def _vertices(self, values: Float[Tensor, "batch values"], count: int) -> Float[Tensor, "batch vertices 3"]:
        pose, betas, transl = values[:, :count], values[:, count:-3], values[:, -3:]
        return self.smpl(betas=betas, global_orient=pose[:, :3], body_pose=pose[:, 3:], transl=transl).vertices
