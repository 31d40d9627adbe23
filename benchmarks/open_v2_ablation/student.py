"""One small network, trained for minutes on crops of rendered people and measured on LSP's photographs.

EfficientNet-Lite0 from ImageNet, of which the stages to stride 8 stay as they are; two merges back to stride 8; a map
for each of LSP's twelve limb joints, read by its expectation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.open_v2_ablation.pictures import PROTOCOL
from benchmarks.open_v2_ablation.visits import CROP, Crops, Visits
from body.skeleton import LSP14
from datamodules.lsp import LspDataModule
from datamodules.settings import CropSettings
from lightning_modules.common.backbones import create_pyramid
from lightning_modules.common.backbones.movenet_people import Merge
from lightning_modules.common.normalisation import Normalise
from metrics.pose2d import PCK

_BACKBONE, _CHANNELS, _STRIDE = "tf_efficientnet_lite0", 96, 8
_KEPT = ("conv_stem", "bn1", "blocks.0", "blocks.1", "blocks.2")  # to stride 8
_BATCH, _RATE, _WARM = 16, 2e-3, 0.1
_LSP_MARGIN = 1.5  # boxes of LSP are tight around joints


class Student(nn.Module):
    """The network; takes RGB in [0, 1].

    Args:
        imagenet: timm's weights of the backbone, a file.
    """

    def __init__(self, imagenet: Path) -> None:
        super().__init__()
        self.backbone = create_pyramid(_BACKBONE, str(imagenet))
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        _, fine, middle, coarse = self.backbone.channels
        self.top = nn.Sequential(nn.Conv2d(coarse, _CHANNELS, 1, bias=False), nn.BatchNorm2d(_CHANNELS))
        self.merges = nn.ModuleList([Merge(middle, _CHANNELS), Merge(fine, _CHANNELS)])
        self.maps = nn.Conv2d(_CHANNELS, len(PROTOCOL.joints), 1)
        self.kept = [self.backbone.net.get_submodule(name) for name in _KEPT]
        for part in self.kept:
            part.requires_grad_(False)

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch joints side side"]:
        """Logits of the joints' places."""
        _, fine, middle, coarse = self.backbone(self.normalise(image))
        features = self.top(coarse)
        for merge, finer in zip(self.merges, (middle, fine), strict=True):
            features = merge(features, finer)
        return self.maps(features)

    def train(self, mode: bool = True) -> Student:
        """Statistics of what is kept stay as they are."""
        super().train(mode)
        for part in self.kept:
            part.eval()
        return self


def places(logits: Float[Tensor, "batch joints side side"]) -> Float[Tensor, "batch joints 2"]:
    """Expected places in crop pixels."""
    side = logits.shape[-1]
    share = logits.flatten(2).softmax(-1).view(logits.shape)
    centres = (torch.arange(side) + 0.5) * _STRIDE - 0.5
    return torch.stack([share.sum(2) @ centres, share.sum(3) @ centres], -1)


def loss(logits: Float[Tensor, "batch joints side side"], crops: Crops) -> Tensor:
    """Cross entropy with the four cells around each joint, and the error of the expectation."""
    side = logits.shape[-1]
    cell = ((crops.joints + 0.5) / _STRIDE - 0.5).clamp(0, side - 1)
    steps = torch.arange(side)
    near = (1 - (cell[..., None] - steps).abs()).clamp(min=0)  # batch, joints, x or y, side
    target = near[..., 1, :, None] * near[..., 0, None, :]
    chosen = -(target.flatten(2) * logits.flatten(2).log_softmax(-1)).sum(-1)
    apart = functional.smooth_l1_loss(places(logits) / _STRIDE, crops.joints / _STRIDE, reduction="none").sum(-1)
    return ((chosen + apart) * crops.valid).sum() / crops.valid.sum().clamp(min=1)


def train(visits: Visits, count: int, imagenet: Path, seed: int) -> Student:
    """The network after so many crops."""
    torch.manual_seed(seed)
    student = Student(imagenet).to(memory_format=torch.channels_last).train()
    learning = [weight for weight in student.parameters() if weight.requires_grad]
    batches = visits.batches(count, _BATCH)
    optimizer = torch.optim.AdamW(learning, lr=_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, len(batches), pct_start=_WARM)
    for rows in batches:
        crops = visits.crops(rows)
        optimizer.zero_grad()
        error = loss(student(crops.image.contiguous(memory_format=torch.channels_last)), crops)
        error.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learning, 5.0)
        optimizer.step()
        schedule.step()
    return student.eval()


@dataclass(frozen=True)
class Photographs:
    """LSP's test photographs, cropped, and where people marked the joints.

    Attributes:
        image: RGB, 0 to 255.
        joints: the protocol's, crop pixels.
    """

    image: Tensor
    joints: Float[Tensor, "photographs joints 2"]

    @classmethod
    def read(cls, root: Path, count: int | None = None) -> Photographs:
        """The first ones, all when `count` is omitted."""
        crops = CropSettings(size=CROP, margin=_LSP_MARGIN, skeleton=PROTOCOL.skeleton, augmentation=None)
        data = LspDataModule(str(root), PROTOCOL.id, crops, num_workers=0).dataset("test")
        columns = [LSP14.index(joint) for joint in PROTOCOL.joints]
        rows = [data[index] for index in range(count or len(data))]
        joints = torch.stack([row["scored_joints_2d"][columns] for row in rows])
        return cls((torch.stack([row["image"] for row in rows]) * 255).byte(), joints)


@torch.no_grad()
def measure(student: Student, photographs: Photographs) -> float:
    """PCK@0.2 of the torso, percent."""
    score = PCK.for_protocol(PROTOCOL)
    for start in range(0, len(photographs.image), 50):
        image = photographs.image[start : start + 50] / 255
        found = places(student(image.contiguous(memory_format=torch.channels_last)))
        score.update(found, photographs.joints[start : start + 50])
    return float(score.compute())
