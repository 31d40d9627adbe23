"""The mean pose is the mean, and the best constant."""

import numpy as np
import pytest
import torch
from metric_samples import PLAIN, make_batch
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24
from metrics import build_task
from metrics.baseline import MeanPose, fit_mean_pose


def labels(indices):
    return make_batch(indices)[1]


def test_it_is_the_mean_of_root_relative_labels():
    batch = labels(range(12))
    mean = fit_mean_pose([labels(range(5)), labels(range(5, 12))], SMPL24)
    joints = batch["joints"].double()
    np.testing.assert_allclose(mean.joints, (joints - joints[:, :1]).mean(0), atol=1e-12)
    np.testing.assert_allclose(mean.vertices, (batch["vertices"].double() - joints[:, :1]).mean(0), atol=1e-12)
    assert mean.samples == 12


def test_unlabelled_joints_and_samples_are_left_out():
    batch = labels(range(6))
    batch["joints_valid"][0] = False
    batch["joints"][0] = torch.nan
    batch["joints_valid"][1, 5] = False
    batch["joints"][1, 5] = 99.0
    mean = fit_mean_pose([batch], SMPL24)
    joints = batch["joints"].double()
    relative = joints - joints[:, :1]
    np.testing.assert_allclose(mean.joints[4], relative[1:, 4].mean(0), atol=1e-12)
    np.testing.assert_allclose(mean.joints[5], relative[2:, 5].mean(0), atol=1e-12)
    assert mean.samples == 5


def test_no_constant_has_a_smaller_squared_error():
    train = labels(range(20))
    mean = fit_mean_pose([train], SMPL24)
    relative = train["joints"].double() - train["joints"][:, :1].double()
    best = ((relative - mean.joints) ** 2).sum()
    for seed in range(5):
        other = mean.joints + 0.01 * torch.randn(24, 3, generator=torch.Generator().manual_seed(seed)).double()
        assert ((relative - other) ** 2).sum() > best


def test_it_is_scored_like_any_method():
    mean = fit_mean_pose([labels(range(20))], SMPL24)
    evaluation = build_task(PLAIN)
    for indices in (range(20, 24), range(24, 27)):
        batch = labels(indices)
        evaluation.update(mean.predict(batch), batch)
    report = evaluation.compute()
    batch = labels(range(20, 27))
    truth = batch["joints"].double() - batch["joints"][:, :1].double()
    expected = 1000 * (truth - mean.joints)[:, 1:].norm(dim=-1).mean().item()
    assert report["mpjpe"] == pytest.approx(expected)
    assert report["n"] == 7
    assert report["pve"] > 0


def test_without_meshes():
    batch = labels(range(3))
    batch["vertices_valid"][:] = False
    mean = fit_mean_pose([batch], SMPL24)
    assert isinstance(mean, MeanPose)
    assert mean.predict(batch).vertices is None


def test_parameters_are_averaged_where_there_are_any():
    batches, poses, betas = [], [], []
    for indices in (range(4), range(4, 9)):
        generator = np.random.default_rng(indices.start)
        batch, count = labels(indices), len(indices)
        pose, shape = 0.5 * generator.normal(size=(count, 24, 3)), generator.normal(size=(count, 10))
        valid = np.arange(count) > 0
        pose[~valid] = np.nan
        smpl = {"pose": torch.from_numpy(pose), "betas": torch.from_numpy(shape), "smpl_valid": torch.from_numpy(valid)}
        batches.append(batch | smpl)
        poses.append(pose[valid])
        betas.append(shape[valid])
    mean = fit_mean_pose(batches, SMPL24)
    expected = [Rotation.from_rotvec(turns).mean().as_rotvec() for turns in np.concatenate(poses).transpose(1, 0, 2)]
    np.testing.assert_allclose(mean.smpl.pose, expected, atol=1e-9)
    np.testing.assert_allclose(mean.smpl.betas, np.concatenate(betas).mean(0), atol=1e-12)
    prediction = mean.predict(labels(range(3)))
    assert prediction.smpl.pose.shape == (3, 24, 3)
    assert prediction.smpl.betas.shape == (3, 10)
    assert fit_mean_pose([labels(range(3))], SMPL24).smpl is None


def test_training_sets_that_will_not_do():
    batch = labels(range(3))
    batch["joints_valid"][:, 7] = False
    with pytest.raises(ValueError, match="never seen: left_ankle"):
        fit_mean_pose([batch], SMPL24)
    batch["joints_valid"][:] = False
    with pytest.raises(ValueError, match="valid root"):
        fit_mean_pose([batch], SMPL24)
