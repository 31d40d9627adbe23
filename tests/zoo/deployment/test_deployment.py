"""`zoo export`: a file that onnxruntime reads as its users would, and refusals."""

import copy
import json
import shutil
import sys

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from skimage import data

import zoo
from body.extras import MissingExtra
from zoo.cli import main
from zoo.deployment.export import METADATA, export_model
from zoo.deployment.formats import open_runtime
from zoo.deployment.predictor import Predictor
from zoo.deployment.runtime import exported_path, run_predictions
from zoo.errors import ZooError
from zoo.prediction.crops import make_crop_batch

BOXES = [(60.0, 0.0, 160.0, 240.0), (10.0, 20.0, 90.0, 120.0), (100.0, 50.0, 200.0, 180.0), (0.0, 0.0, 320.0, 240.0)]
CAMERA = np.array([[300.0, 0, 160], [0, 310, 120], [0, 0, 1]], np.float32)


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:240, 100:420]


def test_onnxruntime_alone_gives_metres_and_pixels_for_any_number_of_people(awake, exported, photo):
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    facts = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
    assert list(facts["outputs"]) == [one.name for one in session.get_outputs()] == ["joints", "joints_2d", "vertices"]
    assert facts["inputs"]["image"]["shape"] == ["batch", 3, 64, 64]
    assert facts["joints"] == list(awake.skeleton.joints)
    for people in (1, 2, 4):
        batch = make_crop_batch(photo, BOXES[:people], CAMERA, 64)
        inputs = {one.name: batch[one.name].numpy() for one in session.get_inputs()}
        joints, joints_2d, vertices = session.run(None, inputs)
        expected = zoo.predict(awake, photo, BOXES[:people], CAMERA)
        assert np.abs(joints - expected.joints.numpy()).max() < 1e-4
        assert np.abs(vertices - expected.vertices.numpy()).max() < 1e-4
        assert np.abs(joints_2d - expected.joints_2d.numpy()).max() < 0.05
    assert exported.difference < 0.1


def test_predictions_through_another_runtime_are_whole_ones(awake, exported, photo):
    model = copy.copy(awake)
    run_predictions(model, open_runtime(exported.path, "onnx", ("joints", "joints_2d", "vertices")))
    found, expected = (zoo.predict(one, photo, BOXES, CAMERA) for one in (model, awake))
    torch.testing.assert_close(found.joints, expected.joints, atol=1e-4, rtol=0)
    assert np.array_equal(found.faces, expected.faces)
    assert (found.skeleton, found.root_depth_source) == (expected.skeleton, expected.root_depth_source)


def test_what_disagrees_is_not_written(awake, exported, tmp_path, monkeypatch):
    other = copy.deepcopy(awake)
    assert exported_path(other) == exported_path(awake)
    other.network.mesh_head.conv_x.weight.data *= 2
    assert exported_path(other) != exported_path(awake)
    monkeypatch.setattr("zoo.deployment.export.export_program", lambda *_: None)
    monkeypatch.setattr("zoo.deployment.export.write_format", lambda *given: shutil.copy(exported.path, given[3]))
    target = tmp_path / "a.onnx"
    target.write_text("an older one")
    with pytest.raises(ZooError, match=r"moves joints or vertices by up to .* mm, more than 0.1; nothing was written"):
        export_model(other, "other", "onnx", target)
    assert target.read_text() == "an older one"
    assert [file.name for file in tmp_path.iterdir()] == ["a.onnx"]


def test_refused_in_one_line(small_model, photo, tmp_path, monkeypatch, capsys):
    with pytest.raises(ZooError, match=r"a file for onnx ends with \.onnx"):
        export_model(small_model, "small", "onnx", tmp_path / "a.pb")
    with pytest.raises(ZooError, match="predicts from labels"):
        Predictor(zoo.load("nbf.open_tiny", network={"input": "true_parts"}))
    given = copy.copy(small_model)
    given.root_depth = "given"
    with pytest.raises(ZooError, match="root_depth given is no part of a graph"):
        Predictor(given)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"onnxruntime is not installed: pip install 'human-mesh-zoo\[export\]'"):
        open_runtime(tmp_path / "a.onnx", "onnx", ())
    with monkeypatch.context() as patch:
        patch.setattr("zoo.checkpoints.load.load", None)  # it would take a minute to learn what is known at once
        assert main(["export", "hemlets", "--format", "onnx"]) == 2
    assert capsys.readouterr().err.startswith("zoo: onnxruntime is not installed: pip install 'human-mesh-zoo[export]'")
    Image.fromarray(photo).save(tmp_path / "a.png")
    assert main(["predict", str(tmp_path / "a.png"), "--runtime", "onnx", "--precision", "bf16", "--whole"]) == 2
    assert (
        capsys.readouterr().err == "zoo: --runtime onnx runs on the CPU in fp32; leave --device and --precision out\n"
    )
