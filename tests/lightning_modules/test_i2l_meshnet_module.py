import pytest
import pytorch_lightning as pl
import torch
from contract import MethodContract
from flat_settings import make
from people import make_batch, open_body
from torch.utils.data import DataLoader

from body.camera import compose_affine
from lightning_modules import METHODS, get_method
from lightning_modules.i2l_meshnet.losses import PartLoss
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from lightning_modules.i2l_meshnet.network import Lixels

TINY = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}


class Batches(pl.LightningDataModule):
    """The same batch, again and again."""

    def __init__(self, steps=12):
        super().__init__()
        self.batch, self.steps = make_batch(4), steps

    def train_dataloader(self):
        return DataLoader([self.batch] * self.steps, batch_size=None)

    def val_dataloader(self):
        return DataLoader([self.batch], batch_size=None)

    test_dataloader = val_dataloader


@pytest.fixture(scope="module", params=["32-true", "bf16-mixed"])
def trained(request, tmp_path_factory):
    torch.manual_seed(0)
    module = make(I2LMeshNetModule, **TINY, lr=3e-3, schedule="cosine", warmup_steps=2)
    data = Batches()
    before = sum(module.losses(data.batch).values()).item()
    trainer = pl.Trainer(
        max_epochs=2,
        precision=request.param,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path_factory.mktemp("run"),
    )
    trainer.fit(module, data)
    return module, data, trainer, before


def test_training_lowers_the_loss_and_logs_every_term(trained):
    module, data, trainer, before = trained
    with torch.no_grad():
        after = sum(module.train().losses(data.batch).values()).item()
    assert after < 0.9 * before
    terms = {"joint", "mesh_joint", "mesh", "mesh_normal", "mesh_edge", "loss"}
    assert {f"train/{name}" for name in terms} <= set(trainer.callback_metrics)
    assert trainer.callback_metrics["val/n"] == 4
    assert trainer.optimizers[0].param_groups[0]["lr"] < 1e-4


class TestContract(MethodContract):
    # biases that shift all bins of a heat map, or come right before a batch norm: zero gradient up to rounding
    silent = ("conv_x.bias", "conv_y.bias", "conv_z_2.bias", "conv_z_1.0.bias", "pose2feat.conv.bias")

    @staticmethod
    def module():
        return make(I2LMeshNetModule, **TINY)


def test_metrics_are_those_of_the_protocol(trained):
    module, data, trainer, _ = trained
    (values,) = trainer.test(module, data, verbose=False)
    prediction = module.eval().predict(data.batch)
    joints = [j - j[:, :1] for j in (prediction.joints[:, :24], data.batch["joints"][:, :24])]
    mpjpe = 1000 * (joints[0] - joints[1]).norm(dim=-1)[:, 1:].mean().item()
    assert values["test/mpjpe"] == pytest.approx(mpjpe, rel=1e-3)
    assert values["test/action/a/n"] == 4


class Oracle(torch.nn.Module):
    """A network that knows the answer."""

    def __init__(self, module, batch):
        super().__init__()
        self.joint_regressor = module.network.joint_regressor
        camera = (batch["root_depth"], batch["intrinsics"], batch["crop_affine"])
        self.vertices = module.space.encode(batch["vertices"], *camera)
        self.joints = module.space.encode(batch["joints"], *camera)

    def forward(self, image):
        return Lixels(self.joints, self.vertices, self.joint_regressor @ self.vertices)


@pytest.fixture
def oracle():
    module, batch = make(I2LMeshNetModule, **TINY, root_depth="given").eval(), make_batch(3)
    module.network = Oracle(module, batch)
    return module, batch


def test_joints_are_those_of_pose_net_where_it_is_asked_for(oracle):
    """Table 12: PoseNet's own, which MeshNet is shown; the mesh stays as it is."""
    _, batch = oracle
    module = make(I2LMeshNetModule, **TINY, root_depth="given", joints_from="pose_net").eval()
    module.network = Oracle(module, batch)
    module.network.joints = module.network.joints + torch.tensor([4.0, 0, 0])
    prediction = module.predict_step(batch, 0)
    torch.testing.assert_close(prediction.vertices, batch["vertices"], atol=2e-5, rtol=0)
    torch.testing.assert_close(prediction.joints[..., 2], batch["joints"][..., 2], atol=2e-5, rtol=0)
    assert ((prediction.joints - batch["joints"]).norm(dim=-1) > 0.01).all()
    with pytest.raises(ValueError, match=r"set network\.cascade: pose_net"):
        make(I2LMeshNetModule, **TINY, cascade="none", joints_from="pose_net")


def test_perfect_lixels_become_the_true_body(oracle):
    module, batch = oracle
    prediction = module.predict_step(batch, 0)
    torch.testing.assert_close(prediction.vertices, batch["vertices"], atol=2e-5, rtol=0)
    torch.testing.assert_close(prediction.joints, batch["joints"], atol=2e-5, rtol=0)
    torch.testing.assert_close(prediction.intermediates["pose_net_joints"], batch["joints"], atol=2e-5, rtol=0)
    assert prediction.root_depth_source == "given"
    assert prediction.skeleton.name == "smpl29"
    assert prediction.faces.shape[1] == 3
    inverse = torch.linalg.inv(torch.cat([batch["crop_affine"], torch.tensor([[[0.0, 0, 1]]]).expand(3, 1, 3)], 1))
    pixels = batch["joints_2d"] @ inverse[:, :2, :2].mT + inverse[:, None, :2, 2]
    torch.testing.assert_close(prediction.joints_2d, pixels, atol=0.05, rtol=0)


def test_without_root_depth_the_box_gives_it(oracle):
    module, batch = oracle
    given = module.predict_step(batch, 0)
    module.root_depth = "box"
    prediction = module.predict_step(batch, 0)
    assert prediction.root_depth_source == "box"
    torch.testing.assert_close(prediction.joints[:, 0, 2], 2 * 500 / batch["box"][:, 2], atol=1e-3, rtol=0)
    # where it is in the picture does not depend on the depth
    assert (prediction.joints_2d - given.joints_2d).abs().max() < 0.1


def test_part_labels_supervise_pose_net_alone():
    torch.manual_seed(0)
    module, batch = make(I2LMeshNetModule, **TINY, part_weight=2.0), make_batch(2)
    without = module.losses(batch)["part"]
    assert without == 0  # no surface labels in this batch
    batch["iuv_valid"] = torch.ones(2, dtype=torch.bool)
    batch["iuv"][:, 0, 16:48, 16:48] = 3
    module.zero_grad()
    module.losses(batch)["part"].backward()
    reached = {name.split(".")[1] for name, w in module.named_parameters() if w.grad is not None and w.grad.any()}
    assert reached == {"stem", "pose_body", "pose_head", "classify"}


def test_part_loss_is_a_weighted_cross_entropy_at_bin_centres():
    loss = PartLoss(channels=6)
    features = torch.randn(2, 6, 16, 16)
    iuv = torch.randint(0, 25, (2, 3, 64, 64), dtype=torch.uint8)
    valid = torch.tensor([True, False])
    probability = loss.classify(features)[0].softmax(0)
    total = weights = 0.0
    for row in range(16):
        for column in range(16):
            part = int(iuv[0, 0, 4 * row + 2, 4 * column + 2])
            weight = 0.2 if part == 0 else 1.0
            total -= weight * probability[part, row, column].log()
            weights += weight
    torch.testing.assert_close(loss(features, iuv, valid), total / weights, atol=1e-4, rtol=1e-4)


def test_pose_net_can_be_trained_alone_first():
    module, data = make(I2LMeshNetModule, **TINY, pose_steps=3, lr=1e-3), Batches(steps=4)
    start = {name: weight.detach().clone() for name, weight in module.network.named_parameters()}
    seen = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            names = dict(module.network.named_parameters())
            moved = {name.split(".")[0] for name, weight in names.items() if not torch.equal(weight, start[name])}
            seen.append("mesh_head" in moved or "mesh_body" in moved or "pose2feat" in moved)

    options = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    pl.Trainer(max_steps=4, accelerator="cpu", limit_val_batches=0, callbacks=[Watch()], **options).fit(module, data)
    assert seen == [False, False, False, True]


def test_methods_are_found_by_name():
    assert all(get_method(name).__mro__[1].__name__ == "PoseModule" for name in METHODS)
    with pytest.raises(KeyError, match=r"no method 'hmr'; there are .*i2l_meshnet"):
        get_method("hmr")


def test_flip_test_makes_predictions_of_mirrored_crops_mirror_images():
    torch.manual_seed(0)
    module = make(I2LMeshNetModule, **TINY, flip_test=True).eval()
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        here, there = module._lixels({"image": image}), module._lixels({"image": image.flip(-1)})
    torch.testing.assert_close(there.vertices, module.space.mirror(here.vertices, module.mirror_vertices))
    torch.testing.assert_close(there.joints, module.space.mirror(here.joints, module.mirror_joints))


def test_a_mirrored_person_has_mirrored_targets():
    body, batch = open_body(), make_batch(2)
    module = make(I2LMeshNetModule, **TINY)
    camera = batch["intrinsics"], batch["crop_affine"]
    here = module.space.encode(batch["vertices"], batch["root_depth"], *camera)
    size = module.space.crop_size
    turn = torch.tensor([[-1.0, 0, size - 1], [0, 1, 0]])
    flipped = compose_affine(turn.expand(2, 2, 3), batch["crop_affine"])
    there = module.space.encode(batch["vertices"][:, body.mirror], batch["root_depth"], batch["intrinsics"], flipped)
    torch.testing.assert_close(module.space.mirror(here, module.mirror_vertices), there, atol=1e-4, rtol=0)


def test_flip_test_needs_a_mirror(monkeypatch):
    body = open_body()
    monkeypatch.setattr("lightning_modules.i2l_meshnet.module.load_body", lambda name: body)
    monkeypatch.setattr(body, "mirror", None)
    with pytest.raises(ValueError, match="mirror image"):
        make(I2LMeshNetModule, **TINY, flip_test=True)
