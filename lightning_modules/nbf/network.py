"""NBF's two stages in plain PyTorch: photograph to parts, picture of parts to a body."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.model import BodyModel
from lightning_modules.common.backbones import Pretrained
from lightning_modules.common.joint_prior import KnownJoints, known_joints
from lightning_modules.common.pose_prior import Placed, PosePrior
from lightning_modules.nbf.backbone_parts import BackboneParts
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.coding import blend_colours, colour_labels, colour_table
from lightning_modules.nbf.config import Coding, NBFConfig
from lightning_modules.nbf.encoder import LATENTS, Encoder
from lightning_modules.nbf.segmenter import make_segmenter, most_probable


class Seen(NamedTuple):
    """What the segmenter says; None in place of what it does not say, or was not asked for."""

    logits: Float[Tensor, "batch labels rows columns"] | None
    known: KnownJoints | None


class Estimate(NamedTuple):
    """A body in the frame of the fixed camera, without translation and without its mesh."""

    pool5: Float[Tensor, "batch width"]
    latent: Float[Tensor, "batch 226"]
    """Numbers minus their mean: what the encoder answers, and where it starts from."""
    rotations: Float[Tensor, "batch 24 3 3"]
    betas: Float[Tensor, "batch 10"]
    joints: Float[Tensor, "batch 24 3"]


class Fit(NamedTuple):
    """An `Estimate` with its mesh (metres)."""

    pool5: Float[Tensor, "batch width"]
    latent: Float[Tensor, "batch 226"]
    rotations: Float[Tensor, "batch 24 3 3"]
    betas: Float[Tensor, "batch 10"]
    joints: Float[Tensor, "batch 24 3"]
    vertices: Float[Tensor, "batch vertices 3"]


class NBFNetwork(nn.Module):
    """Segmenter, colour coding, encoder and body (Fig. 2).

    Args:
        encoder: of the fitting stage; None for a segmenter alone.
        layer: the body.
        segmenter: of the first stage; None where the encoder is given its pictures.
        parts: number of parts that are coloured.
        input_size: side of the encoder's picture in pixels.
        coding: see `NBFConfig`.
        pose_prior: of the pose that the encoder's numbers are added to; for a segmenter that says where joints are.
    """

    mean: Tensor
    colours: Tensor

    def __init__(
        self,
        encoder: Encoder | None,
        layer: BodyLayer,
        segmenter: nn.Module | None = None,
        parts: int = 12,
        input_size: int = 224,
        coding: Coding = "hard",
        pose_prior: PosePrior | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.layer, self.segmenter = encoder, layer, segmenter
        self.input_size, self.coding, self.pose_prior = input_size, coding, pose_prior
        self.register_buffer("mean", torch.cat([torch.zeros(10), layer.mean_rotations().flatten()]))
        self.register_buffer("colours", colour_table(parts + 1), persistent=False)

    def forward(self, image: Float[Tensor, "batch 3 size size"], known: KnownJoints | None = None) -> Fit:
        """The encoder's picture, in [0, 1], to a body."""
        return self.fit(self.estimate(image, known))

    def fit(self, estimate: Estimate) -> Fit:
        """The body with its mesh."""
        return Fit(*estimate, self.layer.vertices(estimate.rotations, estimate.betas))

    def follow(
        self, estimate: Estimate, known: KnownJoints, crop_size: int, focal: Tensor | None = None
    ) -> tuple[Estimate, Placed]:
        """The body with trunk and limbs where joints are known; arguments as in `PosePrior.follow`."""
        assert self.pose_prior is not None
        relative = self.layer.relative(estimate.rotations)
        placed = self.pose_prior.follow(relative, estimate.betas, known, crop_size, focal)
        return estimate._replace(rotations=self.layer.from_relative(placed.rotations), joints=placed.joints), placed

    def estimate(self, image: Float[Tensor, "batch 3 size size"], known: KnownJoints | None = None) -> Estimate:
        """As `forward`, without the mesh, which training does not need, and without moving limbs.

        Raises:
            ValueError: this network has no encoder.
        """
        if self.encoder is None:
            raise ValueError("this network is a segmenter alone; train one with an encoder, e.g. encoder: resnet50v1")
        start = None
        if self.pose_prior is not None and known is not None:
            pose = self.layer.from_relative(self.pose_prior.start(known)).flatten(1)
            start = pose - self.mean[10:]
        pool5, latent = self.encoder(image) if start is None else self.encoder(image, start)
        latent = latent.to(torch.promote_types(latent.dtype, torch.float32))
        if start is not None:
            latent = torch.cat([latent[:, :10], latent[:, 10:] + start], 1)
        numbers = latent + self.mean
        betas, rotations = numbers[:, :10], self.layer.rotations(numbers[:, 10:])
        return Estimate(pool5, latent, rotations, betas, self.layer.joints(rotations, betas))

    def segment(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch labels rows columns"]:
        """RGB in [0, 1] to logits of the background and the parts, at the segmenter's resolution.

        Raises:
            ValueError: this network has no segmenter.
        """
        if self.segmenter is None:
            raise ValueError("this network has no segmenter; set segmenter: refinenet, or put true parts in")
        return self.segmenter(image)

    def see(self, image: Float[Tensor, "batch 3 height width"]) -> Seen:
        """As `segment`, with joints where the network starts from them."""
        if self.pose_prior is None:
            return Seen(self.segment(image), None)
        assert isinstance(self.segmenter, BackboneParts)
        maps = self.segmenter.maps(image)
        return Seen(self.segmenter.logits(maps), known_joints(maps))

    def colour(
        self, logits: Float[Tensor, "batch labels rows columns"], size: int
    ) -> Float[Tensor, "batch 3 input input"]:
        """The encoder's picture of a segmentation.

        Args:
            logits: of the segmenter.
            size: side of the photograph, at which the hard coding decides.
        """
        if self.coding == "soft":
            certain = logits.to(torch.promote_types(logits.dtype, torch.float32))
            return blend_colours(certain, self.colours, self.input_size)
        return colour_labels(most_probable(logits, size, self.input_size), self.colours, self.input_size)


def make_network(config: NBFConfig, body: BodyModel, pretrained: Pretrained = False) -> NBFNetwork:
    """The network of a configuration, for a body.

    Raises:
        ValueError: a backbone does not fit, or the body has not SMPL's joints.
    """
    starts = LATENTS - 10 if config.joint_prior else 0
    encoder = None if config.encoder == "none" else Encoder(config.encoder, pretrained, starts)
    layer = BodyLayer(body, config.rotations, config.proper_rotations)
    segmenter = make_segmenter(config, pretrained)
    prior = PosePrior(body) if config.joint_prior else None
    return NBFNetwork(encoder, layer, segmenter, config.parts, config.input_size, config.coding, prior)
