from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from nbf_people import make_people
from people import open_body

from body.camera import apply_affine, compose_affine, project
from body.skeleton import get_skeleton
from lightning_modules.common.rotations import crop_to_camera_rotation
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.camera import MEAN_TRANSL, FixedCamera, resize_affine, warp
from lightning_modules.nbf.encoder_input import EncoderInput
from lightning_modules.nbf.network import Fit
from lightning_modules.nbf.placement import Placement
from lightning_modules.nbf.scale import ScaleConvention
from lightning_modules.nbf.targets import body_truth, labelled
from zoo.documents.configs import flatten, read_config

CONFIGS = Path(__file__).parents[2] / "configs"
SMPL29 = get_skeleton("smpl29")


@pytest.fixture(scope="module", params=["absolute", "relative"])
def people(request):
    """A layer, a batch, its truth and the turn of its crops."""
    layer, batch = BodyLayer(open_body(), request.param), make_people(3)
    view = crop_to_camera_rotation(batch["intrinsics"], batch["crop_affine"], 64)
    return layer, batch, body_truth(batch, layer, view, SMPL29), view


def test_fixed_camera_shows_a_tall_body_over_440_of_512_pixels():
    upright = torch.tensor([[[0.0, -0.895, 0], [0.0, 0.895, 0]]])
    top, foot = FixedCamera(512).project(upright, torch.tensor([MEAN_TRANSL]))[0]
    assert foot[1] - top[1] == pytest.approx(440, abs=1)


def test_locate_finds_the_translation_of_flat_bodies():
    camera, random = FixedCamera(224), torch.Generator().manual_seed(0)
    points = torch.rand(4, 24, 3, generator=random) * torch.tensor([1.0, 2.0, 0.0])
    transl = torch.tensor(MEAN_TRANSL) + torch.randn(4, 3, generator=random) * torch.tensor([0.2, 0.2, 2.0])
    valid = torch.rand(4, 24, generator=random) > 0.3
    pixels = camera.project(points, transl)
    pixels[~valid] = 1e4
    torch.testing.assert_close(camera.locate(points, pixels, valid), transl, atol=2e-4, rtol=1e-4)
    unknown = camera.locate(points, pixels, torch.zeros_like(valid))
    torch.testing.assert_close(unknown, torch.tensor(MEAN_TRANSL).expand(4, 3))


def test_true_joints_are_where_the_crop_shows_them(people):
    _, batch, truth, _ = people
    # smpl29's first joints are regressed from the mesh, those of the truth are the kinematic ones of the same body
    assert (truth.pixels - batch["joints_2d"][:, :24]).norm(dim=-1).max() < 1.0
    assert truth.pixels_valid.all()


@pytest.mark.parametrize("jitter", [False, True])
def test_true_body_scale_shows_the_body_as_the_fixed_camera_does(people, jitter):
    layer, _, truth, _ = people
    torch.manual_seed(0)
    affine = ScaleConvention("true_body", layer)(truth, 64, jitter)
    camera = FixedCamera(64)
    moved = apply_affine(truth.pixels, affine)
    transl = camera.locate(truth.joints, moved, truth.pixels_valid)
    assert transl[:, 2] == pytest.approx(torch.full((3,), MEAN_TRANSL[2]).numpy(), rel=0.03)
    away = (transl[:, :2] - torch.tensor(MEAN_TRANSL[:2])).norm(dim=1)
    assert (away > 0.02).all() if jitter else (away < 0.02).all()
    # the photograph's camera is much nearer than the fixed one, so the two pictures differ a little
    assert (camera.project(truth.joints, transl) - moved).norm(dim=-1).mean() < 1.0


def test_keypoints_make_people_equally_tall_and_central(people):
    layer, _, truth, _ = people
    scale = ScaleConvention("keypoints", layer)
    once = apply_affine(truth.pixels, scale(truth, 64, False))
    shrunk = truth._replace(pixels=0.4 * truth.pixels + 7)
    torch.testing.assert_close(apply_affine(shrunk.pixels, scale(shrunk, 64, False)), once, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close((once.amin(1) + once.amax(1)) / 2, torch.full((3, 2), 32.0), atol=1e-3, rtol=0)
    bones = [(15, 12), (12, 0), (0, 1), (1, 4), (4, 7)]
    rest = layer.rest
    pixels = sum((once[:, a] - once[:, b]).norm(dim=1) for a, b in bones if (a, b) != (0, 1))
    metres = sum((rest[a] - rest[b]).norm() for a, b in bones if (a, b) != (0, 1))
    right = sum((once[:, a] - once[:, b]).norm(dim=1) for a, b in [(15, 12), (12, 0), (2, 5), (5, 8)])
    expected = metres * FixedCamera(64).focal / MEAN_TRANSL[2]
    torch.testing.assert_close(torch.maximum(pixels, right), expected.expand(3), rtol=0.02, atol=0)


@pytest.mark.parametrize("name", ["keypoints", "true_body"])
def test_people_without_labels_stay_as_their_crop_is(people, name):
    """The paper's configurations cut boxes at 440 of 512 pixels; nothing is zoomed a second time."""
    layer, _, truth, _ = people
    known = torch.tensor([True, False, True])
    truth = truth._replace(pixels_valid=known[:, None].expand(3, 24), valid=known)
    with pytest.warns(UserWarning, match=f"scale {name} needs SMPL's .*stay as their crop is"):
        affine = ScaleConvention(name, layer)(truth, 64, False)
    assert torch.equal(affine[1], torch.eye(2, 3))
    assert not torch.allclose(affine[0], torch.eye(2, 3))
    for path in (CONFIGS / "nbf").glob("[hu]*.yaml"):
        assert flatten(read_config(path))["model.init_args.network.crop_margin"] == pytest.approx(
            512 / 440, abs=1e-4
        ), path


def test_zoom_jitter_scales_about_the_middle(people):
    layer, _, truth, _ = people
    torch.manual_seed(0)
    one = ScaleConvention("true_body", layer)(truth, 64, True)
    torch.manual_seed(0)
    other = ScaleConvention("true_body", layer, zoom_jitter=0.1)(truth, 64, True)
    zoom = other[:, 0, 0] / one[:, 0, 0]
    assert (zoom - 1).abs().max() <= 0.1
    assert zoom.std() > 0.01
    middle = torch.full((3, 1, 2), 32.0)  # of the fixed camera
    torch.testing.assert_close(
        apply_affine(truth.pixels, other) - middle,
        zoom[:, None, None] * (apply_affine(truth.pixels, one) - middle),
        rtol=1e-4,
        atol=1e-3,
    )


def test_warp_moves_pixels_as_opencv_does():
    image = np.random.RandomState(0).rand(24, 24, 3).astype(np.float32)
    affine = np.array([[1.3, 0.2, -4.0], [-0.1, 0.9, 3.5]])
    flags = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST}
    for mode, flag in flags.items():
        expected = cv2.warpAffine(image, affine, (24, 24), flags=flag)
        moved = warp(torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(affine)[None].float(), mode)
        different = np.abs(moved[0].permute(1, 2, 0).numpy() - expected).max(-1) > 0.02
        assert different.mean() < (0.03 if mode == "nearest" else 0.001)  # OpenCV counts in fractions of a pixel


def test_labels_follow_their_picture():
    batch = make_people(2)
    layer = BodyLayer(open_body())
    view = crop_to_camera_rotation(batch["intrinsics"], batch["crop_affine"], 64)
    truth = body_truth(batch, layer, view, SMPL29)
    shown = EncoderInput(64, 32, 24).view(batch, truth, ScaleConvention("true_body", layer), jitter=False)
    for person in range(2):
        rows, columns = np.nonzero(shown.parts[person].numpy() == 16)  # the head
        place = np.array([columns.mean(), rows.mean()]) / 2
        assert np.linalg.norm(place - shown.pixels[person, 15].numpy()) < 3
    crop = EncoderInput(64, 32, 1).view(batch, truth, ScaleConvention("crop", layer), jitter=False)
    torch.testing.assert_close(crop.affine, resize_affine(64, 32, crop.affine))
    assert torch.equal(crop.parts, (batch["iuv"][:, 0] > 0).long())


def test_a_perfect_fit_becomes_the_true_body(people):
    """Rotations, depth and translation together; the outline that places it is the true one."""
    layer, batch, truth, view = people
    camera = FixedCamera(224)
    vertices = layer.vertices(truth.rotations, truth.betas)
    fit = Fit(truth.betas, truth.betas, truth.rotations, truth.betas, truth.joints, vertices)
    affine = resize_affine(64, 224, truth.pixels)
    transl = camera.locate(truth.joints, apply_affine(truth.pixels, affine), truth.pixels_valid)
    placed, smpl = Placement(layer, camera, 1.25).place(
        fit, transl, compose_affine(affine, batch["crop_affine"]), view, batch, "given"
    )
    # the fixed camera sees bodies from farther away, so the pelvis is off by its perspective
    off = placed - batch["vertices"]
    torch.testing.assert_close(off, off.mean(1, keepdim=True).expand_as(off), atol=1e-5, rtol=0)
    assert off.norm(dim=-1).max() < 0.05
    again = open_body()(smpl.pose, smpl.betas, smpl.transl).vertices
    torch.testing.assert_close(again, placed, atol=1e-4, rtol=0)
    torch.testing.assert_close(smpl.pose[:, 1:], batch["pose"][:, 1:], atol=1e-4, rtol=0)


def test_the_outline_gives_size_and_place():
    layer, camera = BodyLayer(open_body()), FixedCamera(96)
    vertices = layer.vertices(layer.mean_rotations()[None], torch.zeros(1, 10))
    transl = torch.tensor([[0.3, -0.2, 25.0]])
    pixels = camera.project(vertices, transl)[0].round().long()
    picture = torch.zeros(2, 3, 96, 96)
    picture[0, 1, pixels[:, 1], pixels[:, 0]] = 1.0
    found = Placement(layer, camera, 1.25).translation(vertices.expand(2, -1, -1), picture)
    torch.testing.assert_close(found[:1], transl, atol=0.03, rtol=0.03)
    torch.testing.assert_close(found[1], torch.tensor(MEAN_TRANSL))  # nobody is seen
    # a whole photograph: in the middle, with the margin of crops
    whole = Placement(layer, camera, 1.25).translation(vertices, None)
    shown = camera.project(vertices, whole)[0]
    low, high = shown.amin(0), shown.amax(0)
    torch.testing.assert_close((low + high) / 2, torch.full((2,), 48.0), atol=0.3, rtol=0)
    assert (high - low).max() == pytest.approx(96 / 1.25, rel=0.01)


def test_without_a_given_depth_size_gives_it(people):
    layer, batch, truth, view = people
    camera = FixedCamera(224)
    vertices = layer.vertices(truth.rotations, truth.betas)
    fit = Fit(truth.betas, truth.betas, truth.rotations, truth.betas, truth.joints, vertices)
    affine = resize_affine(64, 224, truth.pixels)
    transl = camera.locate(truth.joints, apply_affine(truth.pixels, affine), truth.pixels_valid)
    placed, _ = Placement(layer, camera, 1.25).place(
        fit, transl, compose_affine(affine, batch["crop_affine"]), view, batch
    )
    true = batch["vertices"].mean(1)
    assert (placed.mean(1) - true).norm(dim=-1).max() < 0.1 * true[:, 2].max()
    seen = project(placed, batch["intrinsics"])
    assert (seen - project(batch["vertices"], batch["intrinsics"])).norm(dim=-1).mean() < 10  # of 320 pixels


def test_a_share_of_labels_is_the_same_samples_every_time():
    batch = {"index": torch.arange(20000), "smpl_valid": torch.ones(20000, dtype=torch.bool)}
    for share in (1.0, 0.5, 0.2, 0.02, 0.01, 0.0):
        chosen = labelled(batch, share)
        assert chosen.float().mean().item() == pytest.approx(share, abs=0.002)
        half = {name: value[10000:] for name, value in batch.items()}
        assert torch.equal(labelled(half, share), chosen[10000:])
    assert (labelled(batch, 0.2) & ~labelled(batch, 0.5)).sum() == 0
    assert not labelled(batch | {"smpl_valid": torch.zeros(20000, dtype=torch.bool)}, 1.0).any()
