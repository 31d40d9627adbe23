"""Makes sample i of a split: image and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from body.load import load_body
from body.maps import iuv_of
from body.model import BodyModel
from body.skeleton import COCO17, H36M17, OPEN36, SMPL29
from body.uv import SurfaceCharts
from datamodules.synthetic.background import draw_background
from datamodules.synthetic.camera import pose_in_camera
from datamodules.synthetic.light import draw_light
from datamodules.synthetic.props import draw_props
from datamodules.synthetic.renderer import Surface, compose, render
from datamodules.synthetic.rng import stream
from datamodules.synthetic.scene import draw_sample
from datamodules.synthetic.sensor import expose
from datamodules.synthetic.wardrobe import draw_style

OPEN_SKELETON = OPEN36
"""Every joint that the open body can regress: annotations of the open benchmark carry all of them."""


@dataclass(frozen=True)
class Sample:
    """A image and its labels; camera frame, metres, full-image pixels.

    Attributes:
        image: RGB.
        iuv: part 0..24 and chart coordinates (0..255) of every pixel, on the dressed surface.
        pose, betas, transl: SMPL parameters.
        joints: in `OPEN_SKELETON`.
        box: (x, y, width, height) of the whole person, also of what the border cuts off.
    """

    image: UInt8[np.ndarray, "size size 3"]
    iuv: UInt8[np.ndarray, "size size 3"]
    pose: Float[np.ndarray, "24 3"]
    betas: Float[np.ndarray, "10"]
    transl: Float[np.ndarray, "3"]
    intrinsics: Float[np.ndarray, "3 3"]
    joints: Float[np.ndarray, "joints 3"]
    box: Float[np.ndarray, "4"]
    action: str


class Generator:
    """Makes samples of the open benchmark.

    Args:
        size: side of the square images, pixels.
        seed: seed of the benchmark.
    """

    def __init__(self, size: int = 192, seed: int = 0) -> None:
        self.size, self.seed = size, seed
        self.model: BodyModel = load_body("open")
        self.surface = Surface(self.model.v_template.numpy(), self.model.faces)
        template, weights = self.model.v_template.numpy(), self.model.lbs_weights.numpy()
        joints = self.model.regressor.numpy() @ template
        self._charts = SurfaceCharts.of(template, self.model.faces, weights, joints)
        matrices = {s.name: self.model.joint_regressor(s.name) for s in (SMPL29, H36M17, COCO17)}
        rows = [_row(joint, matrices) for joint in OPEN_SKELETON.joints]
        self._regressor = torch.stack(rows).numpy()

    def make(self, split: str, index: int) -> Sample:
        """Sample `index` of a split; the same for every call, process and order."""
        draw = draw_sample(self.seed, split, index)
        person = pose_in_camera(draw, self.model, self.size)
        joints = self._regressor @ person.vertices
        props = draw_props(stream(self.seed, split, index, "props"), person, draw.action, joints)
        style = draw_style(stream(self.seed, split, index, "clothes"))
        background = draw_background(
            stream(self.seed, split, index, "background"), person.eye, person.to_world(person.vertices[::20])
        )
        light = draw_light(stream(self.seed, split, index, "light"))
        view = compose(self.surface, person, props, style, background, light)
        linear, hits = render(view, self.size)
        image = expose(linear, stream(self.seed, split, index, "sensor"))
        iuv = iuv_of(hits, self.surface.faces, self._charts).reshape(self.size, self.size, 3)
        across, down, depth = (person.vertices @ person.intrinsics.T).T
        pixels = np.stack([across / depth, down / depth])
        low, high = pixels.min(1), pixels.max(1)
        box = np.concatenate([low, high - low])
        return Sample(image, iuv, person.pose, draw.betas, person.transl, person.intrinsics, joints, box, draw.action)


def _row(joint: str, matrices: dict[str, torch.Tensor]) -> torch.Tensor:
    skeleton = next(s for s in (SMPL29, H36M17, COCO17) if joint in s.joints)
    return matrices[skeleton.name][skeleton.index(joint)]
