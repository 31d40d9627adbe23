"""What `zoo.predict` and `zoo.load` refuse rather than answer with nonsense, and a model that threads share."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from skimage import data

import zoo
from zoo.errors import ZooError


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:240, 100:420]


@pytest.mark.parametrize(
    "matrix",
    [
        [[300, 0, 160], [0, 300, 120], [0, 0, -1]],
        [[300, 0, 160], [0, 300, 120], [0, 0.1, 1]],
        [[300, 0, 160], [5, 300, 120], [0, 0, 1]],
        [[np.nan, 0, 160], [0, 300, 120], [0, 0, 1]],
        [[1e38, 0, 160], [0, 1e38, 120], [0, 0, 1]],
        [[1e-3, 0, 160], [0, 1e-3, 120], [0, 0, 1]],
        np.eye(4),
    ],
)
def test_matrices_of_no_camera(small_model, photo, matrix):
    with pytest.raises(ZooError, match=r"intrinsics|focal lengths"):
        zoo.predict(small_model, photo, intrinsics=np.array(matrix))


@pytest.mark.parametrize(
    ("image", "options", "fix"),
    [
        (b"not an image", {}, r"PIL\.Image\.open"),
        (io.BytesIO(), {}, r"PIL\.Image\.open"),
        ("https://example.org/a.jpg", {}, "download it first"),
        ("a.mp4", {}, "for videos there is zoo predict"),
        (np.zeros((3, 60, 80), np.uint8), {}, "a tensor may have its channels first"),
        (np.full((60, 80, 3), 200.0), {}, r"floats in \[0, 1\], not float64 from 200 to 200"),
        (None, {"boxes": np.array([1, 2, 30, 40])}, r"\[\(1, 2, 30, 40\)\] for one, not of .*1"),
        (None, {"boxes": np.array([["a", "2", "30", "40"]])}, "boxes are a list"),
        (None, {"intrinsics": np.array("camera")}, "3 x 3 matrix"),
    ],
)
def test_one_line_names_the_fix(small_model, photo, tmp_path, monkeypatch, image, options, fix):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(ZooError, match=fix) as raised:
        zoo.predict(small_model, photo if image is None else image, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("method", ["cascaded_lifting", "danet", "hemlets", "i2l_meshnet", "nbf"])
def test_weights_of_another_type(photo, method):
    model = zoo.load(f"{method}.open_tiny")
    for cast in (lambda m: m.double(), lambda m: m.to(torch.float64), lambda m: (m.float().network.half(), m)[1]):
        with pytest.raises(ZooError, match=r"weights are float.*call model.float\(\)"):
            zoo.predict(cast(model), photo)
    assert zoo.predict(model.float(), photo).joints.dtype == torch.float32


def test_labels_as_input_are_refused_for_a_photograph(photo):
    with pytest.raises(ZooError, match=r"input: true_parts shows the network .*set network.input to parts or rgb"):
        zoo.predict(zoo.load("nbf.open_tiny", network={"input": "true_parts"}), photo)


@pytest.mark.parametrize(("value", "name"), [(float("nan"), "weight"), (float("inf"), "weight"), (-1.0, "running_var")])
def test_weights_that_no_training_leaves(small_weights, tmp_path, value, name):
    from safetensors import safe_open

    with safe_open(small_weights, framework="pt") as stream:
        metadata = stream.metadata()
    state = load_file(small_weights)
    key = next(key for key in state if key.endswith(name))
    state[key].view(-1)[0] = value
    save_file(state, tmp_path / "a.safetensors", metadata)
    with pytest.raises(ZooError, match=f"(NaN or infinity|negative variance) in {key}"):
        zoo.load(tmp_path / "a.safetensors")


def test_threads_that_share_a_model_in_train_mode(photo):
    model = zoo.load("hemlets.open_tiny")
    expected = zoo.predict(model, photo).joints
    model.train()
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: zoo.predict(model, photo).joints, range(24)))
    assert all(torch.allclose(one, expected, atol=1e-5) for one in found)
    assert model.training
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
