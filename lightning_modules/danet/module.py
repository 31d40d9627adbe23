"""DaNet as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine
from body.camera import project as project_to_image
from body.load import load_body
from body.skeleton import SMPL24, get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.flip_test import mean_body, mirror_body, with_mirrored
from lightning_modules.common.pose_prior import PosePrior
from lightning_modules.common.posed_body import BodyRotations, PosedBody
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import choose_depth
from lightning_modules.common.rotations import crop_focal, crop_to_camera_rotation, matrix_from_9d
from lightning_modules.common.training import TrainingOptions
from lightning_modules.danet.charts import CHARTS, PARTS
from lightning_modules.danet.config import DaNetConfig, DaNetLossConfig
from lightning_modules.danet.criterion import DaNetLoss
from lightning_modules.danet.crop_camera import FOCAL, SMALLEST_SCALE, mirror_camera, project, translation
from lightning_modules.danet.estimator import IuvEstimator
from lightning_modules.danet.iuv import TrueIuv, harden_iuv, image_of_maps
from lightning_modules.danet.mean_person import Start, read_mean_person
from lightning_modules.danet.network import DaNet, DaNetOutput
from lightning_modules.danet.targets import Targets, make_targets
from lightning_modules.prediction import Prediction


class DaNetModule(PoseModule):
    """Body from dense correspondences: IUV maps, decomposed streams, aggregated refinement (Zhang et al., TPAMI 2020).

    Args:
        network: settings of the network.
        losses: what it is trained with.
        body: body model.
        skeleton: joint set of the batches and predictions; the body must have a regressor for it. The release compares
            keypoints with SPIN's regressors, of LSP's hips, MPII's pelvis and so on: `spin24`.
        protocol: see `PoseModule`.
        face_crop: the network answers as if the camera looked straight at the crop with the focal length it has, and
            its answer is turned into the camera's frame. The release answers in the camera's frame right away, with one
            focal length for all, which only long lenses allow.
        start: the person that answers are added to when a training starts.
        flip_test: average camera, shape and rotations with those of the mirrored crop; twice the work. Not published.
        **training: see `TrainingOptions`; milestones are steps, not epochs.

    Raises:
        ValueError: settings do not go together; the message says which.
    """

    training_defaults = TrainingOptions(lr=1e-4, milestones=[30000, 60000])
    initialisation: ClassVar[Mapping[str, Any]] = {"losses": {"estimator_steps": 0}, "start": "upright"}
    own_root_depth = "camera"
    network: DaNet

    def __init__(
        self,
        network: DaNetConfig = DaNetConfig(),
        losses: DaNetLossConfig = DaNetLossConfig(),
        body: str = "open",
        skeleton: str = "smpl29",
        protocol: str = "open-v1",
        face_crop: bool = False,
        start: Start = "upright",
        flip_test: bool = False,
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        if flip_test and network.representation == "true":
            raise ValueError("flip_test needs maps of the mirrored crop, which representation true does not estimate")
        model = load_body(body)
        prior = PosePrior(model) if network.joint_prior else None
        self.network = DaNet(network, self.training_options["pretrained"], prior)
        self.skeleton, self.faces = get_skeleton(skeleton), model.faces
        self.crop_size, self.crop_margin = network.crop_size, network.crop_margin
        self.face_crop, self.flip_test, self.estimator_steps = face_crop, flip_test, losses.estimator_steps
        self.posed_body = PosedBody(model, model.joint_regressor(skeleton), self.skeleton.root_index)
        self.start = start
        hips = [number for number, joint in enumerate(self.skeleton.joints) if "_hip" in joint]
        coarse = CHARTS[network.charts].coarse_table()
        self.loss = DaNetLoss(self.posed_body, coarse, hips, losses)
        self.example_input_array = torch.zeros(1, 3, network.crop_size, network.crop_size)

    def setup(self, stage: str) -> None:
        """Before `fit`, put the person of `start` into the network; a checkpoint that is resumed has its own."""
        super().setup(stage)
        if stage == "fit" and self.start == "spin":
            self.network.start_from(read_mean_person())

    def backbones(self) -> tuple[Backbone, ...]:
        """The first stage's; see `PoseModule.backbones`."""
        return (self.network.estimator.backbone,)

    def configure_optimizers(self) -> Any:
        """As the base class; milestones are steps."""
        setup: Any = super().configure_optimizers()
        setup["lr_scheduler"]["interval"] = "step"
        return setup

    def forward(self, image: Tensor) -> DaNetOutput:
        """RGB crops in [0, 1] to camera, shape, rotations and IUV maps."""
        return self.network(image)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name, weighted; those of the first stage alone in the first `estimator_steps`."""
        target = self.targets(batch)
        estimate = self.network.estimator(batch["image"])
        learns = isinstance(self.network.estimator, IuvEstimator)
        terms = self.loss.of_estimate(estimate, target, batch, self.network.joint_parts) if learns else {}
        if not learns or self.global_step >= self.estimator_steps:
            output = self.network.regress(estimate, TrueIuv(target.iuv, target.places), supervise=True)
            terms |= self.loss.of_body(output, target)
        return terms

    def targets(self, batch: Batch) -> Targets:
        """Labels in the frame that the network answers in."""
        regressor = self.posed_body.body.joint_regressor(SMPL24.name)
        cells = self.crop_size // 4
        return make_targets(batch, self.skeleton, regressor, self.facing(batch), self.focal(batch), cells)

    def facing(self, batch: Batch) -> Float[Tensor, "batch 3 3"]:
        """Turn from the frame that the network answers in to the camera's."""
        if self.face_crop:
            return crop_to_camera_rotation(batch["intrinsics"], batch["crop_affine"], self.crop_size)
        return torch.eye(3, device=batch["image"].device).expand(batch["image"].shape[0], 3, 3)

    def focal(self, batch: Batch) -> Float[Tensor, " batch"]:
        """Focal length of the camera that the network answers with, see `crop_camera`."""
        own = crop_focal(batch["intrinsics"], batch["crop_affine"], self.crop_size)
        return own if self.face_crop else torch.full_like(own, FOCAL)

    def predict(self, batch: Batch) -> Prediction:
        """The body, its root where the predicted camera shows it, at that camera's depth or another (`RootDepth`)."""
        output, body, camera = self._merged(batch)
        root = self._root(body, camera, batch)
        with full_precision(body.rotations):
            orientation = (self.facing(batch) @ body.rotations[:, 0]).unsqueeze(1)
            turned = torch.cat([orientation, body.rotations[:, 1:]], 1)
            vertices, smpl = self.posed_body.place(BodyRotations(turned, body.betas), root)
            joints = self.posed_body.joints(vertices)
            joints_2d = project_to_image(joints, batch["intrinsics"])
        estimate = output.estimate
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=joints_2d,
            root_depth_source=self.root_depth_source,
            vertices=vertices,
            faces=self.faces,
            smpl=smpl,
            intermediates={
                "camera": camera,
                "iuv": image_of_maps(harden_iuv(estimate.iuv)) * joints.new_tensor((PARTS, 1, 1)).view(3, 1, 1),
                "joint_places": estimate.windows.centres,
                "joint_hidden": estimate.windows.hidden,
                "joint_windows": estimate.windows.thetas,
            },
        )

    def _true(self, batch: Batch) -> TrueIuv | None:
        """Labels, for a network that reads them."""
        if self.network.representation != "true":
            return None
        target = self.targets(batch)
        return TrueIuv(target.iuv, target.places)

    def _merged(self, batch: Batch) -> tuple[DaNetOutput, BodyRotations, Float[Tensor, "batch 3"]]:
        """The output for the crop, body and camera; these averaged with the mirrored crop's by `flip_test`."""
        image, focal = batch["image"], self.focal(batch)
        if not self.flip_test:
            output = self.network.follow(self.network(image, self._true(batch)), focal)
            return output, self._body(output), output.camera
        focal = torch.cat([focal, focal])
        output, mirrored = with_mirrored(lambda crops: self.network.follow(self.network(crops), focal), image)
        camera = (output.camera + mirror_camera(mirrored.camera, self.crop_size)) / 2
        return output, mean_body(self._body(output), mirror_body(self._body(mirrored))), camera

    def _body(self, output: DaNetOutput) -> BodyRotations:
        """The answer's body, its rotations orthogonal."""
        proper = self.network.rotation == "6d"
        return BodyRotations(output.rotations if proper else matrix_from_9d(output.rotations.flatten(2)), output.betas)

    def _root(self, body: BodyRotations, camera: Float[Tensor, "batch 3"], batch: Batch) -> Float[Tensor, "batch 3"]:
        """Root joint in the camera frame, metres.

        The method's own depth is where a metre appears as large as the predicted scale says.
        """
        with full_precision(camera):
            joints = self.posed_body.joints(self.posed_body.vertices(body))
            place = project(joints[:, self.skeleton.root_index, None], camera, self.focal(batch))
            affine, intrinsics = batch["crop_affine"], batch["intrinsics"]
            pixel = apply_affine((place + 1) * (self.crop_size / 2), invert_affine(affine))
            seen = torch.cat([camera[:, :1].clamp(min=SMALLEST_SCALE), camera[:, 1:]], 1)
            own = translation(seen, crop_focal(intrinsics, affine, self.crop_size))[:, 2]
            depth = choose_depth(own, self.root_depth, batch)
            return backproject(pixel, depth[:, None], intrinsics).squeeze(1)
