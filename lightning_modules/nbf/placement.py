"""From a fit in the fixed camera's frame to a body in the photograph's."""

from __future__ import annotations

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from datamodules.batch import Batch
from lightning_modules.common.pose_prior import Placed
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import RootDepth, choose_depth
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.camera import FixedCamera
from lightning_modules.nbf.network import Fit
from lightning_modules.prediction import SmplParameters


class Placement:
    """Puts fitted bodies where the encoder's picture shows them.

    Args:
        layer: the network's body.
        camera: of the encoder's picture.
        margin: of crops, see `NetworkConfig`.
    """

    def __init__(self, layer: BodyLayer, camera: FixedCamera, margin: float) -> None:
        self.layer, self.camera, self.margin = layer, camera, margin

    def translation(
        self, vertices: Float[Tensor, "batch vertices 3"], picture: Float[Tensor, "batch 3 size size"] | None
    ) -> Float[Tensor, "batch 3"]:
        """Translation in the fixed camera with which the body fills the person's outline.

        Args:
            vertices: of the fit, without translation.
            picture: black but for the person; None when it shows everything: the person then is in the middle, with
                the crops' margin.
        """
        low, high = vertices[..., :2].amin(1), vertices[..., :2].amax(1)
        if picture is None:
            middle = torch.full_like(low, self.camera.size / 2)
            reach = (high - low) / (high - low).amax(-1, keepdim=True) * (self.camera.size / (2 * self.margin))
            seen_low, seen_high = middle - reach, middle + reach
            shown = torch.ones_like(low[:, 0], dtype=torch.bool)
        else:
            seen_low, seen_high = _outline(picture)
            shown = (seen_high > seen_low).all(-1)
        depth = vertices[..., 2].mean(1)[:, None]
        corners = torch.stack([torch.cat([low, depth], -1), torch.cat([high, depth], -1)], 1)
        pixels = torch.stack([seen_low, seen_high], 1)
        return self.camera.locate(corners, pixels, shown[:, None].expand(-1, 2))

    def translation_of(self, placed: Placed, crop_size: int) -> Float[Tensor, "batch 3"]:
        """Translation in the fixed camera of a body whose limbs were put where a backbone's joints are."""
        with full_precision(placed.scale):
            enlarged = self.camera.size / crop_size
            scale = placed.scale * enlarged
            middle = placed.shift * enlarged + (enlarged - 1) / 2  # both images have the same outer edges
            across = (middle - self.camera.size / 2) / scale[:, None]
            deep = self.camera.focal / scale - placed.joints[:, 0, 2]
            return torch.cat([across, deep[:, None]], -1)

    def place(
        self,
        fit: Fit,
        transl: Float[Tensor, "batch 3"],
        affine: Float[Tensor, "batch 2 3"],
        view: Float[Tensor, "batch 3 3"],
        batch: Batch,
        source: RootDepth = "box",
    ) -> tuple[Float[Tensor, "batch vertices 3"], SmplParameters]:
        """Mesh and parameters in the frame of the photograph's camera.

        Args:
            fit: without translation.
            transl: see `translation`.
            affine: pixels of the photograph to pixels of the picture.
            view: turn from the crop's camera to the photograph's.
            batch: gives the camera, and the root's depth where `source` asks for it.
            source: of the root's depth; `box` for as far away as the person is large.
        """
        rest = self.layer.rest_joints(fit.betas)[:, 0]
        with full_precision(transl):
            pelvis = self.layer.body.regressor[0] @ fit.vertices
            own = self.camera.depth_by_size(pelvis + transl, affine, batch["intrinsics"])
            depth = choose_depth(own, source, batch)
            place = self.camera.to_photograph(pelvis + transl, affine, batch["intrinsics"], depth)
            vertices = (fit.vertices - pelvis[:, None]) @ view.mT + place[:, None]
            relative = self.layer.relative(fit.rotations)
            turned = torch.cat([(view @ relative[:, 0])[:, None], relative[:, 1:]], 1)
            # the body turns about its resting root, so the translation has to make up for where that went
            transl = place - ((view @ (pelvis - rest).unsqueeze(-1)).squeeze(-1) + rest)
            return vertices, SmplParameters(roma.rotmat_to_rotvec(turned), fit.betas, transl)


def _outline(picture: Float[Tensor, "batch 3 size size"]) -> tuple[Tensor, Tensor]:
    """First and last (x, y) with any colour; the last is before the first where there is none."""
    lit = picture.amax(1) > 0
    size = picture.shape[-1]
    ends = []
    for axis in (1, 2):  # what is left over rows is x
        line = lit.any(axis)
        place = torch.arange(size, device=picture.device, dtype=torch.float32)
        first = torch.where(line, place, float(size)).amin(1)
        ends.append((first, torch.where(line, place, -1.0).amax(1)))
    (left, right), (top, bottom) = ends
    return torch.stack([left, top], -1) - 0.5, torch.stack([right, bottom], -1) + 0.5
