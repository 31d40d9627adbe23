"""The fitting stage's losses together (section 3.3), and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lightning_modules.nbf.camera import FixedCamera
from lightning_modules.nbf.config import NBFLossConfig
from lightning_modules.nbf.losses import parameter_loss, point_loss
from lightning_modules.nbf.network import Estimate
from lightning_modules.nbf.points import ComparedPoints
from lightning_modules.nbf.targets import BodyTruth


@dataclass(frozen=True)
class FitLoss:
    """L_lat, L_3D and L_2D, those with a weight (Tables 3 and 4).

    Attributes:
        camera: of the encoder's picture.
        config: weights and distances.
        points: that L_3D and L_2D compare.
    """

    camera: FixedCamera
    config: NBFLossConfig
    points: ComparedPoints

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
            terms["latent"] = config.latent_weight * parameter_loss(
                estimate.latent.float(), target, known, config.latent_distance, config.robust_width
            )
        if not (config.joints3d_weight or config.joints2d_weight):
            return terms
        points = self.points.of(estimate.rotations, estimate.betas, estimate.joints)
        with torch.no_grad():
            true_points = self.points.of(truth.rotations, truth.betas, truth.joints)
        if config.joints3d_weight:
            everywhere = known[:, None].expand(points.shape[:2])
            terms["joints3d"] = config.joints3d_weight * self._distance(points, true_points, everywhere)
        if config.joints2d_weight:
            # translations are the true body's, whatever else of it is used (Table 4 leaves out its numbers); of people
            # without a body, those with which the estimate fits best
            of = torch.where(truth.valid[:, None, None], truth.joints, estimate.joints)
            transl = self.camera.locate(of, pixels, truth.pixels_valid)
            seen, half = self.camera.project(points, transl), self.camera.size / 2
            places, valid = self.points.pixels(truth, true_points, pixels, transl, self.camera)
            terms["joints2d"] = config.joints2d_weight * self._distance(seen / half, places / half, valid)
        return terms

    def _distance(
        self,
        points: Float[Tensor, "batch points dim"],
        target: Float[Tensor, "batch points dim"],
        valid: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, ""]:
        return point_loss(points, target, valid, self.config.distance, self.config.robust_width)
