"""`zoo export --int8`: integers in the file, what they cost in it too, and refusals that leave nothing."""

import json
import shutil

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from lightning_modules.common.backbones.movenet import MoveNet
from zoo.deployment import calibration
from zoo.deployment.calibration import measure_cost
from zoo.deployment.export import METADATA, exact_parts, export_model
from zoo.deployment.predictor import INPUTS, Predictor, example_inputs
from zoo.deployment.quantise import _readers, quantise
from zoo.errors import ZooError


@pytest.fixture
def few_images(monkeypatch):
    """Two to calibrate on, and two others."""
    monkeypatch.setattr(calibration, "_CALIBRATION_EVERY", 400)
    monkeypatch.setattr(calibration, "_MEASURED_EVERY", 250)


@pytest.fixture
def as_exported(exported, monkeypatch):
    monkeypatch.setattr("zoo.deployment.export.export_program", lambda *_: None)
    monkeypatch.setattr("zoo.deployment.export.write_format", lambda *given: shutil.copy(exported.path, given[3]))


def integers(path):
    """Of every convolution in a file, whether its inputs come from integers."""
    nodes = onnx.load(path).graph.node
    producers = {name: node.op_type for node in nodes for name in node.output}
    return [
        {producers.get(name) for name in node.input[:2]} == {"DequantizeLinear"}
        for node in nodes
        if node.op_type == "Conv"
    ]


def test_cost_of_a_graph_that_is_off_by_a_known_length(awake, few_images):
    predictor = Predictor(awake)

    def shifted(inputs):
        with torch.no_grad():
            joints = predictor(*(torch.from_numpy(value) for value in inputs.values()))[0]
        joints[:, awake.skeleton.root_index] -= torch.tensor([0.003, 0.004, 0.0])  # all others 5 mm beside the root
        return {"joints": joints.numpy()}

    cost = measure_cost(awake, predictor, shifted)
    assert cost.images == 2
    count = len(awake.skeleton)
    assert cost.moved == pytest.approx(5 * (count - 1) / count, abs=1e-2)
    assert cost.farthest == pytest.approx(5, abs=1e-2)
    assert 0 < abs(cost.reduced_error - cost.error) < 5
    cost.check(5.0)
    with pytest.raises(
        ZooError, match=r"int8 moves joints by 4.* mm on average, at most 5, .*; 4 are allowed; nothing"
    ):
        cost.check(4.0)


def test_convolutions_are_integers_and_the_file_says_what_that_costs(
    awake, exported, as_exported, few_images, tmp_path
):
    made = export_model(awake, "small", "onnx", tmp_path / "a.onnx", int8_limit=1000.0)
    assert set(integers(made.path)) == {True}
    assert made.path.stat().st_size < 0.6 * exported.path.stat().st_size
    session = onnxruntime.InferenceSession(made.path, providers=["CPUExecutionProvider"])
    facts = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
    assert facts["int8"]["reduced_error"] == made.cost.reduced_error
    assert facts["int8"]["images"] == 2
    assert made.cost.moved > 0
    assert [file.name for file in tmp_path.iterdir()] == ["a.onnx"]


def test_parts_that_stay_exact(awake, exported, tmp_path):
    weights = [node.input[1] for node in onnx.load(exported.path).graph.node if node.op_type == "Conv"]
    one = {name: value.numpy() for name, value in zip(INPUTS, example_inputs(awake, 1), strict=True)}
    quantise(exported.path, tmp_path / "a.onnx", [one], exact=[weights[1]])
    assert [place for place, kind in enumerate(integers(tmp_path / "a.onnx")) if not kind] == [1, 2]
    with pytest.raises(ZooError, match="int8 has nothing to do"):
        quantise(exported.path, tmp_path / "b.onnx", [one], exact=weights)
    assert exact_parts(nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.Sequential(MoveNet())})) == ["b.0."]


def test_what_reads_an_exact_part_is_exact_too():
    """a -> relu -> b -> c, and a joins c before d."""
    make = onnx.helper.make_node
    nodes = [
        make("Conv", ["x", "w"], ["a"], name="a"),
        make("Relu", ["a"], ["r"]),
        make("Conv", ["r", "w"], ["b"], name="b"),
        make("Conv", ["b", "w"], ["c"], name="c"),
        make("Concat", ["c", "r"], ["j"], axis=1),
        make("Conv", ["j", "w"], ["d"], name="d"),
        make("Conv", ["d", "w"], ["e"], name="e"),
    ]
    assert _readers(nodes, {"a"}) == {"b", "d"}
    assert _readers(nodes, set()) == set()


def test_refused_in_one_line(awake, as_exported, few_images, tmp_path):
    with pytest.raises(ZooError, match="int8 is for --format onnx and openvino"):
        export_model(awake, "small", "torch-export", tmp_path / "a.pt2", int8_limit=3.0)
    with pytest.raises(ZooError, match="int8 moves joints by"):
        export_model(awake, "small", "onnx", tmp_path / "a.onnx", int8_limit=-1000.0)
    assert not list(tmp_path.iterdir())
