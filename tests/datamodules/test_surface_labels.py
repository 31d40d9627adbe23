"""Surface labels that are rendered for a crop: the same as rays see, after every augmentation, in the right charts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake.assets import write_densepose, write_mano, write_smpl
from fake.people import body_called, make_camera, make_image, make_people

from body.densepose import find_densepose
from body.load import load_body
from body.maps import iuv_map
from body.rasterize import rasterize
from body.raycast import RayScene, Window, cast_camera
from body.surface_renderer import SurfaceRenderer
from body.uv import SurfaceCharts
from datamodules.augment import NO_CHANGE, Augmentation, Change
from datamodules.base import CropDataset, rest_root
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings

CAMERA = make_camera((640, 480))
CHANGES = {
    "none": NO_CHANGE,
    "turned": Change(rotation=0.6, scale=0.9),
    "mirrored": Change(flip=True),
    "both": Change(flip=True, rotation=-0.4, scale=1.2),
}


@pytest.mark.parametrize("size", [(56, 56), (40, 90)])
def test_the_grid_sees_what_rays_see(size):
    camera = make_camera(size, seed=4)
    person = make_people(1, camera)[0]
    faces = body_called("open").faces
    ours = rasterize(person.vertices, faces, camera.intrinsics, size)
    rays = cast_camera(RayScene([(person.vertices, faces)]), camera.intrinsics, Window(0, 0, *size))
    same = ours.face == rays.face
    assert same.mean() > 0.999  # a ray through an edge may take either face
    assert (rays.face >= 0).sum() > 100
    np.testing.assert_allclose(ours.distance[same], rays.distance[same], atol=1e-4)
    np.testing.assert_allclose(ours.barycentric[same], rays.barycentric[same], atol=0.02)
    np.testing.assert_array_equal(ours.mesh[same], rays.mesh[same])


def test_faces_behind_the_camera_or_edge_on_are_not_seen():
    camera = np.array([[10.0, 0, 5], [0, 10, 5], [0, 0, 1]])
    behind = np.array([[-1.0, -1, -2], [1, -1, -2], [0, 1, -2]])
    edge_on = np.array([[0.0, 0, 2], [0, 0, 3], [0, 0.5, 2.5]])
    ahead = np.array([[-1.0, -1, 4], [1, -1, 4], [0, 1, 4]])
    faces = np.array([[0, 1, 2]])
    for corners in (behind, edge_on):
        assert (rasterize(corners, faces, camera, (11, 11)).face < 0).all()
    middle = rasterize(ahead, faces, camera, (11, 11))
    assert middle.face.reshape(11, 11)[5, 5] == 0
    assert middle.distance.reshape(11, 11)[5, 5] == 4
    np.testing.assert_allclose(middle.barycentric.reshape(11, 11, 3)[5, 5], [0.25, 0.25, 0.5])


def sample(person, **more):
    x, y, width, height = person.box
    return RawSample(
        image=make_image([person]),
        intrinsics=person.camera.intrinsics,
        box=np.array([x, y, width, height]),
        joints=person.joints("smpl24"),
        joints_valid=np.ones(24, bool),
        skeleton=body_called("open").skeleton,
        index=0,
        smpl=Smpl(person.pose, person.betas, person.transl),
        **more,
    )


def crop(raw, change, render):
    settings = CropSettings(skeleton="smpl24", size=128, iuv_size=64, render_iuv=render)
    body = body_called("open")
    source = type("Source", (), {"__len__": lambda _: 1, "__getitem__": lambda _, index: raw})()
    always = type("Always", (Augmentation,), {"draw": lambda _, rng: change})()
    renderers = {"neutral": SurfaceRenderer(body)} if render else None
    return CropDataset(source, settings, always, {"neutral": rest_root(body)}, renderers)[0]


@pytest.mark.parametrize("name", CHANGES)
def test_labels_are_those_of_the_whole_photograph_moved_along(name):
    person, body = make_people(1, CAMERA)[0], body_called("open")
    renderer = SurfaceRenderer(body)
    whole = iuv_map(person.vertices, body.faces, renderer.charts, CAMERA.intrinsics, CAMERA.size)
    warped = crop(sample(person, iuv=whole), CHANGES[name], render=False)
    rendered = crop(sample(person), CHANGES[name], render=True)
    assert rendered["iuv"].shape == (3, 64, 64)
    assert rendered["iuv"].dtype == torch.uint8
    assert rendered["iuv_valid"]
    ours, theirs = (row["iuv"].int().numpy() for row in (rendered, warped))
    person_there = (ours[0] > 0) | (theirs[0] > 0)
    same = (ours[0] == theirs[0]) & person_there
    assert person_there.sum() > 200
    assert same.sum() / person_there.sum() > 0.93  # nearest pixels of the image differ at outlines
    apart = np.abs(ours[1:] - theirs[1:])[:, same]
    assert np.quantile(np.minimum(apart, 256 - apart), 0.95) < 12


def test_a_wrong_flip_would_show():
    person = make_people(1, CAMERA)[0]
    straight, mirrored = (crop(sample(person), CHANGES[name], render=True)["iuv"] for name in ("none", "mirrored"))
    same = (straight[0] == mirrored[0].flip(-1)) & (straight[0] > 0)
    assert same.sum() / (straight[0] > 0).sum() < 0.7  # sides are swapped, so most parts carry another number


def test_labels_that_are_there_and_people_without_a_fit_are_left_alone():
    person = make_people(1, CAMERA)[0]
    given = np.full((480, 640, 3), 7, np.uint8)
    assert (crop(sample(person, iuv=given), NO_CHANGE, render=True)["iuv"] == 7).all()
    assert not crop(replace(sample(person), smpl=None), NO_CHANGE, render=True)["iuv_valid"]


def test_densepose_s_charts_are_used_for_smpl(tmp_path, monkeypatch):
    write_smpl(tmp_path, monkeypatch)
    smpl = load_body("smpl")
    part, u, v = write_densepose(tmp_path, monkeypatch, smpl.faces, smpl.v_template.numpy())
    person = make_people(1, make_camera((64, 64)))[0]
    size, camera = (64, 64), person.camera.intrinsics
    vertices = person.vertices[:6890]
    labels = SurfaceRenderer(smpl).labels(vertices, camera, size)
    hits = cast_camera(RayScene([(vertices, smpl.faces)]), camera, Window(0, 0, *size))
    face = hits.face.reshape(64, 64)
    expected = np.where(face >= 0, part[face], 0)
    np.testing.assert_array_equal(labels[..., 0], expected)
    row, column = np.argwhere(face >= 0)[40]
    weights = hits.barycentric.reshape(64, 64, 3)[row, column]
    for channel, values in ((1, u), (2, v)):
        assert labels[row, column, channel] == pytest.approx(255 * weights @ values[face[row, column]], abs=1)
    assert isinstance(SurfaceRenderer(body_called("open")).charts, SurfaceCharts)  # not of its mesh


def test_damaged_charts_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    assert find_densepose() is None
    (tmp_path / "densepose").mkdir()
    (tmp_path / "densepose" / "UV_Processed.mat").write_bytes(b"cut off")
    with pytest.raises(ValueError, match=r"UV_Processed\.mat is not DensePose's file"):
        find_densepose()


def test_a_body_without_smpl_s_joints_cannot_be_rendered(tmp_path, monkeypatch):
    write_mano(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="render_iuv: false"):
        SurfaceRenderer(load_body("mano"))
