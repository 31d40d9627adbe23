"""What NBF's losses compare, and the table behind Figure 3."""

import csv
import types

import pytest
import pytorch_lightning as pl
import torch
from flat_settings import make
from nbf_people import TINY, make_people
from people import open_body
from torch.utils.data import DataLoader
from torchmetrics.functional.classification import multiclass_f1_score

from body.skeleton import LSP14, SMPL24
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.camera import MEAN_TRANSL, FixedCamera
from lightning_modules.nbf.config import NBFLossConfig
from lightning_modules.nbf.criterion import FitLoss
from lightning_modules.nbf.module import NBFModule
from lightning_modules.nbf.network import Estimate
from lightning_modules.nbf.per_image import image_f1, rank_correlation, upright_joints
from lightning_modules.nbf.points import LANDMARK_JOINTS, LANDMARK_VERTICES, ComparedPoints
from lightning_modules.nbf.targets import BodyTruth


@pytest.fixture(scope="module")
def layer():
    return BodyLayer(open_body())


def bodies(layer, betas):
    """Estimates of T-poses with some shapes, and the labels that they are compared with: the mean shape."""
    rotations = layer.mean_rotations().expand(len(betas), 24, 3, 3)
    mean = torch.zeros_like(betas)
    camera = FixedCamera(224)
    joints = layer.joints(rotations, mean)
    pixels = camera.project(joints, torch.tensor(MEAN_TRANSL).expand(len(betas), 3))
    known = torch.ones(len(betas), dtype=torch.bool)
    truth = BodyTruth(rotations, mean, joints, known, pixels, known[:, None].expand(-1, 24))
    estimate = Estimate(betas, torch.zeros(len(betas), 226), rotations, betas, layer.joints(rotations, betas))
    return camera, estimate, truth


@pytest.mark.parametrize("distance", ["euclidean", "squared"])
def test_a_loss_on_vertices_is_how_far_the_shape_moves_them(layer, distance):
    """In a T-pose vertices move by their shape directions alone, turned about the pelvis, which moves too."""
    betas = torch.zeros(2, 10)
    betas[0, 0], betas[1, 3] = 1.0, -2.0
    camera, estimate, truth = bodies(layer, betas)
    config = NBFLossConfig(
        latent_weight=0.0, joints3d_weight=1.0, joints2d_weight=0.0, distance=distance, points="vertices"
    )
    terms = FitLoss(camera, config, ComparedPoints("vertices", layer))(
        estimate, truth, truth.pixels, truth.valid, torch.zeros(226)
    )
    along = torch.einsum("vck,bk->bvc", open_body().shapedirs, betas)
    pelvis = (open_body().regressor[0] @ along)[:, None]
    moved = ((along - pelvis) * torch.tensor([1.0, -1, -1]) + pelvis).norm(dim=-1)
    expected = (moved if distance == "euclidean" else moved**2).mean()
    torch.testing.assert_close(terms["joints3d"], expected, rtol=1e-4, atol=1e-6)


def test_true_vertices_cost_nothing_and_those_of_nobody_neither(layer):
    """Seen at the distance of the fixed camera; who has 2D joints alone has no vertices to compare."""
    camera, estimate, truth = bodies(layer, torch.zeros(2, 10))
    config = NBFLossConfig(latent_weight=0.0, joints3d_weight=1.0, joints2d_weight=1.0, points="vertices")
    loss = FitLoss(camera, config, ComparedPoints("vertices", layer))
    terms = loss(estimate, truth, truth.pixels, truth.valid, torch.zeros(226))
    assert sum(terms.values()) < 1e-5
    shifted = estimate._replace(betas=estimate.betas + 1)
    half = truth._replace(valid=torch.tensor([True, False]))
    whole, one = (loss(shifted, labels, labels.pixels, labels.valid, torch.zeros(226)) for labels in (truth, half))
    torch.testing.assert_close(one["joints3d"], whole["joints3d"] / 2)
    torch.testing.assert_close(one["joints2d"], whole["joints2d"] / 2)


class SmplSized(BodyLayer):
    """As many vertices as SMPL, each its own number."""

    def __init__(self, vertices):
        torch.nn.Module.__init__(self)
        self.body = types.SimpleNamespace(v_template=vertices[0], name="smpl")
        self.numbers = vertices

    def vertices(self, rotations, betas):
        return self.numbers


def test_landmarks_are_up_s():
    """LSP's twelve joints and 79 vertices of SMPL's mesh; joints are seen where they are annotated."""
    named = [joint.removesuffix("_lsp") for joint in LSP14.joints[:12]]
    assert [SMPL24.joints[joint] for joint in LANDMARK_JOINTS] == named
    assert len(set(LANDMARK_VERTICES)) == 79
    assert LANDMARK_VERTICES[:2] == (829, 411)
    vertices = torch.arange(6890.0)[None, :, None].expand(1, -1, 3)
    points = ComparedPoints("landmarks", SmplSized(vertices))
    joints = -torch.arange(24.0)[None, :, None].expand(1, -1, 3)
    found = points.of(torch.zeros(1, 24, 3, 3), torch.zeros(1, 10), joints)
    assert found[0, :, 0].tolist() == [-joint for joint in LANDMARK_JOINTS] + list(LANDMARK_VERTICES)
    annotated = torch.zeros(1, 24, dtype=torch.bool)
    annotated[0, 8] = True
    pixels = torch.full((1, 24, 2), 7.0)
    nobody = BodyTruth(torch.zeros(1, 24, 3, 3), torch.zeros(1, 10), joints, torch.tensor([False]), pixels, annotated)
    seen, known = points.pixels(nobody, found, pixels, torch.tensor([MEAN_TRANSL]), FixedCamera(224))
    assert known[0].tolist() == [True] + 90 * [False]
    assert seen[0, 0].tolist() == [7.0, 7.0]


def test_f1_of_an_image_is_that_of_torchmetrics():
    generator = torch.Generator().manual_seed(0)
    predicted, true = (torch.randint(0, 5, (3, 16, 16), generator=generator) for _ in range(2))
    true[1][true[1] == 4] = 0  # a part that is predicted and not there
    predicted[2], true[2] = 0, 0
    expected = [multiclass_f1_score(predicted[k], true[k], 5, average="none")[1:].mean() for k in (0, 1)]
    torch.testing.assert_close(image_f1(predicted, true), torch.tensor([*expected, 1.0]), check_dtype=False)


def test_upright_has_its_arms_by_its_sides(layer):
    joints = upright_joints(layer)
    at = {name: joints[SMPL24.index(name)] for name in SMPL24.joints}
    for side, sign in (("left", 1), ("right", -1)):
        assert at[f"{side}_wrist"][1] < at[f"{side}_elbow"][1] < at[f"{side}_shoulder"][1]
        assert 0 < sign * at[f"{side}_wrist"][0] < 0.5
    assert at["head"][1] > 0.4
    assert at["pelvis"].abs().max() == 0


def test_figure_3_is_a_table_of_the_test(tmp_path):
    """One row for each image with labels, its error the mean over its joints; the test logs their correlation."""
    torch.manual_seed(0)
    batch = make_people(4)
    batch["iuv_valid"] = torch.tensor([True, True, False, True])
    module = make(NBFModule, **TINY, per_image=True)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path)
    (values,) = trainer.test(module, DataLoader([batch], batch_size=None), verbose=False)
    rows = list(csv.DictReader((tmp_path / "per_image.csv").open()))
    assert [row["sample"] for row in rows] == [str(int(batch["index"][k])) for k in (0, 1, 3)]
    smpl, body = module.eval().predict(batch).smpl, open_body()
    found, true = body(smpl.pose, smpl.betas).joints, body(batch["pose"], batch["betas"]).joints
    pelvises = module.network.layer.rest_joints(smpl.betas) - module.network.layer.rest_joints(batch["betas"])
    apart = (found - found[:, :1] - true + true[:, :1]) @ module._ray(batch) + pelvises[:, :1]
    errors = apart.norm(dim=-1).mean(1)
    for row, k in zip(rows, (0, 1, 3), strict=True):
        assert float(row["joint_error_mm"]) == pytest.approx(1000 * errors[k].item(), rel=1e-3)
        assert 0 <= float(row["part_f1"]) <= 1
        assert float(row["from_upright_mm"]) > 0
    assert -1 <= values["test/f1_error_correlation"] <= 1
    falling = torch.tensor([[0.0, 0.1, 90.0, 1.0], [1.0, 0.5, 50.0, 1.0], [2.0, 0.9, 20.0, 1.0]])
    assert rank_correlation(falling.double()) == {"f1_error_correlation": pytest.approx(-1.0)}
