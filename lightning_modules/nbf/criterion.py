"""The fitting stage's losses together (section 3.3), and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lightning_modules.nbf.camera import FixedCamera
from lightning_modules.nbf.config import NBFLossConfig
from lightning_modules.nbf.losses import joint_loss, parameter_loss
from lightning_modules.nbf.network import Estimate
from lightning_modules.nbf.targets import BodyTruth


@dataclass(frozen=True)
class FitLoss:
    """L_lat, L_3D and L_2D, those with a weight (Tables 3 and 4).

    Attributes:
        camera: of the encoder's picture.
        config: weights, and the distance of joints.
    """

    camera: FixedCamera
    config: NBFLossConfig

    def __call__(
        self,
        estimate: Estimate,
        truth: BodyTruth,
        pixels: Float[Tensor, "batch 24 2"],
        known: Bool[Tensor, " batch"],
        mean: Float[Tensor, "226"],
    ) -> dict[str, Tensor]:
        """Weighted terms by name.

        Args:
            estimate: the network's.
            truth: labels.
            pixels: true joints in the encoder's picture.
            known: samples whose 3D labels may be used.
            mean: what the network adds to its numbers.
        """
        config, terms = self.config, dict[str, Tensor]()
        if config.latent_weight:
            target = torch.cat([truth.betas, truth.rotations.flatten(1)], -1) - mean
            terms["latent"] = config.latent_weight * parameter_loss(estimate.latent.float(), target, known)
        if config.joints3d_weight:
            everywhere = known[:, None].expand(estimate.joints.shape[:2])
            terms["joints3d"] = config.joints3d_weight * joint_loss(
                estimate.joints, truth.joints, everywhere, config.distance
            )
        if config.joints2d_weight:
            # translations are the true body's, whatever else of it is used (Table 4 leaves out its numbers); of people
            # without a body, those with which the estimate fits best
            of = torch.where(truth.valid[:, None, None], truth.joints, estimate.joints)
            transl = self.camera.locate(of, pixels, truth.pixels_valid)
            seen, half = self.camera.project(estimate.joints, transl), self.camera.size / 2
            distance = joint_loss(seen / half, pixels / half, truth.pixels_valid, config.distance)
            terms["joints2d"] = config.joints2d_weight * distance
        return terms
