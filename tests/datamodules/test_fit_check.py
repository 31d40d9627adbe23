"""Fits that do not meet the measured joints."""

import numpy as np
import pytest
import torch

from body.load import load_body
from body.skeleton import H36M17, SMPL29
from datamodules.fit_check import inaccurate_fits


@pytest.fixture(scope="module")
def people():
    body = load_body("open")
    rng = np.random.default_rng(0)
    pose = torch.from_numpy(0.2 * rng.normal(size=(4, 24, 3))).float()
    vertices = body(pose, torch.zeros(4, 10), torch.tensor([[0.0, 0, 3]]).expand(4, 3)).vertices
    return body, vertices


def slow(joints, fitted, valid):
    """One person and joint at a time."""
    errors = []
    for points, others, mask in zip(joints, fitted, valid, strict=True):
        if not mask.any():
            errors.append(0.0)
            continue
        ours, theirs = points[mask] - points[mask].mean(0), others[mask] - others[mask].mean(0)
        errors.append(np.mean([np.linalg.norm(a - b) for a, b in zip(ours, theirs, strict=True)]))
    return np.array(errors)


def test_the_limit_is_on_the_mean_distance_after_moving_the_means_together(people):
    body, vertices = people
    fitted = body.regress(vertices, "h36m17").numpy()
    rng = np.random.default_rng(1)
    joints = fitted + rng.normal(size=fitted.shape) * np.array([0.0, 0.01, 0.02, 0.03])[:, None, None] + 0.5
    valid = rng.random((4, 17)) < 0.8
    valid[3] = False
    batch = {"joints": torch.from_numpy(joints).float(), "joints_valid": torch.from_numpy(valid),
             "smpl_valid": torch.tensor([True, True, True, True])}  # fmt: skip
    errors = slow(joints, fitted, valid)
    assert errors[0] < 1e-6
    for limit in (errors[1] - 1e-4, errors[1] + 1e-4, errors[2] + 1e-4):
        found = inaccurate_fits(batch, vertices, body, H36M17, None, float(limit))
        assert found.tolist() == (errors > limit).tolist()
    batch["smpl_valid"] = torch.zeros(4, dtype=torch.bool)
    assert not inaccurate_fits(batch, vertices, body, H36M17, None, 1e-6).any()


def test_only_joints_that_are_taken_for_the_same_place_count(people):
    body, vertices = people
    joints = body.regress(vertices, "smpl29")
    joints[:, SMPL29.index("left_foot")] += 1.0  # Human3.6M has no such joint
    batch = {"joints": joints, "joints_valid": torch.ones(4, 29, dtype=torch.bool),
             "smpl_valid": torch.ones(4, dtype=torch.bool)}  # fmt: skip
    assert not inaccurate_fits(batch, vertices, body, SMPL29, None, 0.005).any()  # knees, ankles, arms: the same places
    assert inaccurate_fits(batch, vertices, body, SMPL29, "by_name", 0.005).all()  # hips and torso are not
