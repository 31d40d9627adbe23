"""HEMlets and HEMlets PoSh as a LightningModule."""

from __future__ import annotations

from pathlib import Path

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine, project
from body.load import load_body
from body.model import BodyModel
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.initial_weights import load_backbone
from lightning_modules.common.posed_body import BodyRotations, PosedBody
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import given_or
from lightning_modules.common.rotations import crop_to_camera_rotation
from lightning_modules.common.training import Schedule
from lightning_modules.common.volumes import VolumeSpace, joint_loss
from lightning_modules.hemlets.flip import MERGES, merge_mirrored
from lightning_modules.hemlets.losses import BodyLoss, MapLoss
from lightning_modules.hemlets.network import HemletsNet, HemletsOutput, Widths
from lightning_modules.hemlets.parts import make_parts
from lightning_modules.hemlets.refine import Refiner
from lightning_modules.hemlets.root_depth import make_bones, root_depth_from_bones
from lightning_modules.hemlets.targets import draw, part_states
from lightning_modules.prediction import Prediction, SmplParameters


class HemletsModule(PoseModule):
    """Joints from heatmap triplets and volumes, and with `smpl` a body from both (Zhou et al., ICCV 2019, TPAMI 2021).

    Args:
        backbone: name in `lightning_modules.common.backbones`.
        pretrained: weights that backbones start from; see `TrainingOptions`.
        backbone_from: weights of the zoo whose backbone `fit` starts from: a file, or on the command line a name.
        crop_size: side of the input crop in pixels, a multiple of 32; maps are a quarter of it.
        depth_bins: depth of the volumes; as the maps' side when omitted.
        head_channels: width of the up-sampled features; 256 in the release.
        feature_channels: of the feature branch; 1024 in the release, about 448 in the paper.
        hidden_channels: before the volumes; 1024 in the release.
        body: body model; `none` for one without a body, trained on joints alone.
        skeleton: joint set.
        parts: (parent, child) joint names of the parts; `parts.DEFAULT_PARTS` when omitted.
        encoding: `hemlets`, `5s` or `2s` (Fig. 9).
        supervision: `full`, `hemlets`, `heatmaps` or `none` (Table 4).
        sigma: of the heat maps' Gaussians, in cells.
        alpha: weight of the maps' losses.
        depth_range: metres covered by the depth axis.
        smpl: whether there is PoSh's regressor.
        regressor_channels: width of its hidden layers.
        rotation_weight: see `BodyLoss`, as for the two after it.
        betas_weight: see `BodyLoss`.
        skeleton_weight: see `BodyLoss`.
        refine_steps: L-BFGS steps that fit the body to the joints ("Ours*"); 0 for none.
        flip_test: merge with the answer to the mirrored crop: `released`, `unbiased`, or omitted for no merge.
        lr: see `PoseModule`, as for the arguments after it. The defaults are the paper's training.
        schedule: see `PoseModule`.
        milestones: see `PoseModule`; none when omitted.
        lr_factor: see `PoseModule`.
        warmup_steps: see `PoseModule`.
        protocol: see `PoseModule`.

    Raises:
        ValueError: a setting is not known, or does not go with another; the message says which.
    """

    network: HemletsNet

    def __init__(
        self,
        backbone: str = "resnet50",
        pretrained: bool | str = False,
        backbone_from: str | None = None,
        crop_size: int = 256,
        depth_bins: int | None = None,
        head_channels: int = 256,
        feature_channels: int = 1024,
        hidden_channels: int = 1024,
        body: str = "none",
        skeleton: str = "h36m18",
        parts: list[list[str]] | None = None,
        encoding: str = "hemlets",
        supervision: str = "full",
        sigma: float = 2.0,
        alpha: float = 0.05,
        depth_range: float = 2.0,
        smpl: bool = False,
        regressor_channels: int = 1024,
        rotation_weight: float = 1.0,
        betas_weight: float = 1.0,
        skeleton_weight: float = 0.0,
        refine_steps: int = 0,
        flip_test: str | None = None,
        lr: float = 1e-3,
        schedule: Schedule = "multistep",
        milestones: list[int] | None = None,
        lr_factor: float = 0.1,
        warmup_steps: int = 0,
        protocol: str = "open-v1",
    ) -> None:
        super().__init__(
            protocol,
            lr=lr,
            schedule=schedule,
            milestones=[] if milestones is None else milestones,
            lr_factor=lr_factor,
            warmup_steps=warmup_steps,
            pretrained=pretrained,
            backbone_from=backbone_from,
        )
        self.save_hyperparameters()
        if crop_size % 32:
            raise ValueError(f"crop_size {crop_size} is not a multiple of 32; use e.g. 128 or 256")
        if flip_test is not None and flip_test not in MERGES:
            raise ValueError(f"no flip_test {flip_test!r}; use one of {', '.join(MERGES)}, or leave it out")
        if smpl and body == "none":
            raise ValueError("smpl: true needs a body to regress; set body: open or smpl")
        if refine_steps and not smpl:
            raise ValueError("refine_steps fit a predicted body; set smpl: true, or refine_steps: 0")
        self.skeleton, self.backbone_from, self.flip_test = get_skeleton(skeleton), backbone_from, flip_test
        self.parts, self.cells, self.sigma = make_parts(self.skeleton, parts, encoding), crop_size // 4, sigma
        self.crop_size, self.space = crop_size, VolumeSpace(crop_size, depth_range)
        model = None if body == "none" else load_body(body)
        self.posed_body = self._posed_body(model)
        self.network = HemletsNet(
            len(self.skeleton),
            self.parts.maps,
            backbone,
            depth_bins or self.cells,
            Widths(head_channels, feature_channels, hidden_channels, regressor_channels),
            pretrained,
            len(model.parents) if smpl and model is not None else 0,
        )
        self.map_loss = MapLoss(self.parts, supervision, alpha)
        self.body_loss = (
            BodyLoss(model, rotation_weight, betas_weight, skeleton_weight) if smpl and model is not None else None
        )
        self.refiner = Refiner(self.posed_body, refine_steps) if refine_steps and self.posed_body is not None else None
        self.bones = make_bones(self.skeleton, self._rest_joints())
        self.example_input_array = torch.zeros(1, 3, crop_size, crop_size)

    def _posed_body(self, model: BodyModel | None) -> PosedBody | None:
        if model is None:
            return None
        return PosedBody(model, model.joint_regressor(self.skeleton.name), self.skeleton.root_index)

    def _rest_joints(self) -> Float[Tensor, "joints 3"] | None:
        """Joints of the average body, for bone lengths; without a body, Human3.6M's are used."""
        if self.posed_body is None:
            return None
        return self.posed_body.joint_regressor @ self.posed_body.body.v_template

    @property
    def regressor(self) -> Float[Tensor, "joints vertices"] | None:
        """Joint regressor of the body, which gives joints that a dataset did not annotate."""
        return None if self.posed_body is None else self.posed_body.joint_regressor

    def setup(self, stage: str) -> None:
        """Before `fit`, load the backbone where one is named."""
        if stage == "fit" and self.backbone_from is not None:
            load_backbone(self.network.backbone, Path(self.backbone_from))

    def forward(self, image: Tensor) -> HemletsOutput:
        """RGB crops in [0, 1] to joints in [-0.5, 0.5], maps and body (see `network.HemletsOutput`)."""
        return self.network(image)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name, weighted."""
        with torch.no_grad(), full_precision(batch["image"]):
            joints = self.space.targets(batch, self.regressor, self.skeleton.root_index)
            states = part_states(batch, self.parts, self.regressor)
            maps = draw(joints, states, self.parts, self.cells, self.sigma)
        output = self.network(batch["image"])
        losses = {"joints": joint_loss(output.joints, joints), **self.map_loss(output.maps, maps)}
        if output.body is not None and self.body_loss is not None:
            losses |= self.body_loss(output.body, self._true_body(batch), batch["smpl_valid"])
        return losses

    def predict(self, batch: Batch) -> Prediction:
        """Joints in metres, and the body with its root among them; depth from the batch or from bone lengths."""
        output = self._merged(batch["image"])
        camera = batch["intrinsics"]
        with full_precision(output.joints):
            crop_pixels = (output.joints[..., :2] + 0.5) * self.crop_size
            pixels = apply_affine(crop_pixels, invert_affine(batch["crop_affine"]))
            behind = output.joints[..., 2] * self.space.depth_range
            rays = backproject(pixels, torch.ones_like(behind), camera)[..., :2]
            root_depth, source = given_or(root_depth_from_bones(rays, behind, self.bones), "bones", batch)
            joints = backproject(pixels, behind + root_depth[:, None], camera)
            vertices, smpl = self._body(output.body, joints, batch)
            joints_2d = project(joints, camera)
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=joints_2d,
            root_depth_source=source,
            vertices=vertices,
            faces=None if self.posed_body is None or vertices is None else self.posed_body.body.faces,
            smpl=smpl,
            intermediates={"joints_normalised": output.joints, "maps": output.maps},
        )

    def _merged(self, image: Float[Tensor, "batch 3 size size"]) -> HemletsOutput:
        """The network's answer, merged with that to the mirrored crop if `flip_test` asks for it."""
        output = self.network(image)
        if self.flip_test is None:
            return output
        mirrored = self.network(image.flip(-1))
        return merge_mirrored(output, mirrored, self.skeleton, self.crop_size, self.flip_test)

    def _body(
        self, body: BodyRotations | None, joints: Float[Tensor, "batch joints 3"], batch: Batch
    ) -> tuple[Tensor | None, SmplParameters | None]:
        """The mesh and its parameters in the camera frame."""
        if body is None or self.posed_body is None:
            return None, None
        vertices, smpl = self.posed_body.place(_turned(body, self._rays(batch)), joints[:, self.skeleton.root_index])
        if self.refiner is None:
            return vertices, smpl
        return self.refiner(smpl, joints, batch["intrinsics"], batch["box"])

    def _true_body(self, batch: Batch) -> BodyRotations:
        """The fitted body as the crop shows it."""
        with torch.no_grad(), full_precision(batch["pose"]):
            rotations = roma.rotvec_to_rotmat(batch["pose"])
            return _turned(BodyRotations(rotations, batch["betas"]), self._rays(batch).mT)

    def _rays(self, batch: Batch) -> Float[Tensor, "batch 3 3"]:
        return crop_to_camera_rotation(batch["intrinsics"], batch["crop_affine"], self.crop_size)


def _turned(body: BodyRotations, turn: Float[Tensor, "batch 3 3"]) -> BodyRotations:
    """The whole body turned about its root."""
    first = turn @ body.rotations[:, 0].float()
    return BodyRotations(torch.cat([first[:, None], body.rotations[:, 1:]], 1), body.betas)
