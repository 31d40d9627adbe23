"""HEMlets and HEMlets PoSh as a LightningModule."""

from __future__ import annotations

from typing import Unpack

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
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.bone_depth import (
    make_bones,
    released_camera,
    root_depth_by_grid,
    root_depth_from_bones,
)
from lightning_modules.common.flip_test import with_mirrored
from lightning_modules.common.joint_prior import VolumePrior
from lightning_modules.common.pose_prior import PosePrior
from lightning_modules.common.posed_body import BodyRotations, PosedBody
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import choose_depth
from lightning_modules.common.rotations import crop_to_camera_rotation
from lightning_modules.common.training import TrainingOptions
from lightning_modules.common.volumes import VolumeSpace, joint_loss
from lightning_modules.hemlets.config import DepthSearch, HemletsConfig, HemletsLossConfig, TrueBody
from lightning_modules.hemlets.flip import merge_mirrored
from lightning_modules.hemlets.losses import BodyLoss, MapLoss
from lightning_modules.hemlets.network import HemletsNet, HemletsOutput
from lightning_modules.hemlets.parts import make_parts
from lightning_modules.hemlets.refine import Refiner
from lightning_modules.hemlets.targets import draw, part_states
from lightning_modules.prediction import Prediction, SmplParameters


class HemletsModule(PoseModule):
    """Joints from heatmap triplets and volumes, and with `smpl` a body from both (Zhou et al., ICCV 2019, TPAMI 2021).

    Args:
        network: settings of the network.
        losses: what it is trained with.
        body: body model; `none` for one without a body, trained on joints alone.
        skeleton: joint set.
        protocol: see `PoseModule`.
        refine_steps: L-BFGS steps that fit the body to the joints ("Ours*"); 0 for none.
        flip_test: merge with the output for the mirrored crop; twice the work.
        depth_search: how the distance follows from average bone lengths: `bones` by least squares with the image's
            camera, `released` by the release's search over multiples of 115 mm with its one camera for all images.
        true_body: what of the fitted body replaces the estimate in predictions, where a label has it: nothing, its
            `shape`, or its `pose` with the root's orientation (Table 8).
        **training: see `TrainingOptions`; the defaults are the paper's training.

    Raises:
        ValueError: settings do not go together; the message says which.
    """

    own_root_depth = "bones"
    network: HemletsNet

    def __init__(
        self,
        network: HemletsConfig = HemletsConfig(),
        losses: HemletsLossConfig = HemletsLossConfig(),
        body: str = "none",
        skeleton: str = "h36m18",
        protocol: str = "open-v1",
        refine_steps: int = 0,
        flip_test: bool = False,
        depth_search: DepthSearch = "bones",
        true_body: TrueBody = "none",
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        if network.smpl and body == "none":
            raise ValueError("smpl: true needs a body to regress; set body: open or smpl")
        if refine_steps and not network.smpl:
            raise ValueError("refine_steps fit a predicted body; set smpl: true, or refine_steps: 0")
        self.skeleton, self.flip_test, self.loss_config = get_skeleton(skeleton), flip_test, losses
        self.network_config = network
        if true_body != "none" and (not network.smpl or refine_steps):
            raise ValueError("true_body replaces a part of a regressed body; set smpl: true and refine_steps: 0")
        self.depth_search, self.true_body = depth_search, true_body
        self.parts = make_parts(self.skeleton, network.parts, network.encoding)
        self.crop_size, self.crop_margin, self.cells = network.crop_size, network.crop_margin, network.crop_size // 4
        self.space = VolumeSpace(network.crop_size, network.depth_range)
        model = None if body == "none" else load_body(body)
        self.posed_body = self._posed_body(model)
        regressed = model if network.smpl else None
        self.network = HemletsNet(
            network,
            len(self.skeleton),
            self.parts.maps,
            pose_joints=0 if regressed is None else len(regressed.parents),
            pretrained=self.training_options["pretrained"],
            prior=VolumePrior(self.skeleton, network.depth_range, last_bin=True) if network.joint_prior else None,
            pose_prior=None if regressed is None or not network.joint_prior else PosePrior(regressed),
        )
        self.map_loss = MapLoss(self.parts, losses)
        self.body_loss = None if regressed is None else BodyLoss(regressed, losses)
        self.refiner = Refiner(self.posed_body, refine_steps) if refine_steps and self.posed_body is not None else None
        self.bones = make_bones(self.skeleton, self._rest_joints())
        self.example_input_array = torch.zeros(1, 3, network.crop_size, network.crop_size)

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

    @property
    def placing_regressor(self) -> Float[Tensor, "joints vertices"] | None:
        """See `PoseModule`: with `joint_prior` the joints' pixels are the backbone's."""
        return self.regressor if self.network_config.smpl and self.network_config.joint_prior else None

    @property
    def root_depth_source(self) -> str:
        """See `PoseModule.root_depth_source`."""
        own = self.root_depth == "box" and self.depth_search == "released"
        return "bones, the release's search" if own else super().root_depth_source

    def backbones(self) -> tuple[Backbone, ...]:
        """See `PoseModule.backbones`."""
        return (self.network.backbone,)

    def forward(self, image: Tensor) -> HemletsOutput:
        """RGB crops in [0, 1] to joints in [-0.5, 0.5], maps and body (see `network.HemletsOutput`)."""
        return self.network(image)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name, weighted."""
        with torch.no_grad(), full_precision(batch["image"]):
            joints = self.space.targets(batch, self.regressor, self.skeleton.root_index)
            states = part_states(batch, self.parts, self.regressor)
            maps = draw(joints, states, self.parts, self.cells, self.loss_config.sigma)
        output = self.network(batch["image"])
        losses = {"joints": joint_loss(output.joints, joints), **self.map_loss(output.maps, maps)}
        if output.body is not None and self.body_loss is not None:
            losses |= self.body_loss(output.body, self._true_body(batch), batch["smpl_valid"])
        return losses

    def predict(self, batch: Batch) -> Prediction:
        """Joints in metres, their scale by the root's depth (`RootDepth`), and the body with its root among them."""
        output = self._merged(batch["image"])
        released = self.depth_search == "released"
        camera = released_camera(batch["intrinsics"]) if released else batch["intrinsics"]
        with full_precision(output.joints):
            crop_pixels = (output.joints[..., :2] + 0.5) * self.crop_size
            pixels = apply_affine(crop_pixels, invert_affine(batch["crop_affine"]))
            behind = output.joints[..., 2] * self.space.depth_range
            rays = backproject(pixels, torch.ones_like(behind), camera)[..., :2]
            own = (root_depth_by_grid if released else root_depth_from_bones)(rays, behind, self.bones)
            root_depth = choose_depth(own, self.root_depth, batch)
            joints = backproject(pixels, behind + root_depth[:, None], camera)
            vertices, smpl = self._body(output.body, joints, batch)
            joints_2d = project(joints, camera)
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=joints_2d,
            root_depth_source=self.root_depth_source,
            vertices=vertices,
            faces=None if self.posed_body is None or vertices is None else self.posed_body.body.faces,
            smpl=smpl,
            intermediates={"joints_normalised": output.joints, "maps": output.maps},
        )

    def _merged(self, image: Float[Tensor, "batch 3 size size"]) -> HemletsOutput:
        """The network's answer, merged with that to the mirrored crop if `flip_test` asks for it."""
        if not self.flip_test:
            return self.network(image)
        return merge_mirrored(*with_mirrored(self.network, image), self.skeleton, self.crop_size)

    def _body(
        self, body: BodyRotations | None, joints: Float[Tensor, "batch joints 3"], batch: Batch
    ) -> tuple[Tensor | None, SmplParameters | None]:
        """The mesh and its parameters in the camera frame."""
        if body is None or self.posed_body is None:
            return None, None
        body = _turned(self._with_truth(body, batch), self._rays(batch))
        vertices, smpl = self.posed_body.place(body, joints[:, self.skeleton.root_index])
        if self.refiner is None:
            return vertices, smpl
        return self.refiner(smpl, joints, batch["intrinsics"], batch["box"])

    def _with_truth(self, body: BodyRotations, batch: Batch) -> BodyRotations:
        """The body with the part that `true_body` asks for."""
        if self.true_body == "none":
            return body
        true, fitted = self._true_body(batch), batch["smpl_valid"]
        if self.true_body == "shape":
            return body._replace(betas=torch.where(fitted[:, None], true.betas, body.betas))
        return body._replace(rotations=torch.where(fitted[:, None, None, None], true.rotations, body.rotations))

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
