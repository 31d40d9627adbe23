"""The shared fake people and runs: other tests rely on them."""

import numpy as np
import pytest
import torch
from fake.assets import write_mano, write_smpl
from fake.people import make_camera, make_image, make_people
from fake.run import fit_and_test

from body.load import load_body
from body.skeleton import SKELETONS


def test_people_are_whole_upright_and_always_the_same():
    camera = make_camera((160, 120), seed=3)
    people, again = make_people(3, camera), make_people(3, camera)
    for person, same in zip(people, again, strict=True):
        np.testing.assert_array_equal(person.vertices, same.vertices)
        x, y, width, height = person.box
        assert 0 < x < x + width < 159
        assert 0 < y < y + height < 119
        joints = person.joints("h36m17")
        assert joints[0, 1] > joints[8, 1]  # the pelvis lies below the neck: y points down
        np.testing.assert_allclose(camera.from_world(camera.to_world(joints)), joints, atol=1e-12)
    image = make_image(people[:1])
    x, y, width, height = np.rint(people[0].box).astype(int)
    assert (image[:, :, 0] == 220).any(0).nonzero()[0][[0, -1]].tolist() == pytest.approx([x, x + width], abs=1)


# open36 holds SMPL's and Human3.6M's hips, spine and neck, which are the same points on the open body.
@pytest.mark.parametrize("skeleton", [name for name in SKELETONS if name not in ("mano21", "open36")])
def test_joints_of_every_skeleton_are_different_places_inside_the_person(skeleton):
    person = make_people(1)[0]
    joints = person.joints(skeleton)
    apart = np.linalg.norm(joints[:, None] - joints[None], axis=-1) + np.eye(len(joints))
    assert apart.min() > 0.005
    assert (joints > person.vertices.min(0) - 0.05).all()
    assert (joints < person.vertices.max(0) + 0.05).all()


def test_stand_in_bodies_have_people_too(tmp_path, monkeypatch):
    write_smpl(tmp_path, monkeypatch, ("neutral", "male"))
    write_mano(tmp_path, monkeypatch)
    zeros = torch.zeros(1, 24, 3), torch.zeros(1, 10)
    tall, neutral = (load_body(name)(*zeros).vertices[0, :, 1] for name in ("smpl_male", "smpl"))
    assert np.ptp(tall.numpy()) > 1.03 * np.ptp(neutral.numpy())
    assert load_body("smpl").joint_regressor("h36m17").shape == (17, 6890)
    hand = make_people(1, body="mano")[0]
    assert hand.pose.shape == (16, 3)
    span = np.ptp(hand.joints("mano21"), axis=0)
    assert 0.05 < span.max() < 0.3


def test_a_run_logs_what_it_did(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    data = {"train_samples": 4, "val_samples": 2, "test_samples": 2, "image_size": 64, "generator_workers": 1}
    logged = fit_and_test("datamodules.synthetic.SyntheticDataModule", None, tmp_path, data=data)
    assert logged["test/n"] == 2
    assert np.isfinite([logged["train/loss"], logged["test/mpjpe"]]).all()
