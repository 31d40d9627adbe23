"""Body parameters: the second stage, and the head that predicts nothing else."""

import pytest
import pytorch_lightning as pl
import roma
import torch
from flat_settings import make
from official_weights import golden
from people import make_batch, open_body
from torch.utils.data import DataLoader

from lightning_modules.common.posed_body import BodyParameters
from lightning_modules.common.rotations import axis_angle_from_6d
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from lightning_modules.i2l_meshnet.parameters import SmplParameterLoss, parameter_loss
from lightning_modules.i2l_meshnet.regressor import ParameterRegressor

TINY = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}


def test_rotations_are_the_released_ones():
    data = {name: torch.from_numpy(value) for name, value in golden("i2l_meshnet_functions").items() if value.ndim}
    found = axis_angle_from_6d(data["rot6d_in"])
    torch.testing.assert_close(found, data["rotmat_to_axis_angle_out"], atol=2e-5, rtol=0)
    torch.testing.assert_close(roma.rotvec_to_rotmat(found), data["rot6d_to_rotmat_out"], atol=1e-5, rtol=0)
    assert not axis_angle_from_6d(torch.tensor([1.0, 0, 0, 1, 0, 0])).any()


def test_parameter_loss_is_the_released_one():
    data = {name: torch.from_numpy(value) for name, value in golden("i2l_meshnet_functions").items()}
    found = parameter_loss(
        data["ParamLoss_param_out"], data["ParamLoss_param_gt"], data["ParamLoss_valid"][:, 0].bool()
    )
    torch.testing.assert_close(found, data["ParamLoss_out"].mean())


def posed():
    body = open_body()
    return SmplParameterLoss(body, body.joint_regressor("smpl29"), root=0)


def test_true_parameters_cost_nothing_and_put_the_body_back():
    batch = make_batch(3)
    truth = BodyParameters(batch["pose"], batch["betas"])
    assert all(value < 1e-5 for value in posed().losses(truth, batch).values())
    vertices, smpl = posed().place(truth, batch["joints"][:, 0])
    torch.testing.assert_close(vertices, batch["vertices"], atol=2e-5, rtol=0)
    torch.testing.assert_close(smpl.transl, batch["transl"], atol=2e-5, rtol=0)


def test_masks_of_the_four_terms():
    batch = make_batch(2)
    wrong = BodyParameters(batch["pose"] + 0.1, batch["betas"] + 0.5)
    before = posed().losses(wrong, batch)
    assert before["pose"].item() == pytest.approx(0.1)
    first = torch.tensor([True, False])
    batch["smpl_valid"] = batch["vertices_valid"] = first
    batch["joints_valid"] = torch.zeros(2, 29, dtype=torch.bool)
    after = posed().losses(wrong, batch)
    assert after["pose"].item() == pytest.approx(0.05)
    assert after["betas"].item() == pytest.approx(0.25)
    assert 0 < after["joint_fit_cam"] < before["joint_fit_cam"]
    assert after["joint_orig_cam"] == 0


def test_shapes_beyond_three_are_not_learnt():
    batch = make_batch(2)
    batch["betas"] = torch.tensor([[3.5, *[1.0] * 9], [2.5, *[1.0] * 9]])
    zero = BodyParameters(batch["pose"], torch.zeros(2, 10))
    # the first is compared with the mean shape instead
    assert posed().losses(zero, batch)["betas"].item() == pytest.approx((2.5 + 9) / 20)


def test_the_second_stage_trains_the_regressor_and_nothing_else(tmp_path):
    torch.manual_seed(0)
    first = make(I2LMeshNetModule, **TINY)
    torch.save({"state_dict": first.state_dict()}, tmp_path / "first.ckpt")
    batch = make_batch(4)
    module = make(I2LMeshNetModule, **TINY, stage="param", start_from=str(tmp_path / "first.ckpt"), lr=1e-3)
    options = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(accelerator="cpu", max_steps=10, default_root_dir=tmp_path, **options)
    trainer.fit(module, DataLoader([batch] * 10, batch_size=None), DataLoader([batch], batch_size=None))
    state, start = module.state_dict(), first.state_dict()
    assert {name for name in state if name not in start} == {
        f"network.regressor.{name}" for name in ParameterRegressor(29, 24).state_dict()
    }
    for name, value in start.items():  # running statistics too
        assert torch.equal(state[name], value), name
    trained = {name for name, weight in module.named_parameters() if weight.requires_grad}
    assert trained == {name for name in dict(module.named_parameters()) if name.startswith("network.regressor.")}
    module.train()
    sum(module.losses(batch).values()).backward()
    assert {name for name, weight in module.named_parameters() if weight.grad is not None} == trained
    assert trainer.callback_metrics["train/pose"] > 0


def test_the_first_stage_has_no_regressor_and_must_fit(tmp_path):
    module = make(I2LMeshNetModule, **TINY, stage="param", start_from=str(tmp_path / "none.ckpt"))
    with pytest.raises(FileNotFoundError, match="name a Lightning checkpoint or a"):
        module.setup("fit")
    module.setup("validate")  # an evaluation has its own weights
    other = make(I2LMeshNetModule, **TINY | {"head_channels": 4})
    torch.save({"state_dict": other.state_dict()}, tmp_path / "none.ckpt")
    with pytest.raises(ValueError, match=r"is of another network: .*size mismatch"):
        module.setup("fit")


def test_prediction_has_parameters_of_the_body_it_shows():
    torch.manual_seed(0)
    batch, body = make_batch(2), open_body()
    lixel = make(I2LMeshNetModule, **TINY, stage="param").eval()
    param = make(I2LMeshNetModule, **TINY, stage="param", mesh_from="param").eval()
    param.load_state_dict(lixel.state_dict())
    with torch.no_grad():
        ours, theirs = lixel.predict(batch), param.predict(batch)
    smpl = theirs.smpl
    torch.testing.assert_close(body(smpl.pose, smpl.betas, smpl.transl).vertices, theirs.vertices)
    torch.testing.assert_close(ours.joints[:, 0], theirs.joints[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.smpl.pose, smpl.pose)
    assert (ours.vertices - theirs.vertices).abs().max() > 0.1
    torch.testing.assert_close(ours.intermediates["vertices_lixel"], theirs.intermediates["vertices_lixel"])


def test_a_body_head_starts_with_a_person_who_stands_in_the_crop():
    torch.manual_seed(0)
    module, batch = make(I2LMeshNetModule, **TINY, cascade="none", mesh_head="smpl").eval(), make_batch(2)
    with torch.no_grad():
        output = module(batch["image"])
    joints = module.skeleton.joints
    x, y = output.joints_from_mesh[..., 0], output.joints_from_mesh[..., 1]
    assert (y[:, joints.index("head")] < y[:, joints.index("left_ankle")] - 8).all()  # more than half of the crop
    assert (x[:, joints.index("left_hand")] > x[:, joints.index("right_hand")]).all()  # seen from the front
    assert set(module.train().losses(batch)) == {
        "mesh_joint", "mesh", "mesh_normal", "mesh_edge", "pose", "betas", "joint_fit_cam", "joint_orig_cam"
    }  # fmt: skip
    assert module.predict(batch).smpl is not None


def test_a_loss_without_the_joints_of_the_mesh():
    """Table 11, "wo. L_pose of MeshNet"."""
    module = make(I2LMeshNetModule, **TINY, mesh_joint_weight=0.0)
    assert set(module.losses(make_batch(2))) == {"joint", "mesh", "mesh_normal", "mesh_edge"}


def test_the_true_pose_of_a_batch_is_used_in_training_and_test():
    torch.manual_seed(0)
    module, batch = make(I2LMeshNetModule, **TINY, cascade="true", root_depth="given"), make_batch(2)
    assert set(module.losses(batch)) == {"mesh_joint", "mesh", "mesh_normal", "mesh_edge"}
    prediction = module.eval().predict(batch)
    torch.testing.assert_close(prediction.intermediates["pose_net_joints"], batch["joints"], atol=1e-3, rtol=0)
