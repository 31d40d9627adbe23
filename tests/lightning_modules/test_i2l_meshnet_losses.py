import pytest
import torch
from official_weights import golden
from people import make_batch, open_body
from torch.nn import functional

from lightning_modules.i2l_meshnet.config import I2LMeshNetLossConfig
from lightning_modules.i2l_meshnet.losses import I2LMeshNetLoss, SurfaceLoss, coordinate_loss
from lightning_modules.i2l_meshnet.network import Lixels
from lightning_modules.i2l_meshnet.targets import LixelSpace, LixelTargets, make_targets


@pytest.fixture(scope="module")
def official():
    return {name: torch.from_numpy(value) for name, value in golden("i2l_meshnet_functions").items() if value.ndim}


def scalar(name):
    return float(golden("i2l_meshnet_functions")[name])


def test_coordinate_loss_and_gradient(official):
    valid = official["loss_valid"].bool().expand(-1, -1, 3)
    with_depth = valid.clone()
    with_depth[..., 2] &= official["loss_is_3D"].bool()[:, None]
    for name, mask in (("CoordLoss", valid), ("CoordLoss_is3D", with_depth)):
        predicted = official["loss_coord_out"].clone().requires_grad_()
        loss = coordinate_loss(predicted, official["loss_coord_gt"], mask)
        loss.backward()
        assert loss.item() == pytest.approx(scalar(f"{name}_mean"), rel=1e-5)
        torch.testing.assert_close(predicted.grad, official[f"{name}_grad"])


@pytest.mark.parametrize(("index", "name"), [(0, "NormalVectorLoss"), (1, "EdgeLengthLoss")])
def test_surface_losses_and_gradients(official, index, name):
    predicted = official["loss_coord_out"].clone().requires_grad_()
    surface = SurfaceLoss(official["loss_face"])
    loss = surface(predicted, official["loss_coord_gt"], official["loss_valid"][..., 0].bool())[index]
    loss.backward()
    assert loss.item() == pytest.approx(scalar(f"{name}_mean"), rel=1e-5)
    torch.testing.assert_close(predicted.grad, official[f"{name}_grad"], atol=1e-7, rtol=1e-4)


def test_shared_edges_equal_a_loop_over_triangles():
    random = torch.Generator().manual_seed(0)
    faces = torch.stack([torch.randperm(9, generator=random)[:3] for _ in range(20)])  # edges with up to many triangles
    predicted, target = torch.randn(2, 2, 9, 3, generator=random)
    valid = torch.rand(2, 9, generator=random) > 0.2
    normal = edge = 0.0
    for b in range(2):
        for face in faces.tolist():
            corners, true = predicted[b, face], target[b, face]
            n = functional.normalize(torch.linalg.cross(true[1] - true[0], true[2] - true[0]), dim=0)
            for i, j in ((0, 1), (0, 2), (1, 2)):
                step = corners[j] - corners[i]
                if valid[b, face].all():
                    normal += abs(functional.normalize(step, dim=0) @ n) / (2 * 3 * 20)
                if valid[b, face[i]] and valid[b, face[j]]:
                    edge += abs(step.norm() - (true[j] - true[i]).norm()) / (2 * 3 * 20)
    found = SurfaceLoss(faces)(predicted, target, valid)
    torch.testing.assert_close(found[0], normal)
    torch.testing.assert_close(found[1], edge)


def test_coinciding_vertices_have_finite_gradients(official):
    predicted = torch.ones(1, 20, 3, requires_grad=True)
    for valid in (torch.ones(1, 20, dtype=torch.bool), torch.zeros(1, 20, dtype=torch.bool)):
        sum(SurfaceLoss(official["loss_face"])(predicted, official["loss_coord_gt"][:1], valid)).backward()
    assert torch.isfinite(predicted.grad).all()


def make(fit_valid=True):
    torch.manual_seed(0)
    output = Lixels(torch.rand(2, 4, 3), torch.rand(2, 20, 3), torch.rand(2, 4, 3))
    yes = torch.ones(2, 4, 3, dtype=torch.bool)
    target = LixelTargets(
        joints=torch.rand(2, 4, 3),
        joints_valid=yes,
        fit_joints=torch.rand(2, 4, 3),
        fit_valid=yes & fit_valid,
        vertices=torch.rand(2, 20, 3),
        vertices_valid=torch.ones(2, 20, dtype=torch.bool),
    )
    return output, target


def test_paper_terms_prefer_the_fit_and_fall_back_to_the_annotation(official):
    loss = I2LMeshNetLoss(official["loss_face"])
    output, target = make()
    terms = loss(output, target)
    assert set(terms) == {"joint", "mesh_joint", "mesh", "mesh_normal", "mesh_edge"}
    torch.testing.assert_close(terms["joint"], (output.joints - target.fit_joints).abs().mean())
    output, target = make(fit_valid=False)
    torch.testing.assert_close(
        loss(output, target)["mesh_joint"], (output.joints_from_mesh - target.joints).abs().mean()
    )


def test_weights(official):
    output, target = make()

    def terms(**weights):
        return I2LMeshNetLoss(official["loss_face"], I2LMeshNetLossConfig(**weights))(output, target)

    plain, weighted = terms(normal_weight=1.0), terms(normal_weight=0.1, edge_weight=3.0)
    torch.testing.assert_close(weighted["mesh_normal"], 0.1 * plain["mesh_normal"])
    torch.testing.assert_close(weighted["mesh_edge"], 3 * plain["mesh_edge"])
    assert "mesh_edge" not in terms(normal_weight=0.0, edge_weight=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_neither_rounds_targets_nor_overflows(dtype):
    """The edges of a body are off by more in sum than half precision can hold, and pixels need more than 8 bits."""
    batch, space = make_batch(2), LixelSpace(64, 16)
    regressor, faces = open_body().joint_regressor("smpl29"), torch.from_numpy(open_body().faces)
    target = make_targets(batch, space, regressor, root=0)
    output = Lixels(target.joints, 12 * target.vertices, target.joints)
    expected = I2LMeshNetLoss(faces)(output, target)
    camera = batch["root_depth"], batch["intrinsics"], batch["crop_affine"]
    with torch.autocast("cpu", dtype):
        again = make_targets(batch, space, regressor, root=0)
        found = I2LMeshNetLoss(faces)(output, again)
        decoded = space.decode(target.vertices, *camera)
    assert all(torch.equal(mine, true) for mine, true in zip(again, target, strict=True))
    assert {name: value.item() for name, value in found.items()} == {
        name: value.item() for name, value in expected.items()
    }
    torch.testing.assert_close(decoded, batch["vertices"], atol=2e-5, rtol=0)
