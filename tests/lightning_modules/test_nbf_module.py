import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from contract import MethodContract
from flat_settings import make
from nbf_people import TINY, make_people
from torch.utils.data import DataLoader

import zoo
from lightning_modules.nbf.module import NBFModule
from metrics.functional.segmentation import miou


class TestContract(MethodContract):
    @staticmethod
    def module():
        return make(NBFModule, **TINY, joints3d_weight=1.0)

    def batch(self, size, crop):
        return make_people(size, crop)


def gradient_reaches(module, batch):
    module.zero_grad()
    sum(module.losses(batch).values()).backward()
    named = dict(module.network.named_parameters())
    return {name.split(".")[0] for name, weight in named.items() if weight.grad is not None and weight.grad.any()}


def test_stages_train_alone_and_together():
    torch.manual_seed(0)
    batch = make_people(2)
    both = {"encoder", "segmenter"}
    assert gradient_reaches(make(NBFModule, **TINY), batch) == both
    soft = make(NBFModule, **TINY, coding="soft", part_weight=0.0, rotations="relative")
    assert gradient_reaches(soft, batch) == both
    hard = make(NBFModule, **TINY, part_weight=0.0)  # hard parts pass no gradient
    assert gradient_reaches(hard, batch) == {"encoder"}
    assert gradient_reaches(make(NBFModule, **TINY, train="fitter", coding="soft"), batch) == {"encoder"}
    assert gradient_reaches(make(NBFModule, **TINY, train="segmenter"), batch) == {"segmenter"}
    segmenter = make(NBFModule, **TINY | {"encoder": "none"}, train="segmenter")
    assert gradient_reaches(segmenter, batch) == {"segmenter"}
    assert segmenter(batch["image"]).shape == (2, 13, 16, 16)


def test_an_idle_stage_keeps_its_statistics():
    batch = make_people(2)
    for stage, idle in (("fitter", "segmenter"), ("segmenter", "encoder")):
        module = make(NBFModule, **TINY, train=stage)
        module.train()
        before = {name: value.clone() for name, value in module.network.get_submodule(idle).state_dict().items()}
        sum(module.losses(batch).values()).backward()
        after = module.network.get_submodule(idle).state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items()), stage


def test_true_parts_are_shown_in_the_steps_between(monkeypatch):
    module, batch = make(NBFModule, **TINY, segmenter_interval=3, true_parts_steps=4), make_people(2)
    monkeypatch.setattr(NBFModule, "global_step", property(lambda self: self.at))
    trained = []
    for module.at in range(8):
        trained.append("part" in module.losses(batch))
    assert trained == [False] * 6 + [True, False]
    module.eval()
    module.at = 1
    assert "parts" in module.predict(batch).intermediates


class Knows(torch.nn.Module):
    """An encoder that knows the latents."""

    def __init__(self, latent):
        super().__init__()
        self.latent = latent

    def forward(self, image):
        return self.latent, self.latent


@pytest.fixture
def oracle():
    """A module with true parts as its input whose encoder is right."""
    batch = make_people(3)
    module = make(NBFModule, **TINY, input="true_parts", joints3d_weight=1.0, root_depth="given")
    truth = module._truth(batch)
    latent = torch.cat([truth.betas, truth.rotations.flatten(1)], -1) - module.network.mean
    module.network.encoder = Knows(latent)
    return module.eval(), batch


def test_perfect_latents_leave_no_loss_and_give_the_true_body(oracle):
    module, batch = oracle
    losses = module.losses(batch)
    assert losses["latent"] < 1e-6
    assert losses["joints3d"] < 1e-5
    assert losses["joints2d"] < 0.03  # the fixed camera is farther away than the photograph's
    prediction = module.predict(batch)
    pelvis = prediction.joints[:, :1]
    true = batch["joints"][:, :24]
    torch.testing.assert_close(prediction.joints - pelvis, true - true[:, :1], atol=1e-4, rtol=0)
    assert prediction.root_depth_source == "given"
    assert prediction.skeleton.name == "smpl24"
    torch.testing.assert_close(prediction.joints[..., 0, 2], batch["root_depth"], atol=1e-4, rtol=0)
    assert (pelvis - true[:, :1]).norm(dim=-1).max() < 0.2  # by the outline of a few dots


def test_metrics_are_those_of_the_protocol_and_of_the_parts(oracle):
    module, batch = oracle
    options = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = pl.Trainer(accelerator="cpu", **options)
    (values,) = trainer.test(module, DataLoader([batch], batch_size=None), verbose=False)
    assert values["test/mpjpe"] < 0.2
    assert values["test/n"] == 3
    logits = module.network.segment(batch["image"])
    labels = torch.nn.functional.interpolate(logits, size=(64, 64), mode="nearest").argmax(1)
    assert 0 <= values["test/miou"] <= 100
    assert values["test/miou"] == pytest.approx(
        miou(labels, module._view(batch, module._truth(batch)).parts, 13), abs=3
    )
    assert 0 <= values["test/part_f1"] <= 1


def test_a_parts_protocol_scores_a_segmenter_alone():
    torch.manual_seed(0)
    settings = TINY | {"encoder": "none"}
    module = make(NBFModule, **settings, train="segmenter", protocol="upi-s1h-val", test_scale="keypoints").eval()
    batch = make_people(2)
    drawn = {"part_labels": [torch.zeros(320, 320, dtype=torch.uint8)] * 2, "silhouette": [torch.zeros(0, 0)] * 2}
    options = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = pl.Trainer(accelerator="cpu", **options)
    (values,) = trainer.test(module, DataLoader([batch | drawn], batch_size=None), verbose=False)
    assert values["test/n"] == 2
    assert 0 < values["test/miou"] < 100
    with torch.no_grad():
        prediction = module.predict(batch)
    assert prediction.joints.isnan().all()
    assert prediction.intermediates["parts"].shape == (2, 64, 64)


def test_parts_are_told_where_they_are_in_the_crop():
    module, batch = make(NBFModule, **TINY, test_scale="true_body").eval(), make_people(2)
    truth = module._truth(batch)
    view = module._view(batch, truth)
    found = module.encoder_input.in_crop(view.parts, view)
    true = module.encoder_input.part_table[batch["iuv"][:, 0].long()]
    inside = true[:, 16:48, 16:48]
    assert (found[:, 16:48, 16:48] == inside).float().mean() > 0.8  # dots of single pixels, moved there and back
    plain = make(NBFModule, **TINY).eval()
    view = plain._view(batch, truth)
    assert plain.encoder_input.in_crop(view.parts, view) is view.parts


def train(module, batch, steps=8):
    """Loss before and after some steps."""
    optimizer = module.optimizer()
    for group in optimizer.param_groups:
        group["lr"] = 2e-3
    values = []
    for _ in range(steps):
        optimizer.zero_grad()
        total = sum(module.losses(batch).values())
        total.backward()
        optimizer.step()
        values.append(total.item())
    return values


ABLATIONS = {
    **{f"{parts} parts": {"parts": parts, "input": "true_parts"} for parts in (1, 3, 6, 12, 24)},
    **{name: {"input": name, "segmenter": "none"} for name in ("rgb", "joints14", "joints24")},
    **{
        "+".join(names): {f"{name}_weight": float(name in names) for name in ("latent", "joints3d", "joints2d")}
        for names in [("latent",), ("latent", "joints3d"), ("latent", "joints2d"), ("latent", "joints3d", "joints2d"),
                      ("joints3d",), ("joints2d",)]
    },
    **{f"{share:.0%} labelled": {"labelled_share": share} for share in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0)},
    "squared": {"distance": "squared", "latent_distance": "squared", "joints3d_weight": 1.0},
    "robust": {"distance": "geman_mcclure", "latent_distance": "tukey", "joints3d_weight": 1.0, "robust_width": 1.0},
    "vertices": {"points": "vertices", "joints3d_weight": 1.0},
    "relative": {"rotations": "relative"},
    "improper": {"proper_rotations": False},
    "soft": {"coding": "soft"},
    "deeplab": {"segmenter": "deeplab"},
    **{f"scale {name}": {"scale": name, "test_scale": name} for name in ("keypoints", "true_body")},
}  # fmt: skip


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_builds_and_trains(name):
    torch.manual_seed(0)
    own = ABLATIONS[name]
    fitter = {} if "part_weight" in own or name == "deeplab" else {"train": "fitter", "input": "true_parts"}
    module = make(NBFModule, **{**TINY, "weight_decay": 0.0, **fitter, **own})
    batch = make_people(2)
    values = train(module, batch)
    assert all(value == value for value in values)
    if module.loss_config.labelled_share > 0.1:  # with few labels these two people may have none but their pixels
        assert min(values[-5:]) < values[0]
    prediction = module.eval().predict(batch)
    assert prediction.vertices.isfinite().all()
    assert all(weight.isfinite().all() for weight in module.parameters())


@pytest.mark.parametrize(
    ("segmenter", "backbone"),
    [("deeplab", "vgg16"), ("deeplab", "resnet101"), ("refinenet", "resnet101"), ("refinenet", "resnet101v1")],
)
def test_the_segmenters_of_table_2_train(segmenter, backbone):
    torch.manual_seed(0)
    stage = {"segmenter": segmenter, "segmenter_backbone": backbone, "encoder": "none", "train": "segmenter"}
    values = train(make(NBFModule, **TINY | stage | {"crop_size": 32}), make_people(2, crop=32))
    assert min(values[-5:]) < values[0]


def test_one_segmenter_is_trained_on_and_another_tested_on(tmp_path):
    """Table 2: `segmenter_from` in training, and in place of the checkpoint's in the test."""
    options = {"logger": False, "enable_progress_bar": False, "accelerator": "cpu", "enable_model_summary": False}
    data, states = DataLoader([make_people(2)], batch_size=None), {}
    for kind in ("refinenet", "deeplab"):
        torch.manual_seed(len(kind))
        module = make(NBFModule, **TINY | {"encoder": "none"}, segmenter=kind, train="segmenter")
        trainer = pl.Trainer(max_steps=1, default_root_dir=tmp_path / kind, **options)
        trainer.fit(module, data)
        trainer.save_checkpoint(tmp_path / f"{kind}.ckpt")
        states[kind] = module.network.segmenter.state_dict()
    settings = TINY | {"train": "fitter", "segmenter": "refinenet", "segmenter_from": str(tmp_path / "refinenet.ckpt")}
    fitter = make(NBFModule, **settings)
    trainer = pl.Trainer(max_steps=1, default_root_dir=tmp_path / "fitter", **options)
    trainer.fit(fitter, data)
    trainer.save_checkpoint(tmp_path / "fitter.ckpt")
    for name, value in fitter.network.segmenter.state_dict().items():
        assert torch.equal(value, states["refinenet"][name]), name
    other = settings | {"segmenter": "deeplab", "segmenter_from": str(tmp_path / "deeplab.ckpt")}
    for own, kind in ((settings, "refinenet"), (other, "deeplab")):
        module = make(NBFModule, **own)
        pl.Trainer(**options).test(module, data, ckpt_path=tmp_path / "fitter.ckpt", verbose=False, weights_only=True)
        for name, value in module.network.segmenter.state_dict().items():
            assert torch.equal(value, states[kind][name]), name
        for name, value in module.network.encoder.state_dict().items():
            assert torch.equal(value, fitter.network.encoder.state_dict()[name]), name


@pytest.mark.parametrize("scale", ["crop", "keypoints"])
def test_photographs_without_any_label(scale):
    torch.manual_seed(0)
    module = make(NBFModule, **TINY, test_scale=scale)
    photograph = np.random.RandomState(0).randint(0, 256, (120, 100, 3)).astype(np.uint8)
    prediction = zoo.predict(module, photograph, boxes=[[10, 10, 60, 100], [30, 20, 50, 50]])
    assert prediction.root_depth_source == "box"
    assert prediction.vertices.shape == (2, 6900, 3)
    assert prediction.vertices.isfinite().all()
    assert (prediction.joints[..., 2] > 0).all()
    low, high = prediction.joints_2d.amin(1), prediction.joints_2d.amax(1)
    middle = torch.tensor([[40.0, 60.0], [55.0, 45.0]])  # of the boxes, which noise fills with parts
    assert ((low + high) / 2 - middle).norm(dim=1).max() < 40


def test_hidden_labels_are_not_used():
    """Without any 3D labels (Table 4, 0 %) the loss is that of 2D joints alone (Table 3, last row)."""
    torch.manual_seed(0)
    batch = make_people(2)
    module = make(NBFModule, **TINY, train="fitter", input="true_parts", joints3d_weight=1.0, labelled_share=0.0)
    losses = module.losses(batch)
    assert losses["latent"] == losses["joints3d"] == 0
    assert losses["joints2d"] > 0
    alone = make(NBFModule, **TINY, train="fitter", input="true_parts", latent_weight=0.0, joints3d_weight=0.0)
    alone.load_state_dict(module.state_dict())
    torch.testing.assert_close(sum(losses.values()), alone.losses(batch)["joints2d"])


def test_the_optimiser_is_the_released_one():
    module = make(NBFModule, **TINY, weight_decay=1e-4)
    optimizer = module.optimizer()
    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.defaults["betas"] == (0.5, 0.999)
    for group in optimizer.param_groups:
        assert all((weight.ndim > 1) == (group["weight_decay"] == 1e-4) for weight in group["params"])
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(module.parameters()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_size": 100}, "crop_size 100 is not a multiple of 32"),
        ({"segmenter": "none"}, "without a segmenter set input: true_parts"),
        ({"encoder": "none"}, "without an encoder there is nothing to fit; set train: segmenter"),
        ({"segmenter_from": "a.ckpt"}, "set train: fitter"),
        ({"input": "rgb"}, "input: rgb needs no segmenter; set segmenter: none"),
        ({"segmenter_interval": 0}, "give 1 for every step"),
        ({"robust_width": 0.0}, "give the residual at which robust losses level off"),
        ({"points": "landmarks"}, "set body: smpl, or points: vertices"),
        ({"latent_weight": 0.0, "joints2d_weight": 0.0}, "the fitting stage has no loss"),
        ({"body": "mano"}, "24 joints"),
    ],
)
def test_settings_that_do_not_go_together(settings, message, monkeypatch):
    if settings.get("body") == "mano":
        from body.licensed import MANO16
        from body.model import BodyModel

        tree = np.array([MANO16.parent_indices, range(16)])
        arrays = {"v_template": np.zeros((16, 3)), "shapedirs": np.zeros((16, 3, 10)), "weights": np.eye(16),
                  "J_regressor": np.eye(16), "kintree_table": tree, "f": np.zeros((0, 3))}  # fmt: skip
        monkeypatch.setattr("lightning_modules.nbf.module.load_body", lambda name: BodyModel(name, MANO16, arrays, {}))
    with pytest.raises(ValueError, match=message):
        make(NBFModule, **TINY | settings)
