"""What `zoo.predict` returns as a user's object: shown, saved, cut into rows."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from skimage import data

import zoo
from body.camera import project
from body.load import load_body
from body.skeleton import COCO17, SMPL24
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError
from zoo.prediction.export.person import SourceImage
from zoo.prediction.result import ImagePrediction

BOXES = [[10, 10, 100, 200], [150, 20, 100, 150]]


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:240, 100:420]


@pytest.fixture(scope="module")
def both(small_model, photo):
    return zoo.predict(small_model, photo, BOXES)


@pytest.fixture(scope="module")
def sticks(both, photo):
    """The same people by a method without a mesh."""
    return ImagePrediction(
        joints=both.joints[:, :24],
        skeleton=SMPL24,
        joints_2d=both.joints_2d[:, :24],
        root_depth_source="box",
        source=both.source,
        boxes=both.boxes,
        scores=both.scores,
        body="none",
        weights="cascaded_lifting.test",
    )


def test_it_knows_its_image_boxes_body_and_weights(both, photo, small_model, tmp_path):
    np.testing.assert_array_equal(both.source.pixels, photo)
    assert both.boxes.tolist() == BOXES
    assert both.scores.tolist() == [1, 1]
    assert (both.body, both.weights) == ("open", "i2l_meshnet.small")
    assert both[1].boxes.tolist() == BOXES[1:]
    assert both[1].people[0].box == tuple(BOXES[1])
    Image.fromarray(photo).save(tmp_path / "a photo.png")
    assert zoo.predict(small_model, tmp_path / "a photo.png").source.name == "a photo.png"
    assert repr(both).startswith("Prediction(2 people: smpl29")
    assert repr(both).endswith("; image by i2l_meshnet.small)")
    assert isinstance(both.to("cpu", dtype=torch.float64), ImagePrediction)
    joined = Prediction.join([both[0], both[1]])
    assert type(joined) is Prediction
    torch.testing.assert_close(joined.joints, both.joints, atol=0, rtol=0)


def test_found_people_have_the_detectors_score_and_nobody_is_an_empty_picture(small_model):
    found = zoo.predict(small_model, data.astronaut(), boxes="found")
    assert 0.5 < found.scores.item() < 1
    nobody = zoo.predict(small_model, data.brick(), boxes="found")
    assert len(nobody) == len(nobody.people) == 0
    assert nobody.plot(100).size == (100, 100)
    assert "<iframe" not in nobody._repr_html_()


def test_every_file_opens(both, tmp_path):
    written = {ending: both.save(tmp_path / "new" / f"x.{ending}") for ending in ("png", "glb", "html", "json", "csv")}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in written.values())
    assert Image.open(written["png"]).size == (320, 240)
    scene = trimesh.load(written["glb"], process=False)
    for number in (0, 1):
        expected = both.vertices[number].numpy() * [1, -1, -1]
        np.testing.assert_allclose(scene.geometry[f"person{number}"].vertices, expected, atol=1e-5)
    assert [record["person"] for record in json.loads(written["json"].read_text())] == [0, 1]
    assert len(list(csv.reader(io.StringIO(written["csv"].read_text())))) == 1 + 2 * 29
    assert 'id="data"' in written["html"].read_text()
    one = both[1].save(str(tmp_path / "one.OBJ"))
    assert len(trimesh.load(one, process=False, file_type="obj").vertices) == both.vertices.shape[1]


def test_parameters_can_be_fitted_to_it(sticks, tmp_path):
    with pytest.raises(ZooError, match=r"cascaded_lifting.test gives no pose.*fit"):
        sticks[0].save(tmp_path / "a.npz")
    fitted = sticks[0].fit_parameters()
    assert (fitted.body, len(fitted), fitted.boxes.tolist()) == ("open", 1, BOXES[:1])
    with np.load(fitted.save(tmp_path / "a.npz")) as file:
        np.testing.assert_allclose(file["poses"], fitted.smpl.pose.reshape(1, 72).numpy(), atol=1e-6)
    assert fitted.save(tmp_path / "a.bvh").read_text().startswith("HIERARCHY")
    assert len(trimesh.load(fitted.save(tmp_path / "a.glb", rig=True)).geometry) == 1


def test_what_cannot_be_saved_is_one_line(both, sticks, tmp_path):
    for prediction, name, options, message in (
        (both, "a.stl", {}, r"saved as one of .png .*, not as .stl"),
        (both, "a", {}, "not as a file without ending"),
        (both, "a.obj", {}, r".obj holds one person of the 2; save prediction\[0\]"),
        (both, "a.png", {"rig": True}, r"rig=True is for .glb files, not .png"),
        (both[:0], "a.glb", {}, "nobody was found"),
        (sticks, "a.glb", {}, "predicts no mesh, which .glb holds; fit_parameters"),
        (both, "no\0name.png", {}, "cannot be written"),
    ):
        with pytest.raises(ZooError, match=message) as caught:
            prediction.save(tmp_path / "x" / name, **options)
        assert "\n" not in str(caught.value)


def test_sheet_and_notebook_show_people_with_and_without_a_mesh(both, photo):
    """Two people in T-pose, three metres away: a method with a mesh, and one without."""
    body, pose = load_body("open"), torch.zeros(2, 24, 3)
    pose[:, 0, 0] = torch.pi
    posed = body(pose, torch.zeros(2, 10), torch.tensor([[-0.5, 0.4, 3.0], [0.5, 0.4, 3.5]]))
    pixels = project(posed.joints, torch.from_numpy(both.source.intrinsics).expand(2, 3, 3))
    known = {"joints": posed.joints, "joints_2d": pixels, "skeleton": SMPL24}
    meshes = replace(both, **known, vertices=posed.vertices)
    sticks = replace(both, **known, vertices=None, faces=None)
    for prediction in (meshes, sticks):
        sheet = prediction.plot(120)
        assert sheet.size == (160 + 120 + 120, 120)
        views = np.asarray(sheet).astype(int)[:, 160:]
        drawn = np.abs(views - 245).max(-1) > 30
        assert drawn[:, :120].any()
        assert drawn[20:, 120:].any()  # below the label
        page = prediction._repr_html_()
        assert page.count("<iframe") == page.count("<img") == 1
        image = np.asarray(sheet).astype(int)[:, :160]
        plain = np.asarray(Image.fromarray(photo).resize((160, 120))).astype(int)
        assert (np.abs(image - plain).max(-1) > 60).sum() > 100
        assert not re.search(r"(src|href)=[\"'](?!data:)", page)


def test_people_from_above_are_where_they_are(photo):
    """Two sticks, 1 m apart in depth and 2 m in width: from above the farther one is higher, and to the right."""
    joints = torch.zeros(2, 17, 3)
    joints[0] += torch.tensor([-1.0, 0, 3]) + 0.05 * torch.randn(17, 3, generator=torch.Generator().manual_seed(0))
    joints[1] = joints[0] + torch.tensor([2.0, 0, 1.0])
    camera = np.diag([300.0, 300.0, 1.0])
    known = {"boxes": torch.ones(2, 4), "scores": torch.ones(2), "body": "none", "weights": "m"}
    source = SourceImage(photo, camera, "x")
    prediction = ImagePrediction(
        joints=joints, skeleton=COCO17, joints_2d=joints[..., :2], root_depth_source="box", source=source, **known
    )
    above = np.asarray(prediction.plot(200)).astype(int)[:, -200:]
    rows, columns = np.nonzero(np.abs(above[15:] - 245).max(-1) > 30)
    far, near = columns > 100, columns < 100
    assert far.any()
    assert near.any()
    assert rows[near].mean() - rows[far].mean() == pytest.approx(200 / 2.2 / 1.1, rel=0.15)
