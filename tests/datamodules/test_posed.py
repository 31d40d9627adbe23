"""Joints and translations of many bodies, against the body model."""

import cv2
import numpy as np
import pytest
import torch
from fake.people import body_called

from datamodules.readers.posed import RestJoints, gender_codes, matrices, root_translations


def test_posed_joints_are_the_body_models():
    rng, body = np.random.default_rng(0), body_called("open")
    pose, betas, transl = 0.5 * rng.normal(size=(5, 24, 3)), rng.normal(size=(5, 10)), rng.normal(size=(5, 3))
    with torch.no_grad():
        expected = body(*(torch.tensor(values).float() for values in (pose, betas, transl))).joints.numpy()
    rest = RestJoints(body)
    np.testing.assert_allclose(rest.posed(pose, betas, transl), expected, atol=2e-6)
    with torch.no_grad():
        still = body(torch.zeros(5, 24, 3), torch.tensor(betas).float()).joints.numpy()
    np.testing.assert_allclose(rest.of(betas), still, atol=2e-6)


def test_bodies_stand_where_their_root_is_annotated():
    rng, body = np.random.default_rng(1), body_called("open")
    roots, betas, gender = rng.normal(size=(4, 3)), rng.normal(size=(4, 10)), np.array([1, 2, 1, 0], np.int8)
    asked = []
    transl = root_translations(roots, betas, gender, lambda name: asked.append(name) or body)
    assert asked == ["neutral", "male", "female"]
    with torch.no_grad():
        posed = body(torch.zeros(4, 24, 3), *(torch.tensor(values).float() for values in (betas, transl)))
    np.testing.assert_allclose(posed.joints[:, 0], roots, atol=1e-6)


def test_rotations_are_rodrigues_formula():
    vectors = np.random.default_rng(2).normal(size=(2, 3, 3))
    expected = [[cv2.Rodrigues(vector)[0] for vector in row] for row in vectors]
    np.testing.assert_allclose(matrices(vectors), expected, atol=1e-12)


def test_genders_by_their_first_letter():
    assert gender_codes(["m", "female", "F", "neutral", "Male"]).tolist() == [1, 2, 2, 0, 1]
    with pytest.raises(ValueError, match="not \\['x'\\]"):
        gender_codes(["m", "x"])
    for number in ("0", "1", "-1", "1.0"):  # male in one file, female in the next
        with pytest.raises(ValueError, match=f"^genders are m, f or n, not \\['{number}'\\]$"):
            gender_codes([number])
