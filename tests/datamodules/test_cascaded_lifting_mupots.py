"""MuPoTS-3D from boxes to scores: Cascaded Dimension-Lifting with a network that knows, and mistakes of known cost."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from fake import mupots as fake
from flat_settings import make

import zoo
from body.camera import apply_affine
from body.skeleton import MPI_INF_3DHP17, MUCO21
from datamodules.mupots import MupotsDataModule, MupotsWriter
from datamodules.mupots.results import read_results, score_results
from datamodules.settings import CropSettings
from lightning_modules.cascaded_lifting.module import CascadedLiftingModule
from lightning_modules.cascaded_lifting.network import CascadeOutput
from lightning_modules.rootnet.module import RootNetModule

CROPS = CropSettings(skeleton="muco21", size=64)
TINY = {
    "backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8, "branch_channels": 8, "lifting_channels": 8,
    "lifting_blocks": 1, "skeleton": "muco21", "stage": "lifting",
}  # fmt: skip
RELATIVE, ABSOLUTE = "mupots-relative-all", "mupots-absolute-all"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return fake.write(tmp_path_factory.mktemp("mupots"))


def module(root, protocol=RELATIVE, **options):
    return MupotsDataModule(str(root), protocol, CROPS, batch_size=16, num_workers=0, **options)


class Oracle(torch.nn.Module):
    """Knows every crop by its pixels; `change` makes mistakes in the pose of a sequence's people."""

    lifting = None

    def __init__(self, datamodule, change):
        super().__init__()
        self.answers, people = {}, fake.everybody()
        places = [MUCO21.index(joint) for joint in MPI_INF_3DHP17.joints]
        for batch in datamodule.test_dataloader():
            for row, crop in enumerate(batch["image"]):
                sequence, _, person = people[int(batch["index"][row])]
                true = torch.tensor(fake.truth(person)).float()
                pose = torch.zeros(len(MUCO21), 3)
                pose[places] = true - true[14]
                cells = torch.zeros(len(MUCO21), 3)
                pixels = torch.tensor(person.pixels(MPI_INF_3DHP17)).float()
                cells[places, :2] = apply_affine(pixels, batch["crop_affine"][row]) / 4
                cells[:, 2] = 16 * (pose[:, 2] / 2 + 0.5)
                self.answers[crop.numpy().tobytes()] = cells, change(pose, f"TS{sequence}")
        assert len(self.answers) == len(people)

    def forward(self, image, camera):
        found = self.cascade(image)
        return found if camera is None else found._replace(lifted=self.lift(found.joints, camera))

    def cascade(self, image):
        self.crops = image
        return CascadeOutput(self._stack(0), *[None] * 5)

    def lift(self, joints, camera):
        assert len(joints) == len(camera)
        return self._stack(1)

    def _stack(self, part):
        return torch.stack([self.answers[crop.numpy().tobytes()][part] for crop in self.crops])


def scores_of(root, folder, protocol=RELATIVE, change=lambda pose, sequence: pose, data=None, **settings):
    """What `zoo test` would log, and what the files that it writes score."""
    method = make(CascadedLiftingModule, **TINY, protocol=protocol, **settings)
    del method.network
    datamodule = module(root, protocol, **(data or {}))
    method.network = Oracle(datamodule, change)
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False,
        callbacks=[MupotsWriter(str(folder))],
    )  # fmt: skip
    (report,) = trainer.test(method, datamodule=datamodule, verbose=False)
    return report, score_results(datamodule, folder)


def test_the_truth_scores_everything_without_being_told_where_anybody_is(root, tmp_path):
    report, stored = scores_of(root, tmp_path)
    assert report["test/pck3d"] == pytest.approx(100)
    assert stored["pck3d"] == pytest.approx(100)
    assert report["test/n"] == len(fake.everybody())
    people = read_results(tmp_path)
    assert len(people) == 41
    assert people["TS7_img_000001"].joints.shape == (0, 17, 3)


def test_mistakes_cost_what_they_should(root, tmp_path):
    """People of one sequence turned inside out: a joint r from the root is 2 r from its place."""
    report, stored = scores_of(
        root, tmp_path, change=lambda pose, sequence: -pose if sequence == "TS3" else 3 * pose
    )  # three times as large costs nothing: bones get the true lengths
    hits = []
    for sequence, _, person in fake.everybody():
        if sequence == 3:
            true = fake.truth(person)
            hits += (2 * np.linalg.norm(true - true[14], axis=1)[:14] < 0.15).tolist()
    expected = (19 * 100 + 100 * np.mean(hits)) / 20
    assert np.mean(hits) < 0.5
    assert report["test/pck3d"] == pytest.approx(expected, abs=1e-3)
    assert stored["pck3d"] == pytest.approx(expected, abs=1e-3)
    assert report["test/sequence/TS3/pck3d"] == pytest.approx(100 * np.mean(hits), abs=1e-3)
    assert report["test/sequence/TS4/pck3d"] == pytest.approx(100)


@pytest.mark.parametrize(("shift", "score"), [(0.0, 100), (1.0, 0)])
def test_absolute_places_are_rootnets(root, tmp_path, monkeypatch, shift, score):
    """RootNet's file gives boxes and depths: right ones score everything, a metre too far nothing."""
    numbers = {(s, f): 10000 * s + f for s, f in fake.image_ids()}
    truth = fake.truth
    monkeypatch.setattr(fake, "truth", lambda person: truth(person) + np.array([0, 0, shift]))
    people = fake.everybody()
    path = fake.write_detections(tmp_path / "found.json", people, [0.5] * len(people), numbers)
    data = {"detections": str(path)}
    report, _ = scores_of(root, tmp_path, ABSOLUTE, data=data, root_depth="rootnet")
    assert report["test/pck3d_abs"] == pytest.approx(score, abs=1e-3)
    alone, _ = scores_of(root, tmp_path, RELATIVE, data=data, root_depth="rootnet")
    assert alone["test/pck3d"] == pytest.approx(100)
    guessed, _ = scores_of(root, tmp_path, ABSOLUTE, data=data)  # from boxes, without reading RootNet's depth
    assert guessed["test/pck3d_abs"] < 99


class Told(RootNetModule):
    """Says where two people stand."""

    def absolute_depth(self, output, batch):
        return torch.tensor([3.0, 5.0])


def test_people_of_a_photograph_stand_where_rootnet_says():
    torch.manual_seed(0)
    method = make(CascadedLiftingModule, **TINY).eval()
    root_net = make(Told, backbone="resnet18_tiny", crop_size=64, head_channels=8, skeleton="muco21").eval()
    picture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
    found = zoo.predict(method, picture, boxes=[[10, 5, 40, 80], [80, 10, 50, 70]], root_net=root_net)
    assert found.root_depth_source == "rootnet"
    root = MUCO21.root_index
    np.testing.assert_allclose(found.joints[:, root, 2], [3.0, 5.0], rtol=1e-6)
    centre, focal = np.array([79.5, 44.5]), 80 / np.tan(np.deg2rad(30))  # the camera of a image that has none
    pixel = focal * found.joints[:, root, :2] / found.joints[:, root, 2:] + centre
    np.testing.assert_allclose(pixel, found.joints_2d[:, root], atol=0.01)
