"""Shapes of one body in another body's space."""

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear

from body.load import load_body
from body.model import BodyModel
from body.shape_space import ShapeConversion
from body.skeleton import SMPL24


def body_like(change):
    """A body with the open body's mesh, its template and shape directions changed."""
    neutral = load_body("open")
    data = {
        "weights": neutral.lbs_weights.numpy(), "J_regressor": neutral.regressor.numpy(), "f": neutral.faces,
        "kintree_table": np.stack([neutral.parents, np.arange(24)]),
    }  # fmt: skip
    data["v_template"], data["shapedirs"] = change(neutral.v_template.numpy(), neutral.shapedirs.numpy())
    return BodyModel("changed", SMPL24, data, {})


def test_shapes_that_the_target_can_express_are_converted_exactly():
    """Another basis of the same space, elsewhere: every pose gives the same mesh in the same place."""
    rng, neutral = np.random.default_rng(0), load_body("open")
    offset, basis = rng.normal(size=10), np.eye(10) + 0.3 * rng.normal(size=(10, 10))
    shift = np.array([0.02, -0.3, 0.01])
    source = body_like(lambda mean, dirs: (mean + dirs @ offset + shift, dirs @ basis))
    betas, transl = torch.randn(4, 10), torch.randn(4, 3)
    pose = 0.4 * torch.randn(4, 24, 3)
    found = ShapeConversion.between(source, neutral)(betas, transl)
    np.testing.assert_allclose(found[0], offset + betas.numpy() @ basis.T, atol=1e-4)
    torch.testing.assert_close(neutral(pose, *found).vertices, source(pose, betas, transl).vertices, atol=2e-5, rtol=0)


def test_others_come_as_near_as_ten_coefficients_can_their_root_in_place():
    """Against scipy's least squares over the vertices of the resting bodies."""
    neutral = load_body("open")
    source = body_like(lambda mean, dirs: (1.04 * mean * np.array([1.1, 1, 1]), dirs + 0.002 * np.sin(40 * dirs)))
    betas, still = torch.randn(3, 10), torch.zeros(3, 24, 3)
    found, transl = ShapeConversion.between(source, neutral)(betas, torch.zeros(3, 3))
    posed, ours = source(still, betas), neutral(still, found, transl)
    torch.testing.assert_close(ours.joints[:, 0], posed.joints[:, 0], atol=1e-5, rtol=0)
    root = neutral.regressor[0].double().numpy()
    directions = neutral.shapedirs.double().numpy()
    directions = (directions - np.einsum("v,vdb->db", root, directions)).reshape(-1, 10)
    mean = neutral.v_template.double().numpy()
    for row in range(3):
        wanted = (posed.vertices[row] - posed.joints[row, 0]).double().numpy() - (mean - root @ mean)
        expected = lsq_linear(directions, wanted.ravel()).x
        np.testing.assert_allclose(found[row], expected, atol=1e-3)


def test_bodies_of_other_meshes_are_refused():
    neutral = load_body("open")
    few = {"v_template": neutral.v_template, "shapedirs": neutral.shapedirs, "weights": neutral.lbs_weights}
    data = {name: value[:9].numpy() for name, value in few.items()}
    data |= {"J_regressor": neutral.regressor[:, :9].numpy(), "f": neutral.faces}
    cut = BodyModel("cut", SMPL24, data | {"kintree_table": np.stack([neutral.parents, np.arange(24)])}, {})
    with pytest.raises(ValueError, match="'cut' and 'open' have different meshes"):
        ShapeConversion.between(cut, neutral)
