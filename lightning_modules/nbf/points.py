"""What L_3D and L_2D compare: joints, landmarks or the mesh ("any number of joints/mesh vertices", section 4)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.camera import FixedCamera
from lightning_modules.nbf.config import Points
from lightning_modules.nbf.targets import BodyTruth

SMPL_VERTICES = 6890
LANDMARK_JOINTS = (8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20)
"""LSP's twelve among SMPL's joints, from the right ankle to the left wrist."""
_LANDMARKS = """
829 411 1097 1454 3841 1016 4862 3328 4495 734 5121 6489 1618 4920 6618 1002 1010 3021 4500 4431 627 4459
6728 6539 949 1043 3217 3500 3042 4937 4435 6281 516 1873 3068 1103 676 946 4529 973 5016 331 4222 6470
4574 337 3117 1703 4399 1971 3028 4933 1650 4486 4798 6786 1389 5129 1953 3998 915 6262 1459 6832 5131 3432
457 2802 4581 4589 5135 1724 1464 1329 3387 1822 1088 4317 5021
"""
LANDMARK_VERTICES = tuple(map(int, _LANDMARKS.split()))
"""The other 79, vertices of SMPL's mesh, neck and crown first: `landmarks.pkl` of github.com/classner/up."""


class ComparedPoints:
    """The points of a body that a loss compares.

    Args:
        kind: see `NBFLossConfig.points`.
        layer: the body.

    Raises:
        ValueError: landmarks of a body whose mesh is not SMPL's.
    """

    def __init__(self, kind: Points, layer: BodyLayer) -> None:
        vertices = len(layer.body.v_template)
        if kind == "landmarks" and vertices != SMPL_VERTICES:
            raise ValueError(
                f"points: landmarks are vertices of SMPL's mesh, and body {layer.body.name} has {vertices} of its own; "
                f"set body: smpl, or points: vertices"
            )
        self.kind, self.layer = kind, layer

    def of(
        self,
        rotations: Float[Tensor, "batch 24 3 3"],
        betas: Float[Tensor, "batch 10"],
        joints: Float[Tensor, "batch 24 3"],
    ) -> Float[Tensor, "batch points 3"]:
        """The points of posed bodies whose joints are known, metres, without translation."""
        if self.kind == "joints":
            return joints
        vertices = self.layer.vertices(rotations, betas)
        if self.kind == "vertices":
            return vertices
        return torch.cat([joints[:, list(LANDMARK_JOINTS)], vertices[:, list(LANDMARK_VERTICES)]], 1)

    def pixels(
        self,
        truth: BodyTruth,
        points: Float[Tensor, "batch points 3"],
        joint_pixels: Float[Tensor, "batch 24 2"],
        transl: Float[Tensor, "batch 3"],
        camera: FixedCamera,
    ) -> tuple[Float[Tensor, "batch points 2"], Bool[Tensor, "batch points"]]:
        """Where the true points are in the encoder's picture, and which of them are known.

        Vertices are known of people with a body, joints also of those whose joints are annotated.

        Args:
            truth: labels.
            points: of the true bodies.
            joint_pixels: of the true joints.
            transl: of the true bodies before the camera.
            camera: of the picture.
        """
        if self.kind == "joints":
            return joint_pixels, truth.pixels_valid
        seen, known = camera.project(points, transl), truth.valid[:, None].expand(points.shape[:2])
        if self.kind == "landmarks":
            joints, others = list(LANDMARK_JOINTS), slice(len(LANDMARK_JOINTS), None)
            seen = torch.cat([joint_pixels[:, joints], seen[:, others]], 1)
            known = torch.cat([truth.pixels_valid[:, joints], known[:, others]], 1)
        return seen, known
