"""Neural Body Fitting as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Unpack

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.camera import compose_affine, project
from body.load import load_body
from body.skeleton import SMPL24, Skeleton, get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.precision import full_precision
from lightning_modules.common.rotations import crop_focal, crop_to_camera_rotation
from lightning_modules.common.training import TrainingOptions
from lightning_modules.nbf.camera import FixedCamera
from lightning_modules.nbf.config import NBFConfig, NBFLossConfig, Scale, Stages
from lightning_modules.nbf.criterion import FitLoss
from lightning_modules.nbf.encoder_input import EncoderInput, View
from lightning_modules.nbf.losses import part_loss
from lightning_modules.nbf.network import Fit, NBFNetwork, Seen, make_network
from lightning_modules.nbf.per_image import PerImage, rank_correlation, write_table
from lightning_modules.nbf.placement import Placement
from lightning_modules.nbf.points import ComparedPoints
from lightning_modules.nbf.scale import ScaleConvention
from lightning_modules.nbf.segmenter import most_probable
from lightning_modules.nbf.stages import check_stages, segmenter_state
from lightning_modules.nbf.targets import BodyTruth, body_truth, labelled
from lightning_modules.prediction import Prediction
from metrics.segmentation import PartSegmentation
from metrics.tasks import PartsTask


class NBFModule(PoseModule):
    """Body parameters from a segmentation into parts, through a body model (Omran et al., 3DV 2018).

    Args:
        network: settings of the networks.
        losses: what they are trained with.
        body: body model.
        skeleton: joint set of the batches.
        protocol: see `PoseModule`.
        train: the stages that are trained.
        segmenter_from: where stage `fitter` gets its trained segmenter from, a file; also in place of a checkpoint's.
        scale: how training crops are brought to the paper's scale; see `ScaleConvention`.
        test_scale: the same in validation, test and prediction.
        zoom_jitter: see `ScaleConvention`.
        weight_decay: on kernels and matrices.
        per_image: the test also writes `per_image.csv` into the run's log folder: segmentation, error and difficulty of
            every image (Figure 3), see `PerImage`; and their rank correlation as `f1_error_correlation`.
        **training: see `TrainingOptions`; the defaults are the released fitting stage's.

    Raises:
        ValueError: settings do not go together; the message says which.
    """

    training_defaults = TrainingOptions(lr=4e-5, schedule="poly")
    initialisation: ClassVar[Mapping[str, Any]] = {"segmenter_from": None, "losses": {"true_parts_steps": 0}}
    network: NBFNetwork
    batch_skeleton: Skeleton

    def __init__(
        self,
        network: NBFConfig = NBFConfig(),
        losses: NBFLossConfig = NBFLossConfig(),
        body: str = "open",
        skeleton: str = "smpl29",
        protocol: str = "open-v1",
        train: Stages = "both",
        segmenter_from: str | None = None,
        scale: Scale = "crop",
        test_scale: Scale = "crop",
        zoom_jitter: float = 0.0,
        weight_decay: float = 1e-4,
        per_image: bool = False,
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        check_stages(network, losses, train, segmenter_from)
        self.network = make_network(network, load_body(body), self.training_options["pretrained"])
        layer, camera = self.network.layer, FixedCamera(network.input_size)
        self.skeleton, self.batch_skeleton = SMPL24, get_skeleton(skeleton)
        self.crop_size, self.crop_margin = network.crop_size, network.crop_margin
        self.input_kind, self.stages = network.input, train
        self.loss_config, self.true_parts_steps = losses, losses.true_parts_steps
        self.segmenter_from, self.weight_decay = segmenter_from, weight_decay
        self.scales = {True: ScaleConvention(scale, layer, zoom_jitter), False: ScaleConvention(test_scale, layer)}
        self.placement, self.fit_loss = (
            Placement(layer, camera, network.crop_margin),
            FitLoss(camera, losses, ComparedPoints(losses.points, layer)),
        )
        self.part_metric = PartSegmentation(network.parts + 1)
        self.per_image = PerImage(layer) if per_image else None
        self.encoder_input = EncoderInput(network.crop_size, network.input_size, network.parts)
        side = network.crop_size if network.input in ("parts", "rgb") else network.input_size
        self.example_input_array = torch.zeros(1, 3, side, side)
        idle = {"segmenter": self.network.encoder, "fitter": self.network.segmenter}.get(train)
        if idle is not None:
            self.freeze_part(idle)

    def setup(self, stage: str) -> None:
        """Before `fit`, load the trained segmenter where one is named."""
        super().setup(stage)
        if stage == "fit" and self.segmenter_from is not None:
            self.network.load_state_dict(self.network.state_dict() | segmenter_state(self.segmenter_from, ""))

    def backbones(self) -> tuple[Backbone, ...]:
        """Those of both stages that are not the release's own; see `PoseModule.backbones`."""
        parts = (self.network.encoder, self.network.segmenter)
        return tuple(p.backbone for p in parts if p is not None and isinstance(p.backbone, Backbone))

    def compiled_parts(self) -> tuple[nn.Module, ...]:
        """Both stages; see `PoseModule.compiled_parts`."""
        return tuple(part for part in (self.network.segmenter, self.network.encoder) if part is not None)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the segmenter from `segmenter_from` in place of the checkpoint's, whose training had another one."""
        trained_with = checkpoint.get("hyper_parameters", {}).get("segmenter_from")
        if self.segmenter_from is not None and self.segmenter_from != trained_with:
            state = checkpoint["state_dict"]
            own = {key: value for key, value in state.items() if not key.startswith("network.segmenter.")}
            checkpoint["state_dict"] = own | segmenter_state(self.segmenter_from, "network.")

    def forward(self, image: Tensor) -> Fit | Tensor:
        """RGB crops in [0, 1] to a body, or to logits without an encoder.

        With `input` `true_parts` or joints it takes the encoder's own picture.
        """
        if self.network.encoder is None:
            return self.network.segment(image)
        if self.input_kind == "parts":
            seen = self.network.see(image)
            assert seen.logits is not None
            estimate = self.network.estimate(self.network.colour(seen.logits, image.shape[-1]), seen.known)
            if seen.known is not None:
                estimate = self.network.follow(estimate, seen.known, self.crop_size)[0]
            return self.network.fit(estimate)
        elif self.input_kind == "rgb":
            image = self.encoder_input.photograph(image)
        return self.network(image)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name, weighted, of the stages that are trained."""
        truth = self._truth(batch)
        view = self._view(batch, truth)
        losses = dict[str, Tensor]()
        seen = self._see(view.image)
        if seen.logits is not None and self.stages != "fitter":
            losses["part"] = self.loss_config.part_weight * part_loss(seen.logits, view.parts, batch["iuv_valid"])
        if self.stages != "segmenter":
            estimate = self.network.estimate(self._picture(view, truth, seen.logits), seen.known)
            known = labelled(batch, self.loss_config.labelled_share)
            losses |= self.fit_loss(estimate, truth, view.pixels, known, self.network.mean)
        return losses

    def predict(self, batch: Batch) -> Prediction:
        """Mesh and joints in metres, as far away as they are large, or as `RootDepth` says.

        Raises:
            ValueError: the encoder is given labels (`input`), and the batch has none.
        """
        self._check_input(batch)
        truth = self._truth(batch) if self._reads_labels() else None
        view = self.encoder_input.unscaled(batch) if truth is None else self._view(batch, truth)
        return self._answer(batch, truth, view, self._see(view.image))

    def _reads_labels(self) -> bool:
        """Whether a prediction needs labels: as the encoder's input, or for the scale of the crop."""
        return self.input_kind not in ("rgb", "parts") or self.scales[self.training].name != "crop"

    def _check_input(self, batch: Batch) -> None:
        if self.network.encoder is None or self.input_kind in ("rgb", "parts"):
            return
        parts = self.input_kind == "true_parts"
        valid = batch["iuv_valid"] if parts else batch["joints_2d_valid"].any(1)
        if not valid.all():
            labels = "part labels (iuv)" if parts else "joints in the image"
            raise ValueError(
                f"input: {self.input_kind} shows the network {labels}, "
                "which an image here has not; set network.input to parts or rgb"
            )

    def _answer(self, batch: Batch, truth: BodyTruth | None, view: View, seen: Seen) -> Prediction:
        """The prediction; of a segmenter alone only its parts are numbers."""
        logits, parts = seen.logits, {}
        if logits is not None:
            labels = most_probable(logits, self.crop_size)
            parts = {"parts": labels if truth is None else self.encoder_input.in_crop(labels, view)}
        if self.network.encoder is None:
            nowhere = batch["image"].new_full((batch["image"].shape[0], len(self.skeleton), 3), torch.nan)
            return Prediction(nowhere, self.skeleton, nowhere[..., :2], root_depth_source="none", intermediates=parts)
        picture = self._picture(view, truth, logits)
        estimate = self.network.estimate(picture, seen.known)
        if seen.known is None:
            fit = self.network.fit(estimate)
            transl = self.placement.translation(fit.vertices, None if self.input_kind == "rgb" else picture)
        else:
            focal = crop_focal(batch["intrinsics"], batch["crop_affine"], self.crop_size)
            estimate, placed = self.network.follow(estimate, seen.known, self.crop_size, focal)
            fit, transl = self.network.fit(estimate), self.placement.translation_of(placed, self.crop_size)
        with full_precision(transl):
            affine = compose_affine(view.affine, batch["crop_affine"])
            vertices, smpl = self.placement.place(fit, transl, affine, self._ray(batch), batch, self.root_depth)
            joints = self.network.layer.body.regressor @ vertices
            joints_2d = project(joints, batch["intrinsics"])
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=joints_2d,
            root_depth_source=self.root_depth_source,
            vertices=vertices,
            faces=self.network.layer.body.faces,
            smpl=smpl,
            intermediates={"picture": picture, "latent": fit.latent, "rotations": fit.rotations, **parts},
        )

    def _score(self, batch: Batch) -> None:
        truth = self._truth(batch)
        view = self._view(batch, truth)
        seen = self._see(view.image)
        rows = batch["iuv_valid"]
        if seen.logits is not None and rows.any():
            parts = most_probable(seen.logits[rows], view.parts.shape[-1])
            self.part_metric.update(parts, view.parts[rows], batch["index"][rows])
        if self.protocol.task is PartsTask or self.stages != "segmenter":
            answer = self._answer(batch, truth, view, seen)
            self.metrics.update(answer, batch)
            if (
                self.per_image is not None
                and self.trainer.testing
                and seen.logits is not None
                and answer.smpl is not None
            ):
                layer, labels = self.network.layer, most_probable(seen.logits, view.parts.shape[-1])
                joints = layer.joints(answer.intermediates["rotations"], answer.smpl.betas)
                self.per_image.update(layer, (labels, view.parts), joints, truth, rows, batch["index"])

    def on_validation_epoch_end(self) -> None:
        """Log both, under `val/`."""
        self._log_parts("val")
        super().on_validation_epoch_end()

    def on_test_epoch_end(self) -> None:
        """Log both, under `test/`, and write what Figure 3 shows."""
        self._log_parts("test")
        if self.per_image is not None:
            table, folder = self.per_image.compute(), Path(self.trainer.log_dir or self.trainer.default_root_dir)
            self.log_dict({f"test/{name}": value for name, value in rank_correlation(table).items()})
            if self.trainer.is_global_zero:
                write_table(table, folder / "per_image.csv")
            self.per_image.reset()
        super().on_test_epoch_end()

    def _log_parts(self, stage: str) -> None:
        values = self.part_metric.compute()
        self.log_dict({f"{stage}/{name}": value for name, value in values.items() if name != "n"})
        self.part_metric.reset()

    def optimizer(self) -> torch.optim.Optimizer:
        """The release's Adam: beta1 0.5, and weight decay for kernels and matrices alone."""
        trained = [weight for weight in self.parameters() if weight.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [weight for weight in trained if weight.ndim <= 1]},
        ]
        return torch.optim.Adam(groups, lr=self.lr, betas=(0.5, 0.999))

    def _ray(self, batch: Batch) -> Float[Tensor, "batch 3 3"]:
        return crop_to_camera_rotation(batch["intrinsics"], batch["crop_affine"], self.crop_size)

    def _truth(self, batch: Batch) -> BodyTruth:
        return body_truth(batch, self.network.layer, self._ray(batch), self.batch_skeleton)

    def _view(self, batch: Batch, truth: BodyTruth) -> View:
        return self.encoder_input.view(batch, truth, self.scales[self.training], jitter=self.training)

    def _see(self, image: Tensor) -> Seen:
        """What the segmenter says, or nothing in training steps that do without."""
        early = self.training and self.global_step < self.true_parts_steps
        skipped = self.training and self.global_step % self.loss_config.segmenter_interval != 0
        if self.network.segmenter is None or ((early or skipped) and self.stages != "segmenter"):
            return Seen(None, None)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.stages != "fitter"):
            return self.network.see(image)

    def _picture(
        self, view: View, truth: BodyTruth | None, logits: Tensor | None
    ) -> Float[Tensor, "batch 3 input input"]:
        """What the encoder sees."""
        if self.input_kind == "rgb":
            return self.encoder_input.photograph(view.image)
        if self.input_kind.startswith("joints") and truth is not None:
            return self.encoder_input.joints(view, truth, self.input_kind)
        if self.input_kind == "true_parts" or logits is None:
            return self.encoder_input.true_parts(view)
        return self.network.colour(logits, self.crop_size)
