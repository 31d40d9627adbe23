"""The fitting stage's losses together (section 3.3), and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lightning_modules.nbf.camera import FixedCamera
from lightning_modules.nbf.losses import joint_loss, parameter_loss
from lightning_modules.nbf.network import Estimate
from lightning_modules.nbf.targets import BodyTruth


@dataclass(frozen=True)
class FitLoss:
    """L_lat, L_3D and L_2D, those with a weight (Tables 3 and 4).

    Attributes:
        camera: of the encoder's picture.
        latent: weight of L_lat.
        joints3d: weight of L_3D.
        joints2d: weight of L_2D.
        distance: of joints, see `joint_loss`.
    """

    camera: FixedCamera
    latent: float
    joints3d: float
    joints2d: float
    distance: str

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
        terms = dict[str, Tensor]()
        if self.latent:
            target = torch.cat([truth.betas, truth.rotations.flatten(1)], -1) - mean
            terms["latent"] = self.latent * parameter_loss(estimate.latent.float(), target, known)
        if self.joints3d:
            everywhere = known[:, None].expand(estimate.joints.shape[:2])
            terms["joints3d"] = self.joints3d * joint_loss(estimate.joints, truth.joints, everywhere, self.distance)
        if self.joints2d:
            # translations are the true body's where it may be used, else those with which the estimate fits best
            of = torch.where(known[:, None, None], truth.joints, estimate.joints)
            transl = self.camera.locate(of, pixels, truth.pixels_valid)
            seen, half = self.camera.project(estimate.joints, transl), self.camera.size / 2
            distance = joint_loss(seen / half, pixels / half, truth.pixels_valid, self.distance)
            terms["joints2d"] = self.joints2d * distance
        return terms
