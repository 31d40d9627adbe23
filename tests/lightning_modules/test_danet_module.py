import math

import pytest
import roma
import torch
from contract import MethodContract
from flat_settings import make
from people import make_batch, open_body

from lightning_modules.common.flip_test import mean_body, mirror_body
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.common.rotations import matrix_from_6d
from lightning_modules.danet.crop_camera import mirror_camera, project
from lightning_modules.danet.module import DaNetModule
from lightning_modules.danet.network import DaNetOutput
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config

TINY = {
    "iuv_backbone": "resnet18_tiny", "charts": "open", "channels": 8, "global_backbone": "resnet18_tiny",
    "local_backbone": "resnet18_tiny", "stream_channels": 8, "features": 8, "crop_size": 64, "estimator_steps": 0,
}  # fmt: skip
STILL = {"drop": "none", "jitter": False}
_X = torch.tensor([-1.0, 1.0, 1.0])
STEPS = 8


def danet_batch(size=3, crop=64):
    """Bodies, with every part somewhere in the picture and DensePose's points and masks in the first sample."""
    batch, cells = make_batch(size, crop), crop // 4
    parts = (torch.arange(cells * cells).view(cells, cells) * 25) // cells**2
    iuv = torch.stack([parts, 10 * (parts % 25), 255 - 10 * (parts % 25)]).byte()
    points = torch.zeros(size, 196, 5)
    points[0, :30] = torch.rand(30, 5, generator=torch.Generator().manual_seed(1))
    points[0, :30, :2] *= crop - 1
    points[0, :30, 2] = torch.arange(30) % 24 + 1
    valid = torch.zeros(size, 196, dtype=torch.bool)
    valid[0, :30] = True
    return batch | {
        "iuv": iuv.expand(size, -1, -1, -1),
        "iuv_valid": torch.ones(size, dtype=torch.bool),
        "dense_points": points,
        "dense_points_valid": valid,
        "dense_mask": (torch.arange(crop) * 15 // crop).byte().expand(size, crop, crop),
        "dense_mask_valid": torch.arange(size) == 0,
    }


class TestContract(MethodContract):
    silent = ("heatmap.1.bias",)
    module = staticmethod(lambda: make(DaNetModule, **TINY, **STILL))

    def batch(self, size, crop):
        return danet_batch(size, crop)


# the rows of Tables 7 to 10 and what else the paper compares
D_NET = {"aggregation": "none", "drop": "none"}
ONE = {"streams": "one", "drop": "none", "global_backbone": "resnet18_tiny"}
ROWS = {
    "7, ConvFeat": {**ONE, "representation": "features"},
    "7, Segmentation": {**ONE, "representation": "segmentation"},
    "7, IUV": {**ONE},
    "8, D-Net": {**D_NET},
    "8, D-Net-ES": {**D_NET, "roi_scale": "foreground", "roi_ratios": "equal"},
    "8, D-Net-AP": {**D_NET, "parts": "all"},
    "Fig. 15, Dropout": {"aggregation": "none", "drop": "unit"},
    "Fig. 15, DropBlock": {"aggregation": "none", "drop": "block"},
    "Fig. 15, PartDrop; 9, w/o": {"aggregation": "none", "drop": "part"},
    "9, direct": {"aggregation": "direct", "drop": "part"},
    "9, position-implicit": {"aggregation": "implicit", "drop": "part"},
    "9, position-aided": {"aggregation": "gcn", "drop": "part"},
    "10, direct": {"aggregation": "direct", "drop": "none", "learned_edges": False},
    "10, position-aided": {"aggregation": "gcn", "drop": "none", "learned_edges": False},
    "10, position-aided, learned edges": {"aggregation": "gcn", "drop": "none"},
    "released": {"aggregation": "gcn", "drop": "part_release"},
    "5, LSTM": {"aggregation": "lstm"},
    "Fig. 12, true IUV": {"representation": "true", "roi_ratios": "learned"},
    "segmentation, many streams": {"representation": "segmentation"},
    "features, many streams": {"representation": "features"},
    "Eqs. 1 to 4": {"terms": "paper", "rotation": "matrix"},
}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_trains(row):
    torch.manual_seed(0)
    module, batch = make(DaNetModule, **TINY | ROWS[row]), danet_batch(2)
    optimiser = torch.optim.Adam(module.parameters(), 1e-3)
    totals = []
    for _ in range(STEPS):
        losses = module.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert all(map(math.isfinite, totals))
    assert sum(totals[-2:]) < sum(totals[:2])
    module.eval()
    with torch.no_grad():
        prediction = module.predict(batch)
    assert prediction.vertices.isfinite().all()
    turns = prediction.smpl.pose.norm(dim=-1)
    assert (turns <= math.pi + 1e-4).all()


def test_the_bound_of_true_maps_does_not_depend_on_what_is_estimated():
    """Figure 12: maps and windows are the labels', so that another first stage changes nothing."""
    module, batch = make(DaNetModule, **TINY, representation="true", roi_ratios="learned").eval(), danet_batch(2)
    before = module.predict(batch)
    for weight in module.network.estimator.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight)
    after = module.predict(batch)
    assert not torch.allclose(before.intermediates["joint_places"], after.intermediates["joint_places"])
    assert torch.equal(before.vertices, after.vertices)
    moved = batch | {"vertices": batch["vertices"] * 1.2}  # the places of the true joints
    assert not torch.equal(module.predict(moved).vertices, after.vertices)


def test_learned_ratios_stay_as_they_were_learned(tmp_path):
    """Eq. 2's are learned on true maps, then taken over and frozen (danet/h36m_paper)."""
    first = make(DaNetModule, **TINY, representation="true", roi_ratios="learned", roi_scale="foreground")
    with torch.no_grad():
        first.network.estimator.windows.ratio.copy_(torch.linspace(0.1, 0.9, 24))
    torch.save({"state_dict": first.state_dict()}, tmp_path / "last.ckpt")
    part = "estimator.windows"
    settings = {"roi_ratios": "learned", "roi_scale": "foreground", "freeze": [part]}
    second = make(DaNetModule, **TINY, **settings, parts_from={part: str(tmp_path / "last.ckpt")})
    second.setup("fit")
    windows = second.network.estimator.windows
    assert torch.equal(windows.ratio, torch.linspace(0.1, 0.9, 24))
    assert not windows.ratio.requires_grad
    paper = read_config(find_config("danet/h36m_paper"))["model"]["init_args"]
    assert {name: paper["network"][name] for name in ("roi_ratios", "roi_scale")} == {
        name: settings[name] for name in ("roi_ratios", "roi_scale")
    }
    assert paper["freeze"] == list(paper["parts_from"]) == [part]
    assert paper["losses"]["terms"] == "paper"


def test_terms_of_the_two_phases():
    first = {"u", "v", "index", "coarse", "partial_u", "partial_v", "partial_index", "point_u", "point_v",
             "point_index", "mask", "place"}  # fmt: skip
    second = {"rotation", "first_rotation", "betas", "position", "first_position", "joints_2d", "joints_3d", "scale"}
    batch = danet_batch(2)
    assert set(make(DaNetModule, **TINY | {"estimator_steps": 3}).losses(batch)) == first
    assert set(make(DaNetModule, **TINY).losses(batch)) == first | second
    implicit = set(make(DaNetModule, **TINY, aggregation="implicit").losses(batch))
    assert implicit == (first | second) - {"position", "first_position"}
    paper = set(make(DaNetModule, **TINY, terms="paper", weights={"coarse": 0.0}).losses(batch))
    assert paper == (first | second | {"camera", "vertices", "orthogonality"}) - {"scale", "coarse"}


def test_labels_that_are_missing_teach_nothing():
    batch = danet_batch(2)
    for name in ("iuv_valid", "dense_points_valid", "dense_mask_valid", "smpl_valid", "joints_valid",
                 "joints_2d_valid"):  # fmt: skip
        batch[name] = torch.zeros_like(batch[name])
    module = make(DaNetModule, **TINY, weights={"scale": 0.0})
    losses = module.losses(batch)
    assert all(value == 0 for value in losses.values()), losses
    torch.stack(list(losses.values())).sum().backward()
    assert all(weight.grad is None or not weight.grad.any() for weight in module.parameters())


class Oracle(torch.nn.Module):
    """A network that knows the answer, also for the mirrored crop."""

    def __init__(self, module, batch):
        super().__init__()
        target = module.targets(batch)
        self.network, self.representation, self.rotation = module.network, "iuv", "6d"
        self.image, body = batch["image"], mirror_body(BodyRotations(target.rotations, target.betas))
        self.answer = target.camera, target.betas, target.rotations
        self.mirrored = mirror_camera(target.camera, module.crop_size), body.betas, body.rotations

    def forward(self, image, true=None):
        kinds = [self.answer if torch.equal(crops, self.image) else self.mirrored for crops in image.split(3)]
        answer = (torch.cat(values) for values in zip(*kinds, strict=True))
        return DaNetOutput(*answer, self.network.estimator(image), None)

    def follow(self, output, focal):
        return self.network.follow(output, focal)


@pytest.mark.parametrize(("face_crop", "flip_test"), [(False, False), (True, False), (True, True)])
def test_a_perfect_answer_becomes_the_true_body(face_crop, flip_test):
    module, batch = make(DaNetModule, **TINY, face_crop=face_crop, flip_test=flip_test).eval(), danet_batch(3)
    module.root_depth = "given"
    body = open_body()
    batch["vertices"] = body(batch["pose"], batch["betas"], batch["transl"]).vertices
    batch["joints"] = body.joint_regressor("smpl29") @ batch["vertices"]
    batch["root_depth"] = batch["joints"][:, 0, 2]
    module.network = Oracle(module, batch)
    prediction = module.predict_step(batch, 0)
    ours, true = (points - points[:, :1] for points in (prediction.joints, batch["joints"]))
    torch.testing.assert_close(ours, true, atol=1e-4, rtol=0)
    assert prediction.root_depth_source == "given"
    assert (prediction.joints[:, 0] - batch["joints"][:, 0]).norm(dim=-1).max() < 0.05
    module.root_depth = "box"
    prediction = module.predict_step(batch, 0)
    assert prediction.root_depth_source == "camera"
    assert (prediction.joints[:, 0, 2] / batch["root_depth"] - 1).abs().max() < 0.1


def test_with_face_crop_the_true_body_appears_where_it_is_through_a_wide_lens():
    """The release's long lens cannot show it there: losses of 2D and 3D joints would contradict each other."""
    batch = danet_batch(3)
    batch["transl"][:, 2] = 1.6
    batch["vertices"] = open_body()(batch["pose"], batch["betas"], batch["transl"]).vertices
    middle = batch["vertices"].mean(1)
    zoom = 25 / batch["intrinsics"][:, 0, 0] * middle[:, 2]  # a metre is 25 pixels, most of a person 50 of 64
    seen = middle[:, :2] / middle[:, 2:] * batch["intrinsics"].diagonal(0, 1, 2)[:, :2] + batch["intrinsics"][:, :2, 2]
    linear = zoom[:, None, None] * torch.eye(2)
    batch["crop_affine"] = torch.cat([linear, 32 - linear @ seen[:, :, None]], 2)
    misses = []
    for face_crop in (True, False):
        target = make(DaNetModule, **TINY, face_crop=face_crop).targets(batch)
        places = project(target.positions, target.camera, target.focal)
        misses.append(((places - target.places).norm(dim=-1) * 32).mean())
    assert misses[0] < 0.5  # a crop beside the middle of the photograph is no photograph of its own
    assert misses[1] > 3 * misses[0], misses


def test_a_mirrored_camera_shows_the_mirrored_point_at_the_mirrored_pixel():
    camera = torch.tensor([[0.8, 0.1, -0.2], [1.1, -0.3, 0.05]])
    points = torch.tensor([[[0.3, -0.2, 0.0], [-0.5, 0.4, 0.0]]]).expand(2, -1, -1)
    focal, views = torch.tensor([2.5, 44.6]), ((points, camera), (points * _X, mirror_camera(camera, 64)))
    here, there = ((project(p, c, focal) + 1) * 32 for p, c in views)
    torch.testing.assert_close(there[..., 0], 63 - here[..., 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(there[..., 1], here[..., 1])


def test_answers_that_differ_meet_in_the_middle():
    """Turned by 0.2 to either side of the truth, shapes 1 and 3: no turn, shape 2."""
    turns = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.2, 0.0])).expand(1, 24, 3, 3)
    merged = mean_body(BodyRotations(turns, torch.ones(1, 10)), BodyRotations(turns.mT, 3 * torch.ones(1, 10)))
    torch.testing.assert_close(merged.rotations, torch.eye(3).expand(1, 24, 3, 3))
    assert torch.equal(merged.betas, 2 * torch.ones(1, 10))


def test_the_person_that_answers_are_added_to_stands_upright():
    module = make(DaNetModule, **TINY)
    turn = matrix_from_6d(module.network.mean_pose)[0]
    torch.testing.assert_close(turn @ torch.tensor([0.0, 1, 0]), torch.tensor([0.0, -1, 0]))  # up is -y in a crop


def test_milestones_are_steps():
    module = make(DaNetModule, **TINY, milestones=[2, 4])
    setup = module.configure_optimizers()
    assert setup["lr_scheduler"]["interval"] == "step"
    rates = []
    for _ in range(5):
        rates.append(setup["optimizer"].param_groups[0]["lr"])
        setup["optimizer"].step()
        setup["lr_scheduler"]["scheduler"].step()
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5, 1e-6])
    assert make(DaNetModule, **TINY).training_options["milestones"] == [30000, 60000]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"crop_size": 100}, "crop_size 100 is not a multiple of 32"),
     ({"drop_rate": 1.0}, "no probability"),
     ({"representation": "true", "flip_test": True}, "flip_test needs maps of the mirrored crop"),
     ({"weights": {"x": 1.0}}, "no loss term 'x'; use one of u, v, index")],
)  # fmt: skip
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        make(DaNetModule, **TINY | settings)
