import pytest
import torch
from people import make_batch, open_body

from lightning_modules.common.root_depth import root_depth_from_box
from lightning_modules.i2l_meshnet.targets import LixelSpace, make_targets

SPACE = LixelSpace(crop_size=64, bins=16)


def targets(batch):
    return make_targets(batch, SPACE, open_body().joint_regressor("smpl29"), root=0)


def camera(batch):
    return batch["root_depth"], batch["intrinsics"], batch["crop_affine"]


def test_worked_example():
    # 64 bins, 2 m: half a metre behind the root is bin 48; crop pixel 100 of 256 is bin 25
    space = LixelSpace(256, 64, 2.0)
    intrinsics = torch.tensor([[[1000.0, 0, 100], [0, 1000, 60], [0, 0, 1]]])
    affine = torch.eye(2, 3)[None]
    lixel = space.encode(torch.tensor([[[0.0, 0.0, 4.5]]]), torch.tensor([4.0]), intrinsics, affine)
    torch.testing.assert_close(lixel, torch.tensor([[[25.0, 15.0, 48.0]]]))


def test_decoding_inverts_encoding():
    batch = make_batch(4)
    lixels = SPACE.encode(batch["vertices"], *camera(batch))
    torch.testing.assert_close(SPACE.decode(lixels, *camera(batch)), batch["vertices"], atol=2e-5, rtol=0)


def test_fit_and_annotation_agree_where_both_are_exact():
    target = targets(make_batch())
    torch.testing.assert_close(target.joints, target.fit_joints, atol=1e-3, rtol=0)
    assert target.joints_valid.float().mean() > 0.9
    assert torch.equal(target.joints_valid, target.fit_valid)
    torch.testing.assert_close(target.joints[:, 0, 2], torch.full((3,), 8.0))  # the root is in the middle


def test_points_off_the_heat_map_are_masked():
    batch = make_batch()
    batch["crop_affine"] = batch["crop_affine"] + torch.tensor([[0.0, 0, 40], [0, 0, 0]])  # push people to the right
    batch["joints_2d"] = batch["joints_2d"] + torch.tensor([40.0, 0.0])
    target = targets(batch)
    outside = target.vertices[..., 0] >= 16
    assert outside.any()
    assert not target.vertices_valid[outside].any()
    assert torch.equal(target.joints_valid[..., 0], (target.joints[..., 0] < 16))


def test_missing_labels_are_masked_and_finite():
    batch = make_batch()
    for name in ("vertices", "joints", "joints_2d", "root_depth"):
        batch[name] = torch.zeros_like(batch[name])
    for name in ("vertices_valid", "joints_valid", "joints_2d_valid", "root_depth_valid"):
        batch[name] = torch.zeros_like(batch[name])
    target = targets(batch)
    for name, value in target._asdict().items():
        assert torch.isfinite(value).all(), name
        if name.endswith("valid"):
            assert not value.any(), name


def test_2d_annotations_supervise_x_and_y_alone():
    batch = make_batch()
    full = targets(batch)
    batch["joints_valid"] = torch.zeros_like(batch["joints_valid"])
    batch["joints"] = torch.zeros_like(batch["joints"])
    target = targets(batch)
    assert not target.joints_valid[..., 2].any()
    assert (target.joints_valid[..., :2] >= full.joints_valid[..., :2]).all()


def test_root_depth_from_box():
    # a 2 m square seen by a focal length of 1000 at 4 m is 500 pixels wide
    intrinsics = torch.tensor([[[1000.0, 0, 0], [0, 1000, 0], [0, 0, 1]]])
    assert root_depth_from_box(torch.tensor([[10.0, 20, 500, 500]]), intrinsics).item() == pytest.approx(4.0)
    # a box wider than the focal length would put the near half of the volume behind the camera
    near = root_depth_from_box(torch.tensor([[0.0, 0, 5000, 5000]]), intrinsics)
    corner = LixelSpace(256, 64).decode(torch.zeros(1, 1, 3), near, intrinsics, torch.eye(2, 3)[None])
    assert corner[0, 0, 2] > 0
