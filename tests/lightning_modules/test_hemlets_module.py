"""HEMlets as a LightningModule: contract, predictions from a network that knows the answer, ablations, refinement."""

import pytest
import pytorch_lightning as pl
import roma
import torch
from contract import MethodContract
from flat_settings import make
from people import make_batch, open_body
from torch.utils.data import DataLoader

from body.skeleton import SMPL24
from lightning_modules.common.backbones import create_backbone
from lightning_modules.common.flip_test import mirror_body
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.hemlets.config import HemletsLossConfig
from lightning_modules.hemlets.flip import mirror_joints
from lightning_modules.hemlets.losses import SUPERVISION, BodyLoss
from lightning_modules.hemlets.module import HemletsModule
from lightning_modules.hemlets.network import HemletsOutput

TINY = {
    "backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8, "feature_channels": 12, "hidden_channels": 16,
    "regressor_channels": 16, "body": "open", "sigma": 1.0, "protocol": "open-v1",
}  # fmt: skip


def poshed(**settings):
    return make(HemletsModule, **{**TINY, "smpl": True, "skeleton_weight": 1.0, **settings})


class TestContract(MethodContract):
    # biases right before a batch norm
    silent = ("encoder.0.bias", "fusion.feature.bias", "fusion.mix.bias")
    module = staticmethod(poshed)

    def batch(self, size, crop):
        return make_batch(size, crop, skeleton="h36m18")


def test_true_shape_or_pose_replaces_the_estimate_where_there_is_a_label():
    """Table 8: posed by an untrained network, the other half of the parameters is the label's to the last digit."""
    batch, bodies = make_batch(3, 64, skeleton="h36m18"), {}
    batch["smpl_valid"] = torch.tensor([True, True, False])
    for part in ("none", "shape", "pose"):
        torch.manual_seed(0)
        bodies[part] = poshed(true_body=part).eval().predict(batch).smpl
    own, shape, pose = bodies["none"], bodies["shape"], bodies["pose"]
    assert torch.equal(shape.betas[:2], batch["betas"][:2])
    assert torch.equal(shape.pose, own.pose)
    turned = roma.rotvec_to_rotmat(pose.pose[:2])
    torch.testing.assert_close(turned, roma.rotvec_to_rotmat(batch["pose"][:2]), atol=1e-4, rtol=0)
    assert torch.equal(pose.betas, own.betas)
    assert torch.equal(pose.pose[2], own.pose[2])
    assert torch.equal(shape.betas[2], own.betas[2])
    with pytest.raises(ValueError, match="set smpl: true"):
        poshed(true_body="pose", smpl=False)


def test_the_released_search_has_one_camera_for_all():
    """Distances are multiples of 115 mm, and the image's own camera is not read; it is by default."""
    batch = make_batch(3, 64, skeleton="h36m18")
    fixed = torch.tensor([[1150.0, 0, 500], [0, 1150, 500], [0, 0, 1]]).expand(3, 3, 3)
    found = {}
    for search in ("bones", "released"):
        module = poshed(depth_search=search, body="none", smpl=False, skeleton_weight=0.0).eval()
        module.network = Oracle(module, batch)
        for camera, intrinsics in (("own", batch["intrinsics"]), ("fixed", fixed)):
            found[search, camera] = module.predict({**batch, "intrinsics": intrinsics})
    own, other = found["released", "own"], found["released", "fixed"]
    assert own.root_depth_source == "bones, the release's search"
    assert torch.equal(own.joints, other.joints)
    steps = own.joints[:, module.skeleton.root_index, 2] / 0.115
    behind = module.network.answers[False][0][:, module.skeleton.root_index, 2] * 2 / 0.115
    torch.testing.assert_close(steps - behind, (steps - behind).round(), atol=1e-3, rtol=0)
    torch.testing.assert_close(own.joints_2d, found["bones", "own"].joints_2d, atol=1e-2, rtol=0)
    near = (found["bones", "fixed"].joints[:, 0, 2] - own.joints[:, 0, 2]).abs()
    assert (near < 0.6).all()  # the same rays, two measures of one mistake
    assert not torch.allclose(found["bones", "own"].joints, found["bones", "fixed"].joints, atol=1e-2)


class Oracle(torch.nn.Module):
    """A network that knows the answer, also for the mirrored crop."""

    def __init__(self, module, batch):
        super().__init__()
        joints = module.space.targets(batch, module.regressor, module.skeleton.root_index).joints
        body = module._true_body(batch)
        mirrored = mirror_joints(joints, module.skeleton, module.space.crop_size)
        self.answers = {False: (joints, body), True: (mirrored, mirror_body(body))}
        self.image = batch["image"]

    def forward(self, image):
        kinds = [self.answers[not torch.equal(crops, self.image)] for crops in image.split(len(self.image))]
        joints, bodies = zip(*kinds, strict=True)
        return HemletsOutput(
            torch.cat(joints), torch.zeros(1), BodyRotations(*map(torch.cat, zip(*bodies, strict=True)))
        )


@pytest.mark.parametrize("flip", [False, True])
def test_a_perfect_network_gives_the_true_joints_and_body(flip):
    batch, module = make_batch(3, 64, skeleton="h36m18"), poshed(flip_test=flip, root_depth="given").eval()
    module.network = Oracle(module, batch)
    prediction = module.predict_step(batch, 0)
    torch.testing.assert_close(prediction.joints, batch["joints"], atol=5e-5, rtol=0)
    torch.testing.assert_close(prediction.vertices, batch["vertices"], atol=2e-4, rtol=0)
    torch.testing.assert_close(prediction.smpl.transl, batch["transl"], atol=2e-4, rtol=0)
    assert prediction.root_depth_source == "given"
    assert prediction.skeleton.name == "h36m18"
    losses = module.body_loss(module.network.answers[False][1], module._true_body(batch), batch["smpl_valid"])
    assert all(value < 1e-3 for value in losses.values())


def test_a_mirrored_crop_s_joints_are_where_augmentation_puts_them():
    """Labels of a crop that was mirrored as in training, and of the crop itself, are each other's mirror image."""
    module = poshed()
    pixels = torch.rand(2, 18, 2, generator=torch.Generator().manual_seed(0)) * 63
    flipped = torch.stack([63 - pixels[..., 0], pixels[..., 1]], -1)[:, list(module.skeleton.mirror)]
    here, there = (torch.cat([p / 64 - 0.5, torch.zeros(2, 18, 1)], -1) for p in (pixels, flipped))
    torch.testing.assert_close(mirror_joints(there, module.skeleton, 64), here, atol=1e-6, rtol=0)


def test_the_bones_give_the_root_depth():
    batch, module = make_batch(3, 64, skeleton="h36m18"), poshed().eval()
    module.network = Oracle(module, batch)
    prediction = module.predict_step(batch, 0)
    assert prediction.root_depth_source == "bones"
    error = (prediction.joints[:, 0, 2] - batch["root_depth"]).abs() / batch["root_depth"]
    assert error.max() < 0.2  # these people are not of average size: shapes of one standard deviation
    module.root_depth = "given"
    expected = module.predict_step(batch, 0)
    assert (prediction.joints_2d - expected.joints_2d).abs().max() < 0.1  # the picture does not depend on the depth


def test_mirrored_body_is_the_mirrored_mesh():
    batch, body = make_batch(2, 64), open_body()
    module = poshed()
    true = module._true_body(batch)
    vertices = body.forward_rotmat(*true).vertices
    mirrored = body.forward_rotmat(*mirror_body(true)).vertices
    root = body.posed_joints(*true)[:, :1]  # x of the rest-pose root is not exactly 0
    expected = vertices[:, body.mirror] * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(mirrored, expected + (root * torch.tensor([2.0, 0, 0])), atol=2e-3, rtol=0)
    again = mirror_body(mirror_body(true))
    assert torch.equal(again.rotations, true.rotations)
    assert SMPL24.mirror[1] == 2


def test_body_losses_are_the_papers_sums():
    torch.manual_seed(0)
    batch, module = make_batch(3, 64), poshed()
    true = module._true_body(batch)
    other = BodyRotations(true.rotations.roll(1, 1), true.betas + 0.5)
    valid = torch.tensor([True, True, False])
    losses = BodyLoss(open_body())(other, true, valid)
    assert set(losses) == {"rotations", "betas"}
    expected = sum(
        torch.linalg.matrix_norm(other.rotations[b, i] - true.rotations[b, i]) for b in range(2) for i in range(24)
    )
    torch.testing.assert_close(losses["rotations"], expected / 3)
    assert losses["betas"].item() == pytest.approx(10 * 0.5 * 2 / 3, rel=1e-5)
    off = BodyRotations(true.rotations, true.betas)
    skeleton = BodyLoss(open_body(), HemletsLossConfig(skeleton_weight=2.0))(off, true, valid)["skeleton"]
    assert skeleton.item() == pytest.approx(0, abs=1e-5)


def test_the_four_supervisions_train_and_differ_as_the_paper_says():
    """Table 4: which of the maps are learnt. Twenty steps each, from the same start, on the same batch."""
    batch = make_batch(4, 64, skeleton="h36m18")
    reached = {}
    for supervision, terms in SUPERVISION.items():
        torch.manual_seed(0)
        module = make(HemletsModule, **TINY, supervision=supervision, lr=2e-3, schedule="cosine", alpha=0.2)
        assert set(module.losses(batch)) == {"joints", *terms}
        options = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False, "max_steps": 20}
        pl.Trainer(accelerator="cpu", limit_val_batches=0, enable_model_summary=False, **options).fit(
            module, DataLoader([batch] * 20, batch_size=None)
        )
        judge = make(HemletsModule, **TINY, supervision="full", alpha=0.2)
        judge.load_state_dict(module.state_dict())
        with torch.no_grad():
            reached[supervision] = {name: value.item() for name, value in judge.train().losses(batch).items()}
    untrained = reached["none"]
    for supervision, terms in SUPERVISION.items():
        for name in ("hemlets", "heatmaps"):
            if name in terms:
                assert reached[supervision][name] < 0.7 * untrained[name], (supervision, name)
        if terms != ("hemlets", "heatmaps") and terms:
            (other,) = {"hemlets", "heatmaps"} - set(terms)
            assert reached[supervision][other] > 1.2 * reached["full"][other], (supervision, other)
    assert all(values["joints"] < 6.0 for values in reached.values())


@pytest.mark.parametrize("encoding", ["5s", "2s"])
def test_other_encodings_train(encoding):
    torch.manual_seed(0)
    module, batch = make(HemletsModule, **TINY, encoding=encoding), make_batch(3, 64, skeleton="h36m18")
    assert module.network.maps.out_channels == 14 * (5 if encoding == "5s" else 3) + 18
    optimiser = torch.optim.Adam(module.parameters(), 2e-3)
    history = []
    for _ in range(8):
        loss = sum(module.losses(batch).values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert history[-1] < history[0]


def test_refinement_moves_the_body_to_the_joints():
    batch = make_batch(3, 64, skeleton="h36m18")
    module = poshed(refine_steps=15, root_depth="given").eval()
    oracle = Oracle(module, batch)
    joints, body = oracle.answers[False]
    wrong = torch.randn(3, 24, 3, generator=torch.Generator().manual_seed(0)) * 0.15
    oracle.answers[False] = joints, BodyRotations(body.rotations @ roma.rotvec_to_rotmat(wrong), body.betas)
    module.network = oracle
    plain = poshed(root_depth="given").eval()
    plain.network = oracle
    with torch.inference_mode():
        before, after = plain.predict_step(batch, 0), module.predict_step(batch, 0)
        alone = module.predict_step({key: value[1:2] for key, value in first_two(batch, oracle).items()}, 0)

    def error(prediction):
        return (prediction.vertices - batch["vertices"]).norm(dim=-1).mean().item()

    assert error(after) < 0.6 * error(before)
    torch.testing.assert_close(alone.vertices, after.vertices[1:2], atol=1e-3, rtol=0)
    assert not any("refiner" in name for name in module.state_dict())


def first_two(batch, oracle):
    """The oracle answers for as many people as it is asked about."""
    joints, body = oracle.answers[False]
    oracle.answers = {True: (joints[1:2], BodyRotations(body.rotations[1:2], body.betas[1:2]))}
    return batch


def test_training_starts_from_another_backbone(tmp_path):
    torch.manual_seed(0)
    first = create_backbone("resnet18_tiny")
    torch.save({"state_dict": {f"network.backbone.{k}": v for k, v in first.state_dict().items()}}, tmp_path / "a.ckpt")
    module = make(HemletsModule, **TINY, backbone_from=str(tmp_path / "a.ckpt"))
    module.setup("validate")
    assert not torch.equal(module.network.backbone.net.conv1[0].weight, first.net.conv1[0].weight)
    module.setup("fit")
    for key, value in module.network.backbone.state_dict().items():
        assert torch.equal(value, first.state_dict()[key])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_size": 100}, "crop_size 100 is not a multiple of 32"),
        ({"body": "none", "smpl": True}, "smpl: true needs a body"),
        ({"refine_steps": 3}, "refine_steps fit a predicted body; set smpl: true"),
        ({"backbone": "vgg1"}, "no backbone 'vgg1'"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        make(HemletsModule, **{**TINY, **settings})
