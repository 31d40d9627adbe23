"""From samples that lie on a device to a `Batch`, all of it there: crop, background, light, noise, labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from body.load import load_body
from body.skeleton import OPEN36, get_skeleton
from datamodules.aliases import same_joints
from datamodules.base import rest_root
from datamodules.batch import Batch
from datamodules.crop.surface import DENSE_POINTS
from datamodules.open_v2.augment.draw import Changes, GeometryRange
from datamodules.open_v2.augment.geometry import Windows, crop_windows, sampling_grid, warp
from datamodules.open_v2.augment.labels import BodyLabels, JointLabels, SurfaceLabels
from datamodules.open_v2.augment.pixels import PixelRange, change_pixels
from datamodules.open_v2.feed.background import Backgrounds
from datamodules.open_v2.feed.record import Records
from datamodules.settings import CropSettings
from metrics.protocols import Protocol


@dataclass(frozen=True)
class Visits:
    """How a sample may look at a visit.

    Attributes:
        geometry: the crop.
        pixels: what happens to it.
        black_border: share of the crops that are black where they reach beyond the picture; the others go on with their
            background there.
    """

    geometry: GeometryRange = field(default_factory=GeometryRange)
    pixels: PixelRange = field(default_factory=PixelRange)
    black_border: float = 0.4


class BatchMaker:
    """Makes batches of one kind.

    Args:
        settings: of the crops; `augmentation` is not used, see `visits`.
        backgrounds: what people stand before.
        device: of the samples.
        visits: random changes; the usual ones when omitted.
        protocol: whose joints are scored; those of `settings` when omitted.
        vertices: whether batches need them; without, they are zeros and invalid.

    Raises:
        ValueError: another body than the open one.
    """

    def __init__(
        self,
        settings: CropSettings,
        backgrounds: Backgrounds,
        device: torch.device,
        visits: Visits | None = None,
        protocol: Protocol | None = None,
        vertices: bool = True,
    ) -> None:
        if settings.body != "open":
            raise ValueError(f"renderings show the open body, not {settings.body!r}; leave out `crops.body`")
        self.settings, self.visits, self.with_vertices = settings, visits or Visits(), vertices
        self._backgrounds, self._device = backgrounds, device
        self._body = load_body("open").to(device)
        skeleton = get_skeleton(settings.skeleton)
        wanted = {"joints": (skeleton, same_joints(settings.same_joints, OPEN36, skeleton))}
        wanted["scored_joints"] = wanted["joints"]
        if protocol is not None and protocol.skeleton:
            wanted["scored_joints"] = (get_skeleton(protocol.skeleton), dict(protocol.aliases_of(OPEN36)))
        self._joints = JointLabels(wanted, device)
        rest = rest_root(self._body)
        origin = rest.of(np.zeros(10))
        self._body_labels = BodyLabels(origin, rest.of(np.eye(10)) - origin, device)
        self._surface = SurfaceLabels(device)

    @torch.no_grad()
    def train(self, records: Records) -> Batch:
        """A batch whose samples are changed at random, before new backgrounds."""
        changes = self.visits.geometry.draw(len(records.index), self._device)
        windows, picture = self._windows(records, changes)
        grid = sampling_grid(windows.from_picture, self.settings.size, self.settings.size, picture)
        layers = warp(records.foreground, grid)
        drawn = self._backgrounds.draw(len(layers), self.settings.size)
        kept = torch.rand(len(layers), 1, 1, 1, device=self._device) >= self.visits.black_border
        inside = ((grid.abs() <= 1).all(-1)[:, None] | kept).float()
        image = self._over(layers, matched(layers, drawn) * inside)
        image = change_pixels(image, drawn.flip(2).roll(1, 0) / 255, self.visits.pixels)
        return self._batch(records, changes, windows, image)

    @torch.no_grad()
    def plain(self, records: Records, changes: Changes | None = None) -> Batch:
        """A batch of the samples as they are, each before its own background; black beyond the picture.

        Args:
            records: samples.
            changes: of the geometry; none when omitted.
        """
        changes = GeometryRange.none(len(records.index), self._device) if changes is None else changes
        windows, picture = self._windows(records, changes)
        grid = sampling_grid(windows.from_picture, self.settings.size, self.settings.size, picture)
        layers = records.foreground.permute(0, 3, 1, 2).float()
        whole = self._over(layers, self._backgrounds.of_seed(records.background_seed, picture)) * 255
        image = warp(whole.permute(0, 2, 3, 1), grid) / 255
        return self._batch(records, changes, windows, image)

    def _windows(self, records: Records, changes: Changes) -> tuple[Windows, int]:
        picture, settings = records.foreground.shape[1], self.settings
        return crop_windows(
            records.box, records.intrinsics, changes, settings.size, settings.window_scale, picture
        ), picture

    @staticmethod
    def _over(
        layers: Float[Tensor, "batch 4 size size"], background: Float[Tensor, "batch 3 size size"]
    ) -> Float[Tensor, "batch 3 size size"]:
        """Premultiplied layers over a background, in [0, 1]."""
        return ((layers[:, :3] + (1 - layers[:, 3:] / 255) * background) / 255).clamp(0, 1)

    def _batch(self, records: Records, changes: Changes, windows: Windows, image: Tensor) -> Batch:
        count, side, size, device = len(image), self.settings.label_size, self.settings.size, self._device
        grid = sampling_grid(windows.from_picture, size, side, records.iuv.shape[1])
        iuv = warp(records.iuv, grid, nearest=True).to(torch.uint8)
        smpl = self._body_labels(records.pose, records.betas, records.transl, changes)
        labels = {
            "intrinsics": windows.intrinsics.float(),
            "crop_affine": windows.crop_affine.float(),
            "box": windows.box.float(),
            **self._joints(records.joints, changes, windows.intrinsics, windows.crop_affine),
            **smpl,
            "iuv": self._surface(iuv, changes.flip),
            "image_size": torch.full((count, 2), float(records.foreground.shape[1]), device=device),
        }
        return self._complete(labels, image, records.index)

    def of_labels(self, labels: dict[str, Tensor], image: Tensor, changes: Changes) -> Batch:
        """A batch of labels of an earlier one, whose `joints` are those of `OPEN36`.

        Args:
            labels: `joints`, `intrinsics`, `crop_affine`, `box`, `pose`, `betas`, `transl` and `iuv`.
            image: crops.
            changes: none.
        """
        joints = self._joints(labels["joints"], changes, labels["intrinsics"].double(), labels["crop_affine"].double())
        size = torch.full((len(image), 2), float(self.settings.size))
        return self._complete({**labels, **joints, "image_size": size}, image, torch.arange(len(image)))

    def _complete(self, labels: dict[str, Tensor], image: Tensor, index: Tensor) -> Batch:
        """Everything else that a batch has."""
        count, size, device = len(image), self.settings.size, self._device
        yes, no = (
            torch.ones(count, dtype=torch.bool, device=device),
            torch.zeros(count, dtype=torch.bool, device=device),
        )
        if self.with_vertices:
            vertices = self._body(labels["pose"], labels["betas"], labels["transl"]).vertices
        else:
            vertices = torch.zeros(1, 1, 1, device=device).expand(count, self._body.num_vertices, 3)
        points, mask = torch.zeros(DENSE_POINTS, 5, device=device), torch.zeros(size, size, device=device).byte()
        empty, unnamed = torch.zeros(0, 0, dtype=torch.uint8), torch.full_like(index, -1)
        content = {
            "image": image.contiguous(memory_format=torch.channels_last),
            **labels,
            **{"smpl_valid": yes, "vertices": vertices, "vertices_valid": yes if self.with_vertices else no},
            "iuv_valid": yes,
            **{"dense_points": points.expand(count, -1, -1), "dense_mask": mask.expand(count, -1, -1)},
            **{"dense_points_valid": no[:, None].expand(-1, DENSE_POINTS), "dense_mask_valid": no},
            **{"index": index, "image_id": unnamed, "annotation_id": unnamed},
            **{"part_labels": [empty] * count, "silhouette": [empty] * count, "gender": ["neutral"] * count},
            **{"frame": [0] * count, "camera": ["random"] * count, "subject": ["open"] * count},
            **{"image_name": [""] * count, "action": [""] * count, "sequence": ["open-v2"] * count},
        }
        return cast(Batch, content)


def matched(
    layers: Float[Tensor, "batch 4 size size"], background: Float[Tensor, "batch 3 size size"]
) -> Float[Tensor, "batch 3 size size"]:
    """Backgrounds with an exposure and tint nearer to the foreground's, by chance (`backgrounds.match`, on the device).

    Args:
        layers: premultiplied foregrounds.
        background: values 0 to 255, like theirs.
    """
    covered = (layers[:, 3:] > 200).float()
    own = (layers[:, :3] * covered).sum((2, 3)) / covered.sum((2, 3)).clamp(min=1) + 8
    chance = torch.rand(2, len(layers), 1, device=layers.device)
    gains = own / (background.mean((2, 3)) + 8) * (0.8 + chance[0])
    return background * gains.pow(0.7 * chance[1]).clamp(0.4, 1.8)[..., None, None]
