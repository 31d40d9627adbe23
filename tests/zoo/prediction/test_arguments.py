"""What `zoo.predict` takes, and how it says that it does not take something."""

import sys

import jaxtyping
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import zoo
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(data.astronaut()[:240, 100:420])


def test_every_kind_of_image_gives_the_same(small_model, photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "a.png")
    expected = zoo.predict(small_model, photo).joints
    first = torch.from_numpy(photo).permute(2, 0, 1)
    for image in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(photo), first, first / 255):
        torch.testing.assert_close(zoo.predict(small_model, image).joints, expected)


def test_lists_give_lists_and_generators_are_read_one_by_one(small_model, photo):
    alone = [zoo.predict(small_model, image).joints for image in (photo, photo[:, ::-1])]
    both = zoo.predict(small_model, [photo, np.ascontiguousarray(photo[:, ::-1])])
    assert isinstance(both, list)
    for one, joints in zip(both, alone, strict=True):
        torch.testing.assert_close(one.joints, joints)
    read = []

    def endless():
        while True:
            read.append(1)
            yield photo

    stream = zoo.predict(small_model, endless())
    torch.testing.assert_close(next(stream).joints, alone[0])
    assert len(read) == 1


def test_a_name_is_loaded(listed, photo, small_model):
    named = zoo.predict("i2l_meshnet.small", photo)
    torch.testing.assert_close(named.joints, zoo.predict(small_model, photo).joints)


def test_people_are_found(small_model):
    portrait = data.astronaut()
    found = zoo.predict(small_model, np.concatenate([portrait, portrait[:, ::-1]], 1), "found")
    assert sorted((found.joints_2d.mean(1)[:, 0] > 512).tolist()) == [False, True]
    nobody = zoo.predict(small_model, data.brick(), "found")
    assert (len(nobody), nobody.joints.shape[1:]) == (0, found.joints.shape[1:])


@pytest.fixture
def unchecked(monkeypatch):
    """As a user has it: without the tests' check of types, which would refuse the same in other words."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "a path, a Pillow image, an array or a tensor, not int"),
        (({"a": 1},), "not dict"),
        ((None,), "not NoneType"),
        ((b"bytes",), "not bytes"),
        ((torch.zeros(64, 64, 3),), "channels first"),
        ((torch.zeros(2, 3, 64, 64),), "an image array must be"),
        ((np.zeros((64, 64, 3), np.uint8), "all"), "boxes are 'found', or a list"),
        (([np.zeros((64, 64, 3), np.uint8)], [[1, 2, 3, 4]]), "boxes belong to one image"),
    ],
)
def test_other_arguments_are_refused(small_model, unchecked, arguments, message):
    with pytest.raises(ZooError, match=message):
        zoo.predict(small_model, *arguments)


def test_a_model_is_a_model(photo, unchecked):
    with pytest.raises(ZooError, match=r"comes from zoo\.load"):
        zoo.predict(torch.nn.Linear(1, 1), photo)


def test_plain_values(small_model, photo, monkeypatch):
    prediction: Prediction = zoo.predict(small_model, photo, [[10, 10, 100, 200], [150, 20, 100, 150]])
    second = prediction.to_dict()[1]
    wrist = prediction.skeleton.index("left_wrist")
    assert second["joints"]["left_wrist"] == prediction.joints[1, wrist].tolist()
    assert second["joints_2d"]["left_wrist"] == prediction.joints_2d[1, wrist].tolist()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        prediction.to_dataframe()
