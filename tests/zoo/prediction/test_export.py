"""Files of a prediction: they open, and say the same as the prediction."""

import base64
import io
import json
import re

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from skimage import data

from body.camera import default_intrinsics, project
from body.load import load_body
from body.skeleton import SMPL24
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.errors import ZooError
from zoo.prediction.export import SourceImage, write_prediction
from zoo.prediction.export.files import write_files

BOX = (100.0, 50.0, 120.0, 180.0)


@pytest.fixture(scope="module")
def photo():
    pixels = data.astronaut()[:240, 100:420]
    return SourceImage(pixels, default_intrinsics(320, 240).numpy(), "some person.jpg")


@pytest.fixture(scope="module")
def prediction(photo):
    """Two people in T-pose, upright in the camera frame, three metres away."""
    body = load_body("open")
    pose = torch.zeros(2, 24, 3)
    pose[:, 0, 0] = torch.pi
    output = body(pose, torch.zeros(2, 10), torch.tensor([[-0.5, 0.4, 3.0], [0.5, 0.4, 3.5]]))
    pixels = project(output.joints, torch.from_numpy(photo.intrinsics).expand(2, 3, 3))
    smpl = SmplParameters(pose, torch.zeros(2, 10))
    return Prediction(output.joints, SMPL24, pixels, "box", output.vertices, body.faces, smpl)


@pytest.fixture(scope="module")
def files(prediction, photo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "new" / "folder"
    paths = write_prediction(prediction, photo, [BOX, BOX], folder, "i2l_meshnet.small")
    assert {path.name for path in folder.iterdir()} == {path.name for path in paths}  # and nothing temporary
    return folder


def test_names_carry_the_person_only_when_there_are_several(files, prediction, photo, tmp_path):
    scene, own = ("_overlay.png", "_skeleton.png", ".glb", ".html"), (".obj", ".json")
    assert {p.name for p in files.iterdir()} == {f"some person_person{k}{e}" for k in (0, 1) for e in own} | {
        f"some person{ending}" for ending in (*scene, "_views.png")
    }
    paths = write_prediction(prediction[0], photo, [BOX], tmp_path, "m")
    assert {path.name for path in paths} == {f"some person{ending}" for ending in scene + own}


@pytest.mark.parametrize("ending", ["obj", "glb"])
def test_meshes_reload_with_the_same_vertices_turned_upright(files, prediction, ending):
    name = {"obj": "some person_person1.obj", "glb": "some person.glb"}[ending]
    scene = trimesh.load(files / name, process=False)
    mesh = scene if isinstance(scene, trimesh.Trimesh) else scene.geometry["person1"]
    turned = mesh.vertices * [1, -1, -1]
    np.testing.assert_allclose(turned, prediction.vertices[1].numpy(), atol=1e-6)
    np.testing.assert_array_equal(mesh.faces, prediction.faces)
    head, foot = prediction.joints[1, SMPL24.index("head")], prediction.joints[1, SMPL24.index("left_foot")]
    assert head[1] < foot[1]  # y down in the camera
    assert mesh.vertices[:, 1].max() > -float(head[1])
    assert mesh.volume > 0  # faces look outwards


def test_json_has_joints_in_metres_and_pixels_with_everything_needed_to_read_them(files, prediction, photo):
    record = json.loads((files / "some person_person0.json").read_text())
    assert record["schema"] == "human-mesh-zoo/person/1"
    assert record["model"] == "i2l_meshnet.small"
    assert record["image"] == {"file": "some person.jpg", "width": 320, "height": 240}
    assert record["box"]["xywh"] == list(BOX)
    assert record["camera"]["source"].startswith("assumed")
    assert record["root_depth_source"] == "box"
    assert [joint["name"] for joint in record["joints"]] == list(SMPL24.joints)
    metres = np.array([joint["metres"] for joint in record["joints"]])
    np.testing.assert_allclose(metres, prediction.joints[0].numpy(), atol=1e-5)
    camera = np.array(record["camera"]["intrinsics"])
    projected = metres @ camera.T
    pixels = np.array([joint["pixels"] for joint in record["joints"]])
    np.testing.assert_allclose(pixels, projected[:, :2] / projected[:, 2:], atol=0.02)
    assert np.shape(record["smpl"]["pose_axis_angle"]) == (24, 3)


def test_overlay_covers_the_body_and_nothing_else(files, prediction, photo):
    overlay = np.asarray(Image.open(files / "some person_overlay.png")).astype(int)
    changed = np.abs(overlay - photo.pixels.astype(int)).max(-1) > 4
    inside = prediction.joints_2d[0, [SMPL24.index(n) for n in ("pelvis", "spine2", "left_knee", "right_elbow")]]
    for x, y in inside.round().int().tolist():
        assert changed[y, x]
    corners = prediction.vertices.flatten(0, 1).numpy() @ photo.intrinsics.T
    corners = corners[:, :2] / corners[:, 2:]
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    changed[max(low[1], 0) : high[1] + 1, max(low[0], 0) : high[0] + 1] = False
    assert not changed.any()


def test_large_photographs_are_drawn_smaller_and_still_fit(files, prediction, photo, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.prediction.export.drawing.MAX_DRAWN_SIDE", 160)
    write_prediction(prediction, photo, [BOX, BOX], tmp_path, "m")
    for name in ("overlay", "skeleton"):
        drawn = Image.open(tmp_path / f"some person_{name}.png")
        assert drawn.size == (160, 120)
        full = Image.open(files / f"some person_{name}.png").resize((160, 120), Image.Resampling.BOX)
        assert np.abs(np.asarray(drawn).astype(float) - np.asarray(full)).mean() < 6


def test_a_person_out_of_the_picture_or_behind_the_camera_is_not_an_error(prediction, photo, tmp_path):
    for number, shift in enumerate(([50.0, 0, 0], [0, 0, -9.0])):
        moved = prediction.vertices[:1] + torch.tensor(shift)
        one = Prediction(prediction.joints[:1], SMPL24, prediction.joints_2d[:1], "box", moved, prediction.faces)
        write_prediction(one, photo, [BOX], tmp_path / str(number), "m")
        overlay = np.asarray(Image.open(tmp_path / str(number) / "some person_overlay.png"))
        np.testing.assert_array_equal(overlay, photo.pixels)


def test_the_page_needs_nothing_else_and_holds_the_mesh(files, prediction):
    page = (files / "some person.html").read_text()
    assert not re.search(r"https?:|//cdn|<link|src=[\"'](?!data:)|@import|fetch\(|XMLHttp", page)
    content = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
    vertices = np.frombuffer(base64.b64decode(content["people"][0]["vertices"]), "<f4").reshape(-1, 3)
    np.testing.assert_array_equal(vertices, prediction.vertices[0].numpy())
    faces = np.frombuffer(base64.b64decode(content["faces"]), "<u4").reshape(-1, 3)
    np.testing.assert_array_equal(faces, prediction.faces)
    header, coded = content["photos"][0].split(",", 1)
    assert header == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(coded))).size == (320, 240)


def test_one_scene_holds_everybody(files, prediction):
    """One GLB with a node each, one page with both meshes, in the colours of the overlay."""
    scene = trimesh.load(files / "some person.glb", process=False)
    assert set(scene.geometry) == {"person0", "person1"}
    for number in (0, 1):
        vertices = scene.geometry[f"person{number}"].vertices * [1, -1, -1]
        np.testing.assert_allclose(vertices, prediction.vertices[number].numpy(), atol=1e-6)
    page = (files / "some person.html").read_text()
    people = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))["people"]
    for number in (0, 1):
        vertices = np.frombuffer(base64.b64decode(people[number]["vertices"]), "<f4").reshape(-1, 3)
        np.testing.assert_array_equal(vertices, prediction.vertices[number].numpy())


def test_views_show_depth_and_width(files):
    """From above and from the side the person who is farther by half a metre and 1 m to the right is there."""
    views = np.asarray(Image.open(files / "some person_views.png")).astype(int)
    assert views.shape == (640, 1280, 3)
    blue, orange = views[..., 2] > views[..., 0] + 15, views[..., 0] > views[..., 2] + 25  # persons 0 and 1
    side, above = slice(0, 640), slice(640, 1280)
    column = lambda mask, part: np.flatnonzero(mask[:, part].any(0)).mean()  # noqa: E731
    row = lambda mask, part: np.flatnonzero(mask[:, part].any(1)).mean()  # noqa: E731
    assert column(orange, side) > column(blue, side) + 50
    assert column(orange, above) > column(blue, above) + 100
    assert row(orange, above) < row(blue, above) - 50


def test_a_hostile_file_name_stays_text(prediction, photo, tmp_path):
    nasty = SourceImage(photo.pixels, photo.intrinsics, "</title><script>alert(1)<x>.png")
    paths = write_prediction(
        prediction, SourceImage(nasty.pixels, nasty.intrinsics, "a<b>&.png"), [BOX], tmp_path, "<m>"
    )
    page = next(path for path in paths if path.suffix == ".html").read_text()
    assert "a&lt;b&gt;&amp;.png, &lt;m&gt;" in page
    assert "<m>" not in page


def test_a_method_without_a_mesh_writes_what_it_has(prediction, photo, tmp_path):
    joints = Prediction(prediction.joints[:1], SMPL24, prediction.joints_2d[:1], "rootnet")
    names = {path.name for path in write_prediction(joints, photo, [BOX], tmp_path, "m")}
    assert names == {"some person_skeleton.png", "some person.html", "some person.json"}
    assert "smpl" not in json.loads((tmp_path / "some person.json").read_text())


def test_all_files_or_none(tmp_path, monkeypatch):
    from pathlib import Path

    (tmp_path / "a").write_bytes(b"old")
    write = Path.write_bytes

    def full(self, content):
        if self.name == "b":
            raise OSError(28, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ZooError, match="No space left"):
        write_files({"a": b"new", "b": b"new"}, tmp_path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="cannot be written"):
        write_files({"a": b""}, tmp_path / "file")
