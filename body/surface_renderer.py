"""Surface labels of people with SMPL parameters, rendered for the crop that needs them."""

from __future__ import annotations

import copy

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from body.camera import scale_affine
from body.densepose import VERTICES, find_densepose
from body.maps import iuv_of
from body.model import BodyModel
from body.rasterize import rasterize
from body.skeleton import SMPL24
from body.uv import SurfaceCharts


class SurfaceRenderer:
    """Part and chart coordinates of every pixel that shows a body.

    The charts are DensePose's where the user has them and the body is SMPL, else the body's own (`body.uv`). Nothing
    but the person itself hides it.

    Args:
        body: whose parameters are rendered; it is copied, so that the loader's stays on the CPU.
    """

    def __init__(self, body: BodyModel) -> None:
        self.body = copy.deepcopy(body).cpu()
        densepose = find_densepose() if body.num_vertices == VERTICES else None
        self.charts = charts_of(self.body) if densepose is None else densepose
        self.faces = self.body.faces if densepose is None else densepose.faces

    @torch.no_grad()
    def __call__(self, row: dict[str, Tensor], crop: int, size: int) -> UInt8[Tensor, "3 size size"]:
        """Labels of one crop, exact after every change that the crop went through.

        Args:
            row: `pose`, `betas`, `transl`, `intrinsics` and `crop_affine` of the crop, see `Batch`.
            crop: its side in pixels.
            size: side of the labels in pixels.
        """
        parameters = (row[name][None] for name in ("pose", "betas", "transl"))
        vertices = self.body(*parameters).vertices[0].numpy()
        camera = np.eye(3)
        camera[:2] = scale_affine(row["crop_affine"].double().numpy(), size / crop)
        labels = self.labels(vertices, camera @ row["intrinsics"].double().numpy(), (size, size))
        return torch.from_numpy(np.ascontiguousarray(labels.transpose(2, 0, 1)))

    def labels(
        self, vertices: Float[np.ndarray, "vertices 3"], camera: Float[np.ndarray, "3 3"], size: tuple[int, int]
    ) -> UInt8[np.ndarray, "height width 3"]:
        """Labels of a posed body.

        Args:
            vertices: camera frame, metres.
            camera: of the image, pixels; it may be rotated and sheared, as the camera of a crop is.
            size: width and height of the image.
        """
        hits = rasterize(vertices, self.faces, camera, size)
        if isinstance(self.charts, SurfaceCharts):
            labels = iuv_of(hits, self.faces, self.charts)
        else:
            labels = self.charts.iuv(hits)
        return labels.reshape(size[1], size[0], 3)


@torch.no_grad()
def charts_of(body: BodyModel) -> SurfaceCharts:
    """The charts of `body.uv`, laid on a body.

    Raises:
        ValueError: the body has other joints than SMPL.
    """
    if body.skeleton.name != SMPL24.name:
        raise ValueError(
            f"surface labels need a body with SMPL's joints, not {body.name!r}: set crops.render_iuv: false"
        )
    joints = body.regressor @ body.v_template
    arrays = (body.v_template.numpy(), body.faces, body.lbs_weights.numpy(), joints.numpy())
    return SurfaceCharts.of(*arrays)
