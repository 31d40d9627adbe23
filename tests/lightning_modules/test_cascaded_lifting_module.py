"""Cascaded Dimension-Lifting as a LightningModule: contract, no label at test time, stages, Table 4's rows."""

import pytest
import pytorch_lightning as pl
import torch
from contract import MethodContract
from flat_settings import make
from people import make_batch
from torch.utils.data import DataLoader

from lightning_modules.cascaded_lifting.config import CascadeConfig
from lightning_modules.cascaded_lifting.losses import SUPERVISION
from lightning_modules.cascaded_lifting.module import CascadedLiftingModule
from lightning_modules.cascaded_lifting.network import CascadeNet, CascadeOutput
from lightning_modules.common.volumes import squared_error

TINY = {
    "backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8, "branch_channels": 8, "lifting_channels": 32,
    "lifting_blocks": 2, "dropout": 0.0, "sigma": 1.0, "bone_sigma": 1.0,
}  # fmt: skip
INPUTS = ("image", "intrinsics", "crop_affine", "box")


def made(**settings):
    torch.manual_seed(0)
    return make(CascadedLiftingModule, **{**TINY, **settings})


def people(size=3):
    return make_batch(size, 64, skeleton="h36m18")


class TestCascade(MethodContract):
    module = staticmethod(made)

    def batch(self, size, crop):
        return make_batch(size, crop, skeleton="h36m18")


class TestLifting(TestCascade):
    module = staticmethod(lambda: made(stage="lifting", lifting_camera=True, own_upsampling=False))


@pytest.mark.parametrize(
    ("settings", "millions"),
    [
        # added up by hand, layer by layer
        ({}, 60.5),
        ({"branch_channels": 128, "own_upsampling": False}, 47.1),
        ({"intermediate": False}, 34.3 + 10.6),  # as published of PoseNet, and the lifting block
    ],
)
def test_sizes(settings, millions):
    """The defaults, and the branch that adds few parameters to PoseNet's 34.3 and the lifting block's 10.6 million."""
    network = CascadeNet(CascadeConfig(**settings))
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)
    assert sum(weight.numel() for weight in network.lifting.parameters()) / 1e6 == pytest.approx(10.6, abs=0.1)


def test_the_baseline_of_table_4_has_no_steps_between():
    module = made(intermediate=False, supervision="none")
    batch = people()
    losses = module.losses(batch)
    assert set(losses) == {"joints"}
    losses["joints"].backward()
    assert all(weight.grad is not None for weight in module.network.parameters())
    names = {name for name, _ in module.network.named_children()}
    assert names == {"backbone", "normalise", "context", "volume_head", "statistics"}
    with pytest.raises(ValueError, match=r"set losses\.supervision: none"):
        made(intermediate=False)


class Oracle(torch.nn.Module):
    """A network that knows the answer, also for the mirrored crop."""

    lifting = None

    def __init__(self, module, batch):
        super().__init__()
        depth = (batch["joints"][..., 2] - batch["root_depth"][:, None]) / 2 + 0.5
        cells = torch.cat([batch["joints_2d"] / 4, (depth * module.maps.bins)[..., None]], -1)
        self.cells, self.module = cells, [module]
        self.image, self.relative = batch["image"], batch["joints"] - batch["joints"][:, :1]

    def forward(self, image, camera=None):
        return self.cascade(image)._replace(lifted=None if camera is None else self.relative)

    def cascade(self, image):
        return CascadeOutput(torch.cat([self._seen(crops) for crops in image.split(len(self.image))]), *[None] * 5)

    def _seen(self, image):
        if torch.equal(image, self.image):
            return self.cells
        swapped = self.cells[:, list(self.module[0].skeleton.mirror)]
        pixel = 63 - 4 * swapped[..., 0]  # the picture's last column becomes its first
        return torch.cat([pixel[..., None] / 4, swapped[..., 1:]], -1)

    def lift(self, joints, camera):
        torch.testing.assert_close(joints, self.cells, atol=1e-4, rtol=0)
        return self.relative


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("stage", ["cascade", "lifting"])
def test_a_perfect_network_gives_the_truth_at_the_true_depth(stage, flip):
    batch, module = people(), made(stage=stage, flip_test=flip, root_depth="given").eval()
    del module.network
    module.network = Oracle(module, batch)
    prediction = module.predict(batch)
    assert prediction.root_depth_source == "given"
    torch.testing.assert_close(prediction.joints, batch["joints"], atol=5e-5, rtol=0)
    module.root_depth = "box"
    guessed = module.predict(batch)
    assert guessed.root_depth_source == "box"
    assert (guessed.joints - batch["joints"]).norm(dim=-1).max() > 0.05
    relative = guessed.joints - guessed.joints[:, :1] - module.network.relative
    assert (relative.norm(dim=-1).max() < 1e-4) == (stage == "lifting")  # lifted poses do not hang on the depth
    torch.testing.assert_close(guessed.joints_2d, prediction.joints_2d)


def awake(module, batch):
    """Statistics and last layer such that the answer hangs on the image, as in a trained network."""
    for layer in module.network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        module.network.train()(batch["image"])
    torch.nn.init.normal_(module.network.volume_head.weight)
    return module.eval()


def perturbed(value, random):
    """Another value of the same kind."""
    if not isinstance(value, torch.Tensor):
        return [f"{item}?" if isinstance(item, str) else item + 7 for item in value]
    if value.dtype == torch.bool:
        return ~value
    if value.is_floating_point():
        return value + 1 + torch.rand(value.shape, generator=random)
    return value + 3


@pytest.mark.parametrize("settings", [
    {"stage": "lifting"}, {"stage": "lifting", "lifting_camera": True, "flip_test": True},
    {"stage": "lifting", "joints_from": "volume"}, {"stage": "cascade"},
])  # fmt: skip
def test_no_label_reaches_the_prediction(settings):
    """The paper's central claim: every field of the batch is changed but picture, box and camera."""
    batch, random = people(), torch.Generator().manual_seed(1)
    module = awake(made(**settings), batch)
    changed = {key: value if key in INPUTS else perturbed(value, random) for key, value in batch.items()}
    for key in set(batch) - set(INPUTS):
        same = batch[key] == changed[key]
        assert not (same.any() if isinstance(same, torch.Tensor) else same), key
    with torch.no_grad():
        expected, found = module.predict(batch), module.predict(changed)
        without = module.predict({key: batch[key] for key in INPUTS})
        for other in (found, without):
            assert torch.equal(other.joints, expected.joints)
            assert torch.equal(other.joints_2d, expected.joints_2d)
            assert torch.equal(other.intermediates["joints_cells"], expected.intermediates["joints_cells"])
            assert other.root_depth_source == expected.root_depth_source == "box"
        module.root_depth = "given"
        given = module.predict_step(batch, 0)  # what a caller knows about the place moves the person, and no more
        assert given.root_depth_source == "given"
        assert torch.equal(given.joints_2d, expected.joints_2d)
        assert not torch.allclose(given.joints, expected.joints, atol=0.01)
        if module.joints_from == "lifted":
            moved = given.joints - expected.joints
            torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-5, rtol=0)
        module.root_depth = "box"
        other = module.predict({**batch, "image": batch["image"].flip(1)})
    assert (other.joints - expected.joints).norm(dim=-1).max() > 0.01  # what was held fixed is what it goes by


def fit(module, batch, steps, epochs=1, **options):
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False, limit_val_batches=0,
        enable_model_summary=False, max_epochs=epochs, limit_train_batches=steps,
    )  # fmt: skip
    trainer.fit(module, DataLoader([batch] * steps, batch_size=None), **options)
    return trainer


def test_the_rows_of_table_4_train_and_differ_as_the_paper_says():
    """Twenty steps each, from the same start, on the same batch: maps come to look right where they are supervised."""
    batch, errors = people(4), {}
    for supervision, terms in SUPERVISION.items():
        module = made(supervision=supervision, lr=3e-3, schedule="cosine", bone_epochs=0)
        before = module.losses(batch)
        assert set(before) == {"joints", *terms}
        fit(module, batch, 20)
        after = module.train().losses(batch)
        assert sum(after.values()) < 0.95 * sum(before.values())
        targets = module.targets(batch)
        with torch.no_grad():
            output = module.network.cascade(batch["image"])
        whole = targets.cube_valid[:, None].expand(-1, targets.cube.shape[1])
        for name, target, valid in (("joint_maps", targets.joint_maps, targets.joints_valid[..., 0]),
                                    ("bone_maps", targets.bone_maps, targets.bones_valid),
                                    ("cube", targets.cube, whole)):  # fmt: skip
            blank = squared_error(torch.zeros_like(target), target, valid)
            errors[supervision, name] = (squared_error(getattr(output, name), target, valid) / blank).item()
    for (supervision, name), error in errors.items():
        assert (error < 0.93) == (name in SUPERVISION[supervision]), (supervision, name, errors)


def test_both_stages_go_on_where_they_were_cut_off(tmp_path):
    """Two epochs in one go, and cut after the first; the second stage starts from the first and leaves it alone."""
    batch = people()
    kept = {}
    for stage, first in (("cascade", {}), ("lifting", {"start_from": str(tmp_path / "cascade.ckpt")})):
        settings = {"stage": stage, "bone_epochs": 4, "lr": 2e-3, **first}
        whole = made(**settings)
        fit(whole, batch, 3, epochs=2).save_checkpoint(tmp_path / f"{stage}.ckpt")
        fit(made(**settings), batch, 3).save_checkpoint(tmp_path / "half.ckpt")
        torch.manual_seed(5)
        resumed = make(CascadedLiftingModule, **{**TINY, **settings})
        fit(resumed, batch, 3, epochs=2, ckpt_path=str(tmp_path / "half.ckpt"))
        assert resumed.global_step == whole.global_step == 6
        for name, value in whole.state_dict().items():
            torch.testing.assert_close(resumed.state_dict()[name], value, atol=1e-6, rtol=1e-5, msg=name)
        kept[stage] = whole.state_dict()
    assert kept["cascade"]["network.statistics.seen"].tolist() == [18] * 18
    changed = {
        name for name, value in kept["lifting"].items() if not torch.equal(value, kept["cascade"].get(name, value + 1))
    }
    assert changed
    assert all(name.startswith("network.lifting.") for name in changed)


def test_bones_get_thinner(monkeypatch):
    module = made(bone_sigma=2.0, bone_epochs=10)
    sigmas = []
    for epoch in (0, 5, 10, 19):
        monkeypatch.setattr(CascadedLiftingModule, "current_epoch", epoch)
        sigmas.append(module.bone_sigma())
    assert sigmas == [4, 3, 2, 2]


def test_lifted_joints_are_in_the_scale_of_the_training_poses():
    """An untrained lifting block whose last layer is 0 answers with the mean pose of the first stage's samples."""
    batch, module = people(), made(stage="lifting").eval()
    relative = batch["joints"] - batch["joints"][:, :1]
    module.network.statistics.add(relative, batch["joints_valid"])
    torch.nn.init.zeros_(module.network.lifting.last.weight)
    prediction = module.predict(batch)
    lifted = prediction.joints - prediction.joints[:, :1]
    torch.testing.assert_close(lifted, relative.mean(0).expand_as(lifted), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_size": 100}, "crop_size 100 is not a multiple of 32"),
        ({"joints_from": "lifted"}, "joints_from: lifted needs the lifting block; set stage: lifting"),
        ({"backbone": "vgg1"}, "no backbone 'vgg1'"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        made(**settings)
