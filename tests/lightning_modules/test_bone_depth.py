"""The root depth from bone lengths against the truth and a slow search; batched L-BFGS against scipy."""

import numpy as np
import pytest
import torch
from people import make_batch
from scipy.optimize import minimize, minimize_scalar

from body.camera import project
from body.load import load_body
from body.skeleton import get_skeleton
from lightning_modules.common.bone_depth import (
    BONES,
    make_bones,
    root_depth_by_grid,
    root_depth_from_bones,
    tree_bones,
)
from lightning_modules.hemlets.lbfgs import minimise

H36M18 = get_skeleton("h36m18")


def people(count=50, noise=0.0, seed=0):
    """Random skeletons with the average bone lengths, in front of a camera; their rays, depths and root depths."""
    random = np.random.default_rng(seed)
    joints = np.zeros((count, 18, 3))
    for child, parent, length in sorted(BONES, key=order):
        way = random.normal(size=(count, 3))
        way *= length / np.linalg.norm(way, axis=1, keepdims=True)
        joints[:, H36M18.index(child)] = joints[:, H36M18.index(parent)] + way
    distance = random.uniform(2.5, 8.0, count)
    joints[..., 2] += distance[:, None]
    rays = joints[..., :2] / joints[..., 2:] + noise * random.normal(size=(count, 18, 2))
    depth = joints[..., 2] - distance[:, None] + 5 * noise * random.normal(size=(count, 18))
    return torch.from_numpy(rays), torch.from_numpy(depth), torch.from_numpy(distance)


def order(bone):
    """Parents before children: the neck's bones come after the torso's, and nothing leads to the neck itself."""
    return [name for _, name, _ in BONES].index(bone[1])


def test_exact_rays_give_the_exact_depth():
    rays, depth, distance = people()
    found = root_depth_from_bones(rays, depth, make_bones(H36M18))
    torch.testing.assert_close(found, distance, atol=1e-6, rtol=0)


def test_all_bones_of_a_tree_give_the_exact_depth_of_a_posed_body():
    body, skeleton = load_body("open"), get_skeleton("smpl29")
    regressor = body.joint_regressor("smpl29")
    pose = 0.4 * torch.randn(3, 24, 3, generator=torch.Generator().manual_seed(0))
    distance = torch.tensor([2.5, 4.0, 8.0])
    joints = regressor @ body(pose, torch.zeros(3, 10)).vertices
    joints = joints - joints[:, :1] + torch.tensor([0.4, 0.1, 0.0])
    rays = joints[..., :2] / (joints[..., 2:] + distance[:, None, None])
    bones = tree_bones(skeleton, regressor @ body.v_template)
    assert len(bones.lengths) == len(skeleton) - 1
    # a joint is an average of skin, which bends: bones keep their length to some millimetres
    torch.testing.assert_close(root_depth_from_bones(rays, joints[..., 2], bones), distance, atol=0, rtol=0.03)


def test_noisy_rays_give_the_least_squares_depth():
    rays, depth, _ = people(10, noise=0.003)
    bones = make_bones(H36M18)
    found = root_depth_from_bones(rays, depth, bones)
    for person in range(10):

        def error(distance, person=person):
            z = depth[person].numpy() + distance
            joints = np.concatenate([rays[person].numpy(), np.ones((18, 1))], 1) * z[:, None]
            apart = joints[list(bones.children)] - joints[list(bones.parents)]
            return ((np.linalg.norm(apart, axis=1) - bones.lengths) ** 2).sum()

        best = minimize_scalar(error, bounds=(1.0, 12.0), method="bounded", options={"xatol": 1e-9})
        assert found[person].item() == pytest.approx(best.x, abs=1e-4)


def test_it_is_closer_than_the_released_grid():
    rays, depth, distance = people(200, noise=0.0002)
    bones = make_bones(H36M18)
    ours = (root_depth_from_bones(rays, depth, bones) - distance).abs()
    grid = (root_depth_by_grid(rays, depth, bones) - distance).abs()
    scales = root_depth_by_grid(rays, depth, bones) / 1.15
    torch.testing.assert_close(10 * scales, (10 * scales).round())  # multiples of 115 mm
    assert ours.mean() < 0.5 * grid.mean()


def test_average_lengths_of_a_body_replace_human36m():
    batch = make_batch(3, skeleton="h36m18")
    rest = torch.rand(18, 3)
    bones = make_bones(H36M18, rest)
    assert bones.lengths[0] == pytest.approx((rest[1] - rest[0]).norm().item(), rel=1e-5)
    own = make_bones(H36M18, batch["joints"][0])
    rays = project(batch["joints"], torch.eye(3).expand(3, 3, 3))
    depth = batch["joints"][..., 2] - batch["root_depth"][:, None]
    found = root_depth_from_bones(rays, depth, own)
    assert found[0].item() == pytest.approx(batch["root_depth"][0].item(), abs=1e-3)
    with pytest.raises(ValueError, match="no average bone lengths are known for mano21"):
        make_bones(get_skeleton("mano21"))


def rosenbrock(x):
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(1)


def test_batched_lbfgs_finds_scipys_minima():
    start = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)))
    found = minimise(rosenbrock, start, steps=120)
    for row, first in zip(found, start, strict=True):

        def energy(x):
            return rosenbrock(torch.from_numpy(x)[None]).item()

        reference = minimize(energy, first.numpy(), method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-14})
        assert energy(row.numpy()) <= reference.fun + 1e-6


def test_energies_never_rise_and_neighbours_do_not_matter():
    random = torch.Generator().manual_seed(0)
    start = torch.randn(5, 4, generator=random, dtype=torch.float64)
    before = rosenbrock(start)
    for steps in (1, 5, 20):
        after = rosenbrock(minimise(rosenbrock, start, steps))
        assert (after <= before).all()
        before = after
    together, alone = minimise(rosenbrock, start, 20), minimise(rosenbrock, start[2:3], 20)
    torch.testing.assert_close(together[2:3], alone, atol=1e-12, rtol=0)


def test_a_network_that_knows_nothing_puts_nobody_beyond_the_horizon():
    """All joints on almost one ray: no distance makes the bones long enough."""
    rays = 1e-6 * torch.randn(4, len(H36M18), 2, generator=torch.Generator().manual_seed(0))
    found = root_depth_from_bones(rays, torch.zeros(4, len(H36M18)), make_bones(H36M18))
    assert ((found > 0.29) & (found <= 100)).all()
