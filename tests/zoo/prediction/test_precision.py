"""Half precision as a user asks for it: only products are rounded, and the answer hardly moves."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from skimage import data

import zoo
from zoo.cli import main
from zoo.errors import ZooError

METHODS = ("cascaded_lifting", "danet", "hemlets", "i2l_meshnet", "nbf")
BOX = [(60.0, 0.0, 160.0, 240.0)]


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:240, 100:420]


def relative(prediction):
    return prediction.joints - prediction.joints[:, :1]


def equal_states(state, expected):
    return state.keys() == expected.keys() and all(
        value.dtype == expected[name].dtype and torch.equal(value, expected[name]) for name, value in state.items()
    )


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_moves_joints_by_millimetres_and_goes_back(method, photo):
    """Most sensitive is a backbone that says where joints are: in bf16 they move by centimetres, some by a metre."""
    model = zoo.load(f"{method}.open")
    exact, weights = relative(zoo.predict(model, photo, BOX)), {k: v.clone() for k, v in model.state_dict().items()}
    by_type = {kind: copy.deepcopy(model).to(kind).state_dict() for kind in (torch.bfloat16, torch.float16)}
    rounded = model.bfloat16()
    assert equal_states(rounded.state_dict(), by_type[torch.bfloat16])
    predicted = zoo.predict(rounded, photo, BOX)
    assert predicted.joints.dtype == predicted.joints_2d.dtype == torch.float32
    change = (relative(predicted) - exact).norm(dim=-1)
    assert 0 < change.max() < 0.015, "nothing was rounded, or what says where joints are"
    assert change.mean() < 0.003
    same = zoo.predict(zoo.load(f"{method}.open", precision="bf16"), photo, BOX)
    torch.testing.assert_close(same.joints, predicted.joints, atol=0, rtol=0)
    back = model.float().state_dict()
    for name, value in weights.items():
        if value.is_floating_point():  # what was rounded is within bf16's eight bits, what was not is as it was
            torch.testing.assert_close(back[name], value, rtol=2**-8, atol=1e-30)
        if "running_" in name:
            assert torch.equal(back[name], value)
    model.load_state_dict(weights)
    change = (relative(zoo.predict(model.half(), photo, BOX)) - exact).norm(dim=-1)
    assert equal_states(model.state_dict(), by_type[torch.float16])
    assert 0 < change.max() < 0.005


def test_the_command_line_predicts_in_a_precision(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "a.png")
    command = ["predict", str(tmp_path / "a.png"), "--model", "hemlets.open_tiny", "--box", *map(str, BOX[0])]
    assert main([*command, "--precision", "bf16", "--formats", "json", "--out", str(tmp_path / "out")]) == 0
    joints = [joint["metres"] for joint in json.loads((tmp_path / "out/a.json").read_text())["joints"]]
    expected = zoo.predict(zoo.load("hemlets.open_tiny", precision="bf16"), photo, BOX).joints
    torch.testing.assert_close(torch.tensor([joints]), expected, atol=1e-5, rtol=0)


def test_a_module_of_float16_that_is_called_and_is_not_trained():
    model = zoo.load("hemlets.open_tiny").half()
    image = torch.rand(1, 3, model.crop_size, model.crop_size)
    assert model(image).joints.dtype == torch.float32
    with pytest.raises(ValueError, match=r"weights are float16, too coarse for the steps of a training.*bf16-mixed"):
        pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False).fit(model, [])


def test_what_a_cpu_cannot_do_and_names_that_there_are_not(monkeypatch):
    monkeypatch.setattr("lightning_modules.common.precision.fast_on_this_cpu", lambda _: False)
    with pytest.raises(ZooError, match=r"no arithmetic for fp16.*use bf16"):
        zoo.load("hemlets.open_tiny", precision="fp16")
    with pytest.raises(ZooError, match="no precision 'bf61'; did you mean bf16"):
        zoo.load("hemlets.open_tiny", precision="bf61")


def test_a_network_compiles_without_breaks():
    command = [sys.executable, "-m", "tests.zoo.prediction.compiled_networks", "2", "hemlets.open"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    method, graphs, parts, change = done.stdout.split()
    assert (method, graphs, parts) == ("hemlets.open", "1", "1")
    assert float(change) < 1e-4


def test_without_a_compiler_a_model_runs_as_it_is(photo, monkeypatch):
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    with pytest.warns(UserWarning, match=r"compile=True has no effect: there is no C\+\+ compiler; install g\+\+"):
        model = zoo.load("hemlets.open_tiny", compile=True)
    torch.testing.assert_close(
        zoo.predict(model, photo).joints, zoo.predict(zoo.load("hemlets.open_tiny"), photo).joints
    )
