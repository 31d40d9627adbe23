"""IUV labels by ray casting and by the loader's rasteriser, against the release's renderer."""

import numpy as np
import pytest
import torch
from danet_weights import functions

from body.densepose import DensePoseCharts
from body.rasterize import rasterize
from body.raycast import Hits, RayScene, Window, cast_camera
from lightning_modules.danet.crop_camera import FOCAL, translation

CAMERA = np.array([[1250, 0, 27.5], [0, 1250, 27.5], [0, 0, 1]])  # 5,000 pixels on 224, on a grid of 56
SIZE = (56, 56)


@pytest.fixture(scope="module")
def scene():
    data = functions()
    camera = data["rast_cam"].float()
    place = translation(camera, torch.full_like(camera[:, 0], FOCAL))[0].double()
    vertices, faces = (data["rast_verts"] + place).numpy(), data["rast_faces"].numpy()
    stored = data["rast_img"].permute(1, 2, 0).numpy(), data["rast_img_plain"].permute(1, 2, 0).numpy()
    return vertices, faces, data["rast_tex"].numpy(), *stored


@pytest.fixture(params=["ray caster", "rasteriser"])
def seen(request, scene):
    vertices, faces = scene[:2]
    if request.param == "rasteriser":
        return rasterize(vertices, faces, CAMERA, SIZE)
    return cast_camera(RayScene([(vertices, faces)]), CAMERA, Window(0, 0, *SIZE))


def away_from_silhouettes(foreground):
    """Pixels whose eight neighbours are of the same kind."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(foreground, 1, mode="edge"), (3, 3))
    return foreground & windows.all((2, 3))


def test_the_same_faces_are_seen_as_in_the_release(scene, seen):
    _, _, texture, stored, plain = scene
    ours = np.where(seen.face[:, None] >= 0, texture[seen.face], 0.0).reshape(*SIZE, 3)
    inside = away_from_silhouettes(plain[..., 0] > 0)
    assert inside.sum() > 100
    index = np.rint(24 * ours[..., 0]) == np.rint(24 * stored[..., 0])
    assert index[inside].mean() >= 0.99
    assert (np.rint(24 * plain[..., 0]) == np.rint(24 * ours[..., 0]))[inside].mean() >= 0.99
    # the release mixes up to 0.3 % of the next face's colour in; a plain colour per face has nothing of that
    same = inside & index
    assert np.abs(ours - plain)[same].max(-1).mean() < 2e-3
    assert np.quantile(np.abs(ours - stored)[same], 0.99) < 5e-3
    silhouette = (ours[..., 0] > 0) != (plain[..., 0] > 0)
    assert silhouette.sum() <= 0.1 * (plain[..., 0] > 0).sum()


def test_interpolated_charts_have_the_release_s_texture_in_the_middle_of_a_face():
    data = {name: value.numpy() for name, value in functions().items() if name.startswith("uv_")}
    corners = np.stack([data["uv_tex_U"], data["uv_tex_V"]], 1)[data["uv_tex_faces"]]
    part = data["uv_tex_I"].astype(np.uint8)
    charts = DensePoseCharts(data["uv_vert_mapping"][data["uv_tex_faces"]], part, corners)
    count = len(part)
    middle = Hits(np.zeros(count, int), np.arange(count), np.full((count, 3), 1 / 3), np.ones(count))
    found = charts.iuv(middle)
    np.testing.assert_allclose(found[:, 0] / 24, data["uv_tex_out"][:, 0], atol=1e-6)
    np.testing.assert_allclose(found[:, 1:] / 255, data["uv_tex_out"][:, 1:], atol=0.5 / 255 + 1e-6)
    assert torch.from_numpy(found).dtype == torch.uint8
