"""Alignment against the authors' numbers, scipy, and a search that knows no algebra."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from metrics.functional import align, best_rotation, pa_mpjpe, procrustes

GOLDEN = Path(__file__).parents[1] / "golden"


def poses(count, joints=14, seed=0):
    generator = torch.Generator().manual_seed(seed)
    extent = torch.tensor([0.2, 0.5, 0.15], dtype=torch.float64)
    return torch.randn(count, joints, 3, generator=generator, dtype=torch.float64) * extent


def moved(points, seed=1):
    """The same poses, each rotated, scaled and shifted; also the rotations and scales."""
    rotation = torch.from_numpy(Rotation.random(len(points), rng=seed).as_matrix())
    generator = torch.Generator().manual_seed(seed)
    scale = 0.5 + torch.rand(len(points), 1, 1, generator=generator, dtype=torch.float64)
    shift = torch.randn(len(points), 1, 3, generator=generator, dtype=torch.float64) * 3
    return points @ rotation.mT * scale + shift, rotation, scale.flatten()


def scipy_rotation(source, target):
    """Kabsch in scipy: the proper rotation between centred sets."""
    return Rotation.align_vectors(target - target.mean(0), source - source.mean(0))[0].as_matrix()


def scipy_error(source, target, scaling):
    """PA error in millimetres with scipy's rotation and the least-squares scale, one sample."""
    rotation = scipy_rotation(source, target)
    x, y = source - source.mean(0), target - target.mean(0)
    turned = x @ rotation.T
    scale = (turned * y).sum() / (x * x).sum() if scaling else 1.0
    return 1000 * np.linalg.norm(scale * turned - y, axis=1).mean()


def test_matches_i2l_meshnet_release():
    golden = np.load(GOLDEN / "metrics_rigid.npz")
    source, target = torch.from_numpy(golden["rigid_A"]), torch.from_numpy(golden["rigid_B"])
    found = procrustes(source, target)
    np.testing.assert_allclose(found.rotation, golden["rigid_R"], atol=1e-9)
    np.testing.assert_allclose(found.scale, golden["rigid_scale"], atol=1e-9)
    np.testing.assert_allclose(found.translation, golden["rigid_t"], atol=1e-9)
    np.testing.assert_allclose(align(source, target), golden["rigid_aligned"], atol=1e-9)
    np.testing.assert_allclose(pa_mpjpe(source, target) / 1000, golden["rigid_pa_mpjpe"], atol=1e-9)


def test_matches_danet_release():
    golden = np.load(GOLDEN / "metrics_danet.npz")
    source, target = torch.from_numpy(golden["pa_S1"]), torch.from_numpy(golden["pa_S2"])
    np.testing.assert_allclose(align(source, target), golden["pa_hat"], atol=1e-9)
    np.testing.assert_allclose(pa_mpjpe(source, target) / 1000, golden["pa_err_none"], atol=1e-9)


def test_recovers_a_known_similarity():
    source = poses(200)
    target, rotation, scale = moved(source)
    found = procrustes(source, target)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.scale, scale, atol=1e-9)
    assert pa_mpjpe(source, target).max() < 1e-9


@pytest.mark.parametrize("scaling", [True, False])
@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1), (1, 1, -1), (-1, -1, -1), (1, 1e-3, 1e-3), (1, 1e-6, 1e-6), (1, 1, 0), (1, 1e-5, -1e-5), (1, 0.02, 0)],
    ids=str,
)
def test_agrees_with_scipy(shape, scaling):
    """Ordinary, mirrored, flat, near-linear and near-degenerate poses, in and out of the closed form's range."""
    extent = torch.tensor(shape, dtype=torch.float64)
    target = poses(40, seed=3)
    noise = poses(40, seed=4) * 0.05
    source, _, _ = moved((target + noise) * extent)
    target = target * extent.abs()
    expected = [scipy_error(s, t, scaling) for s, t in zip(source.numpy(), target.numpy(), strict=True)]
    np.testing.assert_allclose(pa_mpjpe(source, target, scaling=scaling), expected, atol=1e-6)


def test_no_rotation_does_better():
    """The rotation found by descent over rotation vectors from several starts, which uses no linear algebra."""
    source, target = poses(3, seed=5), poses(3, seed=6)
    for x, y in zip(source.numpy(), target.numpy(), strict=True):
        x, y = x - x.mean(0), y - y.mean(0)

        def loss(vector, x=x, y=y):
            return ((x @ Rotation.from_rotvec(vector).as_matrix().T - y) ** 2).sum()

        best = min(minimize(loss, start).fun for start in Rotation.random(8, rng=0).as_rotvec())
        rotation = best_rotation(torch.from_numpy(x.T @ y)[None])[0].numpy()
        assert ((x @ rotation.T - y) ** 2).sum() <= best + 1e-9


def test_rotations_are_proper():
    generator = torch.Generator().manual_seed(0)
    covariance = torch.randn(500, 3, 3, generator=generator, dtype=torch.float64)
    covariance[::5, 2] = 0  # rank two
    covariance[1::5, 1:] = 0  # rank one
    rotation = best_rotation(covariance)
    np.testing.assert_allclose(rotation @ rotation.mT, torch.eye(3).expand(500, 3, 3), atol=1e-8)
    np.testing.assert_allclose(torch.linalg.det(rotation), np.ones(500), atol=1e-8)


def test_a_mirrored_pose_keeps_its_error():
    target = poses(100, seed=7)
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
    assert pa_mpjpe(mirrored, target).min() > 20


def test_masked_joints_do_not_matter():
    source, target = poses(20, seed=8), poses(20, seed=9)
    valid = torch.ones(20, 14, dtype=torch.bool)
    valid[:, [2, 5, 11]] = False
    expected = pa_mpjpe(source[:, valid[0]], target[:, valid[0]])
    source[:, 2], target[:, 5], target[:, 11] = torch.nan, torch.inf, 1e6
    np.testing.assert_allclose(pa_mpjpe(source, target, valid), expected, atol=1e-9)


def test_one_or_two_points():
    source, target = poses(5, joints=1, seed=10), poses(5, joints=1, seed=11)
    assert pa_mpjpe(source, target).abs().max() < 1e-12
    assert torch.equal(procrustes(source, target).rotation, torch.eye(3, dtype=torch.float64).expand(5, 3, 3))
    one = torch.tensor([[[0.0, 0, 5], [1, 0, 5]]])
    two = torch.tensor([[[1.0, 2, 3], [1, 4, 3]]])
    assert pa_mpjpe(one, two).item() == pytest.approx(0, abs=1e-9)
    assert pa_mpjpe(one, two, scaling=False).item() == pytest.approx(500)


@pytest.mark.parametrize("place", [0.0, 0.1, 5.3])
def test_coincident_points(place):
    """All predicted joints in one point: only the centroids can meet. All true joints in one point: scale zero."""
    target = poses(6, seed=12)
    point = torch.full_like(target, place)
    centred = target - target.mean(1, keepdim=True)
    expected = 1000 * torch.linalg.vector_norm(centred, dim=-1).mean(1)
    np.testing.assert_allclose(pa_mpjpe(point, target), expected, atol=1e-9)
    found = procrustes(target, point)
    assert torch.equal(found.scale, torch.zeros(6, dtype=torch.float64))
    assert pa_mpjpe(target, point).max() < 1e-9
    np.testing.assert_allclose(pa_mpjpe(target, point, scaling=False), expected, atol=1e-9)


def test_nan_and_no_valid_joint_are_nan():
    source, target = poses(4, seed=13), poses(4, seed=14)
    expected = pa_mpjpe(source, target)
    source[1, 3, 0] = torch.nan
    target[2, 3, 0] = torch.inf
    valid = torch.ones(4, 14, dtype=torch.bool)
    valid[3] = False
    errors = pa_mpjpe(source, target, valid)
    assert errors.isnan().tolist() == [False, True, True, True]
    assert errors[0] == expected[0]


def test_chunks_and_single_precision_change_nothing():
    source, target = poses(9000, seed=15).float(), poses(9000, seed=16).float()
    whole = pa_mpjpe(source, target)
    assert whole.dtype == torch.float64
    for part in (slice(4990, 4997), slice(3, 4), slice(0, 4095), slice(17, None)):
        np.testing.assert_array_equal(whole[part], pa_mpjpe(source[part], target[part]))
    assert len(pa_mpjpe(source[:0], target[:0])) == 0


def test_shapes_must_agree():
    with pytest.raises((ValueError, TypeError), match=r"cannot be aligned|Type-check"):
        procrustes(torch.zeros(2, 5, 3), torch.zeros(2, 6, 3))


def test_meshes_are_aligned_by_their_own_vertices():
    """More points than one chunk of samples holds."""
    target = poses(14, joints=6890, seed=17)
    source, _, _ = moved(target + 0.05 * poses(14, joints=6890, seed=18))
    expected = [scipy_error(s, t, True) for s, t in zip(source.numpy(), target.numpy(), strict=True)]
    np.testing.assert_allclose(pa_mpjpe(source, target), expected, atol=1e-6)


def test_reflections_only_where_they_are_allowed():
    target = poses(30, seed=19)
    source, _, _ = moved(target * torch.tensor([1.0, 1.0, -1.0]))
    assert (align(source, target, reflection=True) - target).abs().max() < 1e-9
    assert torch.linalg.det(procrustes(source, target, reflection=True).rotation).max() < 0
    assert torch.linalg.det(procrustes(source, target).rotation).min() > 0
    same_side = target + 0.01 * poses(30, seed=20)
    np.testing.assert_allclose(align(same_side, target, reflection=True), align(same_side, target), atol=1e-9)
