"""I2L-MeshNet as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import project
from body.load import load_body
from body.model import BodyModel
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.initial_weights import load_first_stage
from lightning_modules.common.posed_body import BodyParameters
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import given_or, root_depth_from_box
from lightning_modules.i2l_meshnet.body_head import mesh_net
from lightning_modules.i2l_meshnet.losses import I2LMeshNetLoss, PartLoss
from lightning_modules.i2l_meshnet.network import BodyLixels, I2LMeshNet, Lixels
from lightning_modules.i2l_meshnet.parameters import FittedBody
from lightning_modules.i2l_meshnet.regressor import ParameterRegressor
from lightning_modules.i2l_meshnet.targets import LixelSpace, LixelTargets, make_targets
from lightning_modules.prediction import Prediction

STAGES = ("lixel", "param")


class I2LMeshNetModule(PoseModule):
    """Mesh and joints from line-pixel heat maps (Moon and Lee, ECCV 2020).

    Args:
        backbone: name in `lightning_modules.common.backbones`.
        pretrained: start from ImageNet weights (through timm, when it can get them).
        crop_size: side of the input crop in pixels, a multiple of 32.
        head_channels: width of the up-sampled features; 256 in the paper.
        sigma: of the Gaussians that show MeshNet the joints, in bins.
        body: body model, whose mesh is predicted.
        skeleton: joint set; the body must have a regressor for it.
        depth_range: metres covered by the depth axis (2 for bodies, 0.3 for hands).
        loss_terms: `paper` (five terms) or `release` (seven).
        normal_weight: weight of the normal loss.
        edge_weight: weight of the edge loss.
        mesh_joint_weight: weight of the joints that are regressed from the mesh (Table 11).
        part_weight: weight of the part labels' loss on PoseNet, for starts without ImageNet weights (see `PartLoss`).
        flip_test: predict the mirrored crop too and average; twice the work. Not in the paper.
        pose_steps: first steps in which PoseNet is trained alone; it needs several times more steps than MeshNet, and
            without the mesh each costs a third.
        cascade: what MeshNet is shown: the joints of `pose_net`, the `true` ones (of the batch, in training and test),
            or `none` (Table 3).
        mesh_head: what the mesh is predicted with: `smpl` (body parameters) or one of `heads.MESH_HEADS` (Tables 1, 2,
            8, 9 and 10).
        mesh_bins: length of the mesh's heat maps (Table 2); a quarter of the crop when omitted.
        stage: `lixel` trains the network; `param` adds a regressor of body parameters and trains nothing else.
        mesh_from: which mesh `predict` answers with, `lixel` or `param` (the regressed body).
        start_from: where `fit` gets the weights of stage `lixel` from for stage `param`: a Lightning checkpoint or a
            safetensors file.
        lr: see `PoseModule`, as for the arguments after it. The defaults are the released body training's.
        schedule: see `PoseModule`.
        milestones: see `PoseModule`; [10, 12] when omitted.
        lr_factor: see `PoseModule`.
        warmup_steps: see `PoseModule`.
        protocol: see `PoseModule`.

    Raises:
        ValueError: a setting is not known, or does not go with another; the message says which.
    """

    network: I2LMeshNet
    mirror_vertices: Tensor
    mirror_joints: Tensor

    def __init__(
        self,
        backbone: str = "resnet50",
        pretrained: bool = False,
        crop_size: int = 256,
        head_channels: int = 256,
        sigma: float = 2.5,
        body: str = "open",
        skeleton: str = "smpl29",
        depth_range: float = 2.0,
        loss_terms: str = "paper",
        normal_weight: float = 0.1,
        edge_weight: float = 1.0,
        mesh_joint_weight: float = 1.0,
        part_weight: float = 0.0,
        pose_steps: int = 0,
        flip_test: bool = False,
        cascade: str = "pose_net",
        mesh_head: str = "lixel",
        mesh_bins: int | None = None,
        stage: str = "lixel",
        mesh_from: str = "lixel",
        start_from: str | None = None,
        lr: float = 1e-4,
        schedule: str = "multistep",
        milestones: list[int] | None = None,
        lr_factor: float = 0.1,
        warmup_steps: int = 0,
        protocol: str = "open-v1",
    ) -> None:
        super().__init__(
            lr, schedule, [10, 12] if milestones is None else milestones, lr_factor, warmup_steps, protocol
        )
        self.save_hyperparameters()
        _check(self.hparams)
        body_model = load_body(body)
        self.skeleton, self.faces = get_skeleton(skeleton), body_model.faces
        self.depth_range, self.cascade, self.flip_test = depth_range, cascade, flip_test
        self.mesh_from, self.start_from = mesh_from, start_from
        joints = body_model.joint_regressor(skeleton)
        second = ParameterRegressor(len(joints), len(body_model.parents)) if stage == "param" else None
        make = mesh_net(mesh_head, body_model, joints, depth_range)
        self.network = make(joints, backbone, crop_size, head_channels, sigma, pretrained, cascade, mesh_bins, second)
        self.crop_size, self.space = crop_size, LixelSpace(crop_size, self.network.bins, depth_range)
        faces = torch.as_tensor(self.faces, dtype=torch.long)
        with_pose_net = cascade == "pose_net"
        self.loss = I2LMeshNetLoss(faces, loss_terms, normal_weight, edge_weight, mesh_joint_weight, with_pose_net)
        self.part_weight, self.pose_steps = part_weight, pose_steps
        self.part_loss = PartLoss(head_channels) if part_weight else None
        has_parameters = stage == "param" or mesh_head == "smpl"
        self.posed_body = FittedBody(body_model, joints, self.skeleton.root_index) if has_parameters else None
        self._keep_mirror(body_model)
        self.example_input_array = torch.zeros(1, 3, crop_size, crop_size)
        if second is not None:
            self.freeze_part(self.network, except_=second)

    def _keep_mirror(self, body: BodyModel) -> None:
        if self.flip_test and body.mirror is None:
            raise ValueError(
                f"flip_test needs to know which vertices of body {body.name!r} are each other's mirror image"
            )
        partner = torch.arange(body.num_vertices) if body.mirror is None else body.mirror
        self.register_buffer("mirror_vertices", torch.as_tensor(partner), persistent=False)
        self.register_buffer("mirror_joints", torch.tensor(self.skeleton.mirror), persistent=False)

    def setup(self, stage: str) -> None:
        """Before `fit`, load the first stage where one is named."""
        if stage == "fit" and self.start_from is not None:
            load_first_stage(self.network, Path(self.start_from), new=("regressor",))

    def forward(self, image: Tensor) -> Lixels | BodyLixels:
        """RGB crops in [0, 1] to lixel coordinates: joints, vertices, joints of the mesh (see `network.Lixels`)."""
        return self.network(image)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name, weighted."""
        if self.posed_body is not None and self.network.regressor is not None:
            with torch.no_grad():
                joints = self._lixels(batch).joints_from_mesh
            return self.posed_body.losses(self.network.regressor(joints), batch)
        targets = self._targets(batch)
        pose = self.network.pose(batch["image"], self._true_joints(targets))
        if self.global_step < self.pose_steps and pose.joints is not None:
            losses = self.loss.joint_terms("joint", pose.joints, targets)
        else:
            output = self.network.mesh(pose)
            losses = self.loss(output, targets)
            if isinstance(output, BodyLixels) and self.posed_body is not None:
                losses |= self.posed_body.losses(output.parameters, batch)
        if self.part_loss is not None and pose.upsampled is not None:
            losses["part"] = self.part_weight * self.part_loss(pose.upsampled, batch["iuv"], batch["iuv_valid"])
        return losses

    def predict(self, batch: Batch) -> Prediction:
        """Mesh and joints in metres (Eq. 7): P = J M, at the batch's root depth or, without one, the box's estimate."""
        output = self._lixels(batch)
        estimate = root_depth_from_box(batch["box"], batch["intrinsics"], self.depth_range)
        depth, source = given_or(estimate, "box", batch)
        camera = (depth, batch["intrinsics"], batch["crop_affine"])
        intermediates = {"joints_lixel": output.joints, "vertices_lixel": output.vertices}
        intermediates["pose_net_joints"] = self.space.decode(output.joints, *camera)
        vertices = self.space.decode(output.vertices, *camera)
        smpl = None
        with full_precision(vertices):
            joints = self.network.joint_regressor @ vertices
            if self.posed_body is not None:
                posed, smpl = self.posed_body.place(self._body_parameters(output), joints[:, self.skeleton.root_index])
                if self.mesh_from == "param":
                    vertices, joints = posed, self.network.joint_regressor @ posed
            joints_2d = project(joints, batch["intrinsics"])
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=joints_2d,
            root_depth_source=source,
            vertices=vertices,
            faces=self.faces,
            smpl=smpl,
            intermediates=intermediates,
        )

    def _lixels(self, batch: Batch) -> Lixels | BodyLixels:
        """The network's answer, averaged with its answer to the mirrored crop if `flip_test` asks for it."""
        image = batch["image"]
        if self.cascade == "true":
            return self.network(image, self._true_joints(self._targets(batch)))
        output = self.network(image)
        if not self.flip_test:
            return output
        mirrored = self.network(image.flip(-1))
        joints = (output.joints + self.space.mirror(mirrored.joints, self.mirror_joints)) / 2
        vertices = (output.vertices + self.space.mirror(mirrored.vertices, self.mirror_vertices)) / 2
        with full_precision(vertices):
            return Lixels(joints, vertices, self.network.joint_regressor @ vertices)

    def _body_parameters(self, output: Lixels | BodyLixels) -> BodyParameters:
        if isinstance(output, BodyLixels):
            return output.parameters
        assert self.network.regressor is not None  # `posed_body` exists for these two cases only
        return self.network.regressor(output.joints_from_mesh)

    def _targets(self, batch: Batch) -> LixelTargets:
        return make_targets(batch, self.space, self.network.joint_regressor, self.skeleton.root_index)

    def _true_joints(self, targets: LixelTargets) -> Float[Tensor, "batch joints 3"] | None:
        """For `cascade` `true`: the fitted body's joints, or the dataset's own where there is no fit."""
        if self.cascade != "true":
            return None
        return torch.where(targets.fit_valid, targets.fit_joints, targets.joints)


def _check(settings: Mapping[str, Any]) -> None:
    """Refuse settings that are unknown or do not go together."""
    has_parameters = settings["stage"] == "param" or settings["mesh_head"] == "smpl"
    for name, known in (("stage", STAGES), ("mesh_from", STAGES)):
        if settings[name] not in known:
            raise ValueError(f"no {name} {settings[name]!r}; use one of {', '.join(known)}")
    if settings["mesh_from"] == "param" and not has_parameters:
        raise ValueError("mesh_from: param needs body parameters; set stage: param or mesh_head: smpl")
    if settings["stage"] == "param" and (settings["mesh_head"] == "smpl" or settings["part_weight"]):
        raise ValueError("stage: param trains the regressor on a lixel mesh and nothing else; set part_weight: 0")
    if settings["cascade"] != "pose_net" and (settings["part_weight"] or settings["pose_steps"]):
        raise ValueError("part_weight and pose_steps train PoseNet, which there is only with cascade: pose_net")
    if settings["flip_test"] and (settings["cascade"] == "true" or settings["mesh_head"] == "smpl"):
        raise ValueError("flip_test averages lixels predicted from the image alone; not for cascade true or head smpl")
