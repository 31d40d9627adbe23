"""I2L-MeshNet as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Unpack

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import project
from body.load import load_body
from body.model import BodyModel
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.bone_depth import root_depth_from_bones, tree_bones
from lightning_modules.common.flip_test import with_mirrored
from lightning_modules.common.initial_weights import load_first_stage
from lightning_modules.common.posed_body import BodyParameters
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import choose_depth, root_depth_from_box
from lightning_modules.common.training import TrainingOptions
from lightning_modules.i2l_meshnet.body_head import make_network
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig, I2LMeshNetLossConfig, JointsFrom, Stage
from lightning_modules.i2l_meshnet.losses import I2LMeshNetLoss, PartLoss
from lightning_modules.i2l_meshnet.network import BodyLixels, I2LMeshNet, Lixels
from lightning_modules.i2l_meshnet.parameters import SmplParameterLoss
from lightning_modules.i2l_meshnet.regressor import ParameterRegressor
from lightning_modules.i2l_meshnet.targets import LixelSpace, LixelTargets, make_targets
from lightning_modules.prediction import Prediction


class I2LMeshNetModule(PoseModule):
    """Mesh and joints from line-pixel heat maps (Moon and Lee, ECCV 2020).

    Args:
        network: settings of the network.
        losses: what it is trained with.
        body: body model, whose mesh is predicted.
        skeleton: joint set; the body must have a regressor for it.
        protocol: see `PoseModule`.
        stage: `lixel` trains the network; `param` adds a regressor of body parameters and trains nothing else.
        start_from: where `fit` gets the weights of stage `lixel` from for stage `param`: a Lightning checkpoint or a
            safetensors file.
        mesh_from: which mesh `predict` gives, `lixel` or `param` (the regressed body).
        joints_from: which joints `predict` gives, those of the `mesh` or `pose_net`'s own (Table 12).
        flip_test: predict the mirrored crop too and average; twice the work. Not in the paper.
        **training: see `TrainingOptions`; the defaults are the released body training's.

    Raises:
        ValueError: settings do not go together; the message says which.
    """

    training_defaults = TrainingOptions(lr=1e-4, milestones=[10, 12])
    initialisation: ClassVar[Mapping[str, Any]] = {"start_from": None, "losses": {"pose_steps": 0}}
    training_only = ("part_loss.",)
    full_precision_parts = ("regressor",)
    network: I2LMeshNet
    mirror_vertices: Tensor
    mirror_joints: Tensor

    def __init__(
        self,
        network: I2LMeshNetConfig = I2LMeshNetConfig(),
        losses: I2LMeshNetLossConfig = I2LMeshNetLossConfig(),
        body: str = "open",
        skeleton: str = "smpl29",
        protocol: str = "open-v1",
        stage: Stage = "lixel",
        start_from: str | None = None,
        mesh_from: Stage = "lixel",
        joints_from: JointsFrom = "mesh",
        flip_test: bool = False,
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        _check(network, losses, stage, mesh_from, flip_test)
        self.config, self.loss_config, self.flip_test = network, losses, flip_test
        if joints_from == "pose_net" and network.cascade != "pose_net":
            raise ValueError("joints_from: pose_net needs a PoseNet; set network.cascade: pose_net")
        self.joints_from = joints_from
        self.mesh_from, self.start_from, self.pose_steps = mesh_from, start_from, losses.pose_steps
        body_model = load_body(body)
        self.skeleton, self.faces = get_skeleton(skeleton), body_model.faces
        joints = body_model.joint_regressor(skeleton)
        second = ParameterRegressor(len(joints), len(body_model.parents)) if stage == "param" else None
        pretrained = self.training_options["pretrained"]
        self.network = make_network(network, body_model, joints, pretrained, second)
        self.crop_size, self.crop_margin = network.crop_size, network.crop_margin
        self.space = LixelSpace(network.crop_size, self.network.bins, network.depth_range)
        self.bones = None
        if network.joint_prior:
            self.bones, self.own_root_depth = tree_bones(self.skeleton, joints @ body_model.v_template), "bones"
        faces = torch.as_tensor(self.faces, dtype=torch.long)
        self.loss = I2LMeshNetLoss(faces, losses, pose_net=network.cascade == "pose_net")
        self.part_loss = PartLoss(network.head_channels) if losses.part_weight else None
        has_parameters = stage == "param" or network.mesh_head == "smpl"
        self.posed_body = SmplParameterLoss(body_model, joints, self.skeleton.root_index) if has_parameters else None
        self._keep_mirror(body_model)
        self.example_input_array = torch.zeros(1, 3, network.crop_size, network.crop_size)
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
        super().setup(stage)
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
            losses["part"] = self.loss_config.part_weight * self.part_loss(
                pose.upsampled, batch["iuv"], batch["iuv_valid"]
            )
        return losses

    def predict(self, batch: Batch) -> Prediction:
        """Mesh and joints in metres (Eq. 7): P = J M. Their size too goes with the root's depth (see `RootDepth`)."""
        output = self._lixels(batch)
        estimate = self._own_root_depth(output, batch)
        camera = (choose_depth(estimate, self.root_depth, batch), batch["intrinsics"], batch["crop_affine"])
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
            if self.joints_from == "pose_net":
                joints = intermediates["pose_net_joints"]
            joints_2d = project(joints, batch["intrinsics"])
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=joints_2d,
            root_depth_source=self.root_depth_source,
            vertices=vertices,
            faces=self.faces,
            smpl=smpl,
            intermediates=intermediates,
        )

    def _own_root_depth(self, output: Lixels | BodyLixels, batch: Batch) -> Float[Tensor, " batch"]:
        """From the box; from the lengths of bones where their ends are the backbone's."""
        if self.bones is None:
            return root_depth_from_box(batch["box"], batch["intrinsics"], self.config.depth_range)
        anywhere = torch.full_like(batch["box"][:, 0], self.config.depth_range)
        with full_precision(output.joints_from_mesh):
            points = self.space.decode(output.joints_from_mesh, anywhere, batch["intrinsics"], batch["crop_affine"])
            rays, behind = points[..., :2] / points[..., 2:], points[..., 2] - anywhere[:, None]
            return root_depth_from_bones(rays, behind, self.bones)

    def _lixels(self, batch: Batch) -> Lixels | BodyLixels:
        """The network's answer, averaged with its answer to the mirrored crop if `flip_test` asks for it."""
        image = batch["image"]
        if self.config.cascade == "true":
            return self.network(image, self._true_joints(self._targets(batch)))
        if not self.flip_test:
            return self.network(image)
        output, mirrored = with_mirrored(self.network, image)
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
        if self.config.cascade != "true":
            return None
        return torch.where(targets.fit_valid, targets.fit_joints, targets.joints)


def _check(
    network: I2LMeshNetConfig, losses: I2LMeshNetLossConfig, stage: Stage, mesh_from: Stage, flip_test: bool
) -> None:
    """Refuse settings that do not go together."""
    regresses = network.mesh_head == "smpl"
    if mesh_from == "param" and not (stage == "param" or regresses):
        raise ValueError("mesh_from: param needs body parameters; set stage: param or network.mesh_head: smpl")
    if stage == "param" and (regresses or losses.part_weight):
        raise ValueError("stage: param trains the regressor on a lixel mesh and nothing else; set part_weight: 0")
    if network.cascade != "pose_net" and (losses.part_weight or losses.pose_steps):
        raise ValueError("part_weight and pose_steps train PoseNet, which there is only with cascade: pose_net")
    if flip_test and (network.cascade == "true" or regresses):
        raise ValueError("flip_test averages lixels predicted from the image alone; not for cascade true or head smpl")
