"""DaNet as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine
from body.camera import project as project_to_image
from body.load import load_body
from body.skeleton import SMPL24, get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.flip_test import mean_body, mirror_body
from lightning_modules.common.initial_weights import load_backbone
from lightning_modules.common.posed_body import BodyRotations, PosedBody
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import given_or
from lightning_modules.common.rotations import crop_to_camera_rotation, matrix_from_9d
from lightning_modules.common.training import Schedule
from lightning_modules.danet.charts import CHARTS, PARTS
from lightning_modules.danet.criterion import DaNetLoss
from lightning_modules.danet.crop_camera import FOCAL, SMALLEST_SCALE, crop_focal, mirror_camera, project, translation
from lightning_modules.danet.iuv import harden_iuv, image_of_maps
from lightning_modules.danet.network import DaNet, DaNetOutput
from lightning_modules.danet.targets import Targets, make_targets
from lightning_modules.prediction import Prediction


class DaNetModule(PoseModule):
    """Body from dense correspondences: IUV maps, decomposed streams, aggregated refinement (Zhang et al., TPAMI 2020).

    Args:
        iuv_backbone: see `DaNet`, as for the arguments up to `features`.
        charts: of the IUV labels: `densepose` (SMPL) or `open` (the open body).
        channels: see `DaNet`.
        representation: see `DaNet`.
        streams: see `DaNet`.
        aggregation: see `Aggregation`.
        learned_edges: see `Aggregation`.
        parts: see `DaNet`.
        roi_ratios: see `JointWindows`.
        roi_scale: see `JointWindows`.
        jitter: see `JointWindows`.
        drop: see `PartDrop`.
        drop_rate: see `PartDrop`.
        rotation: `6d` or `matrix`.
        global_backbone: see `DaNet`.
        local_backbone: see `DaNet`.
        stream_channels: see `DaNet`.
        features: see `DaNet`.
        pretrained: weights that backbones start from; see `TrainingOptions`.
        backbone_from: weights of the zoo whose backbone `fit` starts the first stage's from: a file, or on the command
            line a name.
        crop_size: side of the input crop in pixels, a multiple of 32; maps are a quarter of it.
        body: body model.
        skeleton: joint set of the batches and predictions; the body must have a regressor for it.
        face_crop: the network answers as if the camera looked straight at the crop with the focal length it has, and
            its answer is turned into the camera's frame. The release answers in the camera's frame right away, with one
            focal length for all, which only long lenses allow.
        flip_test: average camera, shape and rotations with those of the mirrored crop; twice the work. Not published.
        loss_terms: see `DaNetLoss`.
        loss_weights: see `DaNetLoss`.
        estimator_steps: first steps in which the first stage is trained alone.
        lr: see `PoseModule`, as for the arguments after it.
        schedule: see `PoseModule`.
        milestones: steps (not epochs) of the multistep schedule; [30000, 60000] when omitted.
        lr_factor: see `PoseModule`.
        warmup_steps: see `PoseModule`.
        protocol: see `PoseModule`.

    Raises:
        ValueError: a setting is not known, or does not go with another; the message says which.
    """

    initialisation: ClassVar[Mapping[str, Any]] = {"estimator_steps": 0}
    network: DaNet

    def __init__(
        self,
        iuv_backbone: str = "hrnet_w48",
        charts: str = "densepose",
        channels: int = 256,
        representation: str = "iuv",
        streams: str = "many",
        aggregation: str = "gcn",
        learned_edges: bool = True,
        parts: str = "near",
        roi_ratios: str = "released",
        roi_scale: str = "joints",
        jitter: bool = True,
        drop: str = "part_release",
        drop_rate: float = 0.3,
        rotation: str = "6d",
        global_backbone: str = "resnet18",
        local_backbone: str = "resnet18",
        stream_channels: int = 64,
        features: int = 128,
        pretrained: bool | str = False,
        backbone_from: str | None = None,
        crop_size: int = 224,
        body: str = "open",
        skeleton: str = "smpl29",
        face_crop: bool = False,
        flip_test: bool = False,
        loss_terms: str = "release",
        loss_weights: dict[str, float] | None = None,
        estimator_steps: int = 5000,
        lr: float = 1e-4,
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
            milestones=[30000, 60000] if milestones is None else milestones,
            lr_factor=lr_factor,
            warmup_steps=warmup_steps,
            pretrained=pretrained,
            backbone_from=backbone_from,
        )
        self.save_hyperparameters()
        if crop_size % 32:
            raise ValueError(f"crop_size {crop_size} is not a multiple of 32; use e.g. 128 or 224")
        if flip_test and representation == "true":
            raise ValueError("flip_test needs maps of the mirrored crop, which representation true does not estimate")
        names = (iuv_backbone, charts, channels, representation, streams, aggregation, learned_edges, parts)
        windows = (roi_ratios, roi_scale, jitter, drop, drop_rate, rotation)
        widths = (global_backbone, local_backbone, stream_channels, features, pretrained)
        self.network = DaNet(*names, *windows, *widths)
        model = load_body(body)
        self.skeleton, self.faces, self.crop_size = get_skeleton(skeleton), model.faces, crop_size
        self.face_crop, self.flip_test = face_crop, flip_test
        self.estimator_steps, self.backbone_from = estimator_steps, backbone_from
        self.posed_body = PosedBody(model, model.joint_regressor(skeleton), self.skeleton.root_index)
        hips = [self.skeleton.index(f"{side}_hip") for side in ("left", "right")]
        coarse = CHARTS[charts].coarse_table()
        self.loss = DaNetLoss(self.posed_body, coarse, hips, loss_terms, loss_weights)
        self.example_input_array = torch.zeros(1, 3, crop_size, crop_size)

    def setup(self, stage: str) -> None:
        """Before `fit`, load the first stage's backbone where one is named."""
        if stage == "fit" and self.backbone_from is not None:
            load_backbone(self.network.estimator.backbone, Path(self.backbone_from))

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
        terms = self.loss.of_estimate(estimate, target, batch, self.network.joint_parts)
        if self.global_step >= self.estimator_steps:
            output = self.network.regress(estimate, target.iuv, supervise=True)
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
        return torch.eye(3, device=batch["image"].device).expand(len(batch["image"]), 3, 3)

    def focal(self, batch: Batch) -> Float[Tensor, " batch"]:
        """Focal length of the camera that the network answers with, see `crop_camera`."""
        own = crop_focal(batch["intrinsics"], batch["crop_affine"], self.crop_size)
        return own if self.face_crop else torch.full_like(own, FOCAL)

    def predict(self, batch: Batch) -> Prediction:
        """The body, its root where the predicted camera shows it, at the batch's root depth or the camera's own."""
        true = self.targets(batch).iuv if self.network.representation == "true" else None
        output = self.network(batch["image"], true)
        body, camera = self._merged(output, batch["image"])
        root, source = self._root(body, camera, batch)
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
            root_depth_source=source,
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

    def _merged(self, output: DaNetOutput, image: Tensor) -> tuple[BodyRotations, Float[Tensor, "batch 3"]]:
        """Body and camera, averaged with those of the mirrored crop if `flip_test` asks for it."""
        body = self._body(output)
        if not self.flip_test:
            return body, output.camera
        mirrored = self.network(image.flip(-1))
        camera = (output.camera + mirror_camera(mirrored.camera, self.crop_size)) / 2
        return mean_body(body, mirror_body(self._body(mirrored))), camera

    def _body(self, output: DaNetOutput) -> BodyRotations:
        """The answer's body, its rotations orthogonal."""
        proper = self.network.rotation == "6d"
        return BodyRotations(output.rotations if proper else matrix_from_9d(output.rotations.flatten(2)), output.betas)

    def _root(
        self, body: BodyRotations, camera: Float[Tensor, "batch 3"], batch: Batch
    ) -> tuple[Float[Tensor, "batch 3"], str]:
        """Root joint in the camera frame, metres, and where its depth is from.

        Without a given depth it is where a metre appears as large as the predicted scale says.
        """
        with full_precision(camera):
            joints = self.posed_body.joints(self.posed_body.vertices(body))
            place = project(joints[:, self.skeleton.root_index, None], camera, self.focal(batch))
            affine, intrinsics = batch["crop_affine"], batch["intrinsics"]
            pixel = apply_affine((place + 1) * (self.crop_size / 2), invert_affine(affine))
            seen = torch.cat([camera[:, :1].clamp(min=SMALLEST_SCALE), camera[:, 1:]], 1)
            own = translation(seen, crop_focal(intrinsics, affine, self.crop_size))[:, 2]
            depth, source = given_or(own, "camera", batch)
            return backproject(pixel, depth[:, None], intrinsics).squeeze(1), source
