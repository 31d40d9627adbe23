"""I2L-MeshNet as a LightningModule."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import project
from body.load import load_body
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.i2l_meshnet.losses import I2LMeshNetLoss, PartLoss
from lightning_modules.i2l_meshnet.network import I2LMeshNet, Lixels
from lightning_modules.i2l_meshnet.targets import LixelSpace, make_targets, root_depth_from_box
from lightning_modules.prediction import Prediction


class I2LMeshNetModule(PoseModule):
    """Mesh and joints from line-pixel heat maps (Moon and Lee, ECCV 2020).

    Args:
        backbone: name in `lightning_modules.backbones`.
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
        part_weight: weight of the part labels' loss on PoseNet, for starts without ImageNet weights (see `PartLoss`).
        flip_test: predict the mirrored crop too and average; twice the work. Not in the paper.
        pose_steps: first steps in which PoseNet is trained alone; it needs several times more steps than MeshNet, and
            without the mesh each costs a third.
        lr: see `PoseModule`, as for the arguments after it. The defaults are the released body training's.
        schedule: see `PoseModule`.
        milestones: see `PoseModule`; [10, 12] when omitted.
        lr_factor: see `PoseModule`.
        warmup_steps: see `PoseModule`.
        protocol: see `PoseModule`.
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
        part_weight: float = 0.0,
        pose_steps: int = 0,
        flip_test: bool = False,
        lr: float = 1e-4,
        schedule: str = "multistep",
        milestones: list[int] | None = None,
        lr_factor: float = 0.1,
        warmup_steps: int = 0,
        protocol: str = "open-v1",
    ) -> None:
        super().__init__(lr, schedule, milestones or [10, 12], lr_factor, warmup_steps, protocol)
        self.save_hyperparameters()
        body_model = load_body(body)
        self.skeleton = get_skeleton(skeleton)
        self.faces = body_model.faces
        self.depth_range = depth_range
        regressor = body_model.joint_regressor(skeleton)
        self.network = I2LMeshNet(regressor, backbone, crop_size, head_channels, sigma, pretrained)
        self.space = LixelSpace(crop_size, self.network.bins, depth_range)
        faces = torch.as_tensor(self.faces, dtype=torch.long)
        self.loss = I2LMeshNetLoss(faces, loss_terms, normal_weight, edge_weight)
        self.part_weight, self.pose_steps = part_weight, pose_steps
        self.part_loss = PartLoss(head_channels) if part_weight else None
        self.flip_test = flip_test
        if flip_test and body_model.mirror is None:
            raise ValueError(f"flip_test needs to know which vertices of body {body!r} are each other's mirror image")
        partner = torch.arange(body_model.num_vertices) if body_model.mirror is None else body_model.mirror
        self.register_buffer("mirror_vertices", torch.as_tensor(partner), persistent=False)
        self.register_buffer("mirror_joints", torch.tensor(self.skeleton.mirror), persistent=False)
        self.example_input_array = torch.zeros(1, 3, crop_size, crop_size)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """RGB crops in [0, 1] to lixel coordinates: joints, vertices, joints of the mesh (see `network.Lixels`)."""
        return self.network(image)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name, weighted."""
        targets = make_targets(batch, self.space, self.network.joint_regressor, self.skeleton.root_index)
        pose = self.network.pose(batch["image"])
        if self.global_step < self.pose_steps:
            losses = self.loss.joint_terms("joint", pose.joints, targets)
        else:
            losses = self.loss(self.network.mesh(pose), targets)
        if self.part_loss is not None:
            losses["part"] = self.part_weight * self.part_loss(pose.upsampled, batch["iuv"], batch["iuv_valid"])
        return losses

    def predict(self, batch: Batch) -> Prediction:
        """Mesh and joints in metres (Eq. 7): P = J M, at the batch's root depth or, without one, the box's estimate."""
        output = self._lixels(batch["image"])
        estimate = root_depth_from_box(batch["box"], batch["intrinsics"], self.depth_range)
        given = batch["root_depth_valid"]
        depth = torch.where(given, batch["root_depth"], estimate)
        camera = (depth, batch["intrinsics"], batch["crop_affine"])
        vertices = self.space.decode(output.vertices, *camera)
        joints = self.network.joint_regressor @ vertices
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=project(joints, batch["intrinsics"]),
            root_depth_source="given" if bool(given.all()) else "box",
            vertices=vertices,
            faces=self.faces,
            intermediates={
                "pose_net_joints": self.space.decode(output.joints, *camera),
                "joints_lixel": output.joints,
                "vertices_lixel": output.vertices,
            },
        )

    def _lixels(self, image: Float[Tensor, "batch 3 size size"]) -> Lixels:
        """The network's answer, averaged with its answer to the mirrored crop if `flip_test` asks for it."""
        output = self.network(image)
        if not self.flip_test:
            return output
        mirrored = self.network(image.flip(-1))
        joints = (output.joints + self.space.mirror(mirrored.joints, self.mirror_joints)) / 2
        vertices = (output.vertices + self.space.mirror(mirrored.vertices, self.mirror_vertices)) / 2
        return Lixels(joints, vertices, self.network.joint_regressor @ vertices)
