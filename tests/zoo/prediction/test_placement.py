"""Bodies that are moved to their joints: known translations come back, whatever a few joints say."""

import pytest
import torch

from body.camera import default_intrinsics, project
from body.load import load_body
from body.skeleton import SMPL24
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.prediction.placement import place_on_joints

AWAY = torch.tensor([[0.11, 0.32, 0.45], [-0.2, 0.05, -0.3]])


@pytest.fixture(scope="module")
def body():
    return load_body("open")


def displaced(body, source, wrong=()):
    """Two bodies that are not where their joints appear, with wrong joints, and where they should be."""
    torch.manual_seed(0)
    pose = 0.2 * torch.randn(2, 24, 3)
    pose[:, 0, 0] = torch.pi
    true = body(pose, torch.zeros(2, 10), torch.tensor([[-0.4, 0.1, 3.0], [0.5, 0.4, 4.0]]))
    true_joints = body.regress(true.vertices, "smpl24")
    pixels = project(true_joints, default_intrinsics(640, 480).expand(2, 3, 3))
    pixels[:, list(wrong)] += torch.tensor([150.0, -120.0])
    joints, vertices = true_joints - AWAY[:, None], true.vertices - AWAY[:, None]
    smpl = SmplParameters(pose, torch.zeros(2, 10), torch.zeros(2, 3))
    return Prediction(joints, SMPL24, pixels, source, vertices, body.faces, smpl), true


def place(body, prediction):
    camera = default_intrinsics(640, 480).expand(2, 3, 3)
    return place_on_joints(prediction, body.joint_regressor("smpl24"), camera)


@pytest.mark.parametrize(
    ("wrong", "tolerance"),
    [((), 0.02), ([SMPL24.index(f"{s}_{j}") for s in ("left", "right") for j in ("ankle", "knee", "foot")], 0.08)],
)
def test_bodies_come_to_their_joints(body, wrong, tolerance):
    prediction, true = displaced(body, "bones", wrong)
    placed = place(body, prediction)
    torch.testing.assert_close(placed.vertices, true.vertices, atol=tolerance, rtol=0)
    torch.testing.assert_close(placed.smpl.transl, AWAY, atol=tolerance, rtol=0)
    assert torch.equal(placed.joints_2d, prediction.joints_2d)
    root = placed.joints[:, 0, 2] - true.joints[:, 0, 2]
    torch.testing.assert_close(root, torch.zeros(2), atol=tolerance, rtol=0)  # the joints go along


def test_a_depth_that_was_given_stays(body):
    prediction, _ = displaced(body, "rootnet")
    placed = place(body, prediction)
    torch.testing.assert_close(placed.vertices[..., 2], prediction.vertices[..., 2], atol=1e-5, rtol=0)
    torch.testing.assert_close(placed.joints, prediction.joints, atol=1e-5, rtol=0)
    camera = default_intrinsics(640, 480).expand(2, 3, 3)
    before, after = (project(body.regress(one.vertices, "smpl24"), camera) for one in (prediction, placed))
    assert (after - prediction.joints_2d).norm(dim=-1).mean() < 0.3 * (before - prediction.joints_2d).norm(
        dim=-1
    ).mean()


def test_a_body_that_is_right_stays(body):
    prediction, true = displaced(body, "bones")
    right = Prediction(true.joints, SMPL24, prediction.joints_2d, "bones", true.vertices, body.faces)
    torch.testing.assert_close(place(body, right).vertices, true.vertices, atol=1e-4, rtol=0)
