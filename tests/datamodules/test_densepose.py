"""DensePose-COCO, in its authors' files and in DaNet's, and its geodesic scores."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake import coco, densepose
from fake.assets import write_smpl
from fake.oracle import prediction_of
from fake.run import fit_and_test

from body.crop_labels import sample_cells
from body.densepose_surface import load_surface
from body.skeleton import COCO17, SMPL29
from datamodules.augment import Augmentation
from datamodules.densepose.datamodule import DensePoseCocoDataModule
from datamodules.settings import CropSettings
from metrics import build_task, get_protocol
from tests.unchecked import unchecked

CROPS = CropSettings(skeleton="smpl29", size=64)
LOOSE = CropSettings(skeleton="smpl29", size=64, body="smpl", augmentation=Augmentation(flip_probability=1.0))


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = write_smpl(tmp_path_factory.mktemp("assets"), patch)
        charts = densepose.smpl_charts(folder, patch)
        densepose.write_symmetry(folder)
        yield charts, densepose.write_surface(folder)


@pytest.fixture(scope="module")
def copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("densepose")
    truth = densepose.write(root, ("train", "minival", "valminusminival"))
    for part in ("train", "minival"):
        densepose.write_danet(root, part, truth[part])
    return root, truth


def make(root, **options):
    return unchecked(
        DensePoseCocoDataModule, str(root), **{"crops": CROPS, "batch_size": 2, "num_workers": 0} | options
    )


@pytest.mark.parametrize("layout", ["raw", "danet"])
@pytest.mark.parametrize(("split", "part"), [("train", "train"), ("test", "minival")])
def test_samples_hold_the_truth(copy, layout, split, part):
    root, truth = copy
    datamodule = make(root, layout=layout)
    source, table = datamodule.source(split), datamodule.table(split)
    assert len(source) == 2
    assert table.image_ids.tolist() == [50, 49]
    assert table.annotation_ids.tolist() == [900, 901]
    for row, labels in enumerate(truth[part]):
        sample = source[row]
        np.testing.assert_allclose(sample.box, labels.person.box, atol=1e-4)
        np.testing.assert_allclose(sample.dense_points, labels.points, atol=1e-4)
        x, y = (
            np.floor((labels.points[:, :2] - labels.person.box[:2]) / labels.person.box[2:] * 255 + 0.5).astype(int).T
        )
        near = np.rint(labels.points[:, :2]).astype(int).clip(0, np.array(coco.SIZE) - 1)
        agree = sample.dense_mask[near[:, 1], near[:, 0]] == labels.mask[y.clip(0, 255), x.clip(0, 255)]
        assert agree.mean() > 0.9  # up to half a pixel apart
        assert set(np.unique(sample.dense_mask)) == set(np.unique(labels.mask))
        focal = 48 / np.tan(np.pi / 6)
        np.testing.assert_allclose(sample.intrinsics[[0, 0, 1], [0, 2, 2]], [focal, 47.5, 35.5], rtol=1e-6)
        wanted = labels.person.pixels("coco17")
        positions = [SMPL29.index(joint) for joint in COCO17.joints]
        np.testing.assert_allclose(sample.joints_2d[positions], wanted, atol=1e-3)


def test_guessed_joints_are_halfway(copy):
    known = make(copy[0], pseudo_joints=False).table("train")
    assert known.joints_2d_valid.sum() == 2 * 17
    table = make(copy[0]).table("train")
    assert table.joints_2d_valid.all()
    at = {joint: table.joints_2d[:, SMPL29.index(joint)].astype(float) for joint in SMPL29.joints}
    pelvis, neck = (at["left_hip"] + at["right_hip"]) / 2, (at["left_shoulder"] + at["right_shoulder"]) / 2
    middle = (pelvis + neck) / 2
    wanted = {
        "pelvis": pelvis, "neck": neck, "head": (neck + at["nose"]) / 2, "spine1": (pelvis + middle) / 2,
        "spine2": middle, "spine3": middle, "left_collar": (middle + at["left_shoulder"]) / 2,
        "right_hand": at["right_wrist"], "left_foot": at["left_ankle"],
    }  # fmt: skip
    for joint, pixels in wanted.items():
        np.testing.assert_allclose(at[joint], pixels, atol=1e-4, err_msg=joint)


def test_a_guess_needs_both_of_its_joints(tmp_path):
    def without_a_hip(content):
        content["annotations"][0]["keypoints"][3 * COCO17.index("left_hip") + 2] = 0

    densepose.write(tmp_path, ("minival",), change=without_a_hip)
    valid = make(tmp_path).table("test").joints_2d_valid[0]
    missing = [joint for joint, there in zip(SMPL29.joints, valid, strict=True) if not there]
    assert missing == ["pelvis", "left_hip", "spine1", "spine2", "spine3", "left_collar", "right_collar"]


def test_training_can_have_valminusminival_too(copy):
    datamodule = make(copy[0], valminusminival=True)
    assert len(datamodule.table("train")) == 4
    labels = copy[1]["valminusminival"][1]
    np.testing.assert_allclose(datamodule.source("train")[3].dense_points, labels.points, atol=1e-4)
    assert datamodule.expected_samples("train") == 39210 + 7297


def test_photographs_may_lie_elsewhere(copy, tmp_path):
    densepose.write(tmp_path, ("minival",))
    (tmp_path / "val2014").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").rename(tmp_path / "images")
    with pytest.raises(FileNotFoundError, match=r"no val2014.*cocodataset"):
        make(tmp_path).table("test")
    datamodule = make(tmp_path, images=str(copy[0]))
    assert datamodule.source("test")[0].image.shape == (coco.SIZE[1], coco.SIZE[0], 3)


def maps_of(batch, size):
    """IUV maps that say the truth at the annotated points."""
    maps = torch.zeros(len(batch["image"]), 3, size, size)
    for row, (points, valid) in enumerate(zip(batch["dense_points"], batch["dense_points_valid"], strict=True)):
        for x, y, *iuv in points[valid].tolist():
            maps[row, :, round(y * size / CROPS.size), round(x * size / CROPS.size)] = torch.tensor(iuv)
    return maps


def scored(datamodule, people, maps=None):
    protocol = get_protocol(datamodule.protocol)
    task = build_task(protocol, datamodule.skeleton)
    task.prepare(datamodule.split_labels())
    for batch in datamodule.test_dataloader():
        batch = datamodule.on_after_batch_transfer(batch, 0)
        prediction = prediction_of(people, "smpl29")
        if maps is not None:
            prediction = replace(prediction, intermediates={"iuv": maps(batch)})
        task.update(prediction, batch)
    return task.compute()


def test_the_truth_scores_everything(copy):
    root, truth = copy
    people = [labels.person for labels in truth["minival"]]
    values = scored(make(root), people, lambda batch: maps_of(batch, CROPS.size))
    assert values["n"] == 2
    assert values["auc30"] > 95  # two points may lie in one cell


@pytest.mark.parametrize(
    "change",
    [
        lambda maps: maps.flip(-1),
        lambda maps: maps.mT,
        lambda maps: torch.cat([maps[:, :1] / 24, maps[:, 1:]], 1),
        lambda maps: torch.cat([maps[:, :1], maps[:, 1:] * 255], 1),
        lambda maps: torch.cat([(maps[:, :1] - 1).clamp(min=0), maps[:, 1:]], 1),
        lambda maps: maps.roll(2, -1),
        lambda maps: maps[:, [0, 2, 1]],
    ],
)
def test_mistakes_cost_points(copy, change):
    people = [labels.person for labels in copy[1]["minival"]]
    assert scored(make(copy[0]), people, lambda batch: change(maps_of(batch, CROPS.size)))["auc30"] < 75


def test_the_area_is_that_of_the_distances(copy, assets):
    """Maps that put everything at one place: the score follows from the table of distances alone."""
    root, truth = copy
    place, distance = assets[1]
    people = [labels.person for labels in truth["minival"]]

    def one_place(batch):
        return torch.tensor([2.0, 0.8, 0.2])[None, :, None, None].expand(2, 3, 8, 8)

    grid = np.array([[0.2, 0.2], [0.2, 0.8], [0.8, 0.2], [0.8, 0.8]])
    found = place[4 * (2 - 1) + 2]
    errors = []
    for labels in truth["minival"]:
        nearest = np.linalg.norm(labels.points[:, None, 3:] - grid, axis=-1).argmin(1)
        errors.append(distance[found, place[4 * (labels.points[:, 2].astype(int) - 1) + nearest]])
    for limit in (0.1, 0.3):
        area = 100 * np.maximum(0, 1 - np.concatenate(errors) / limit).mean()
        assert scored(make(root), people, one_place)[f"auc{round(100 * limit)}"] == pytest.approx(area, rel=1e-5)


def test_a_mesh_is_scored_by_what_the_camera_sees(assets, tmp_path):
    truth = densepose.write(tmp_path, ("minival",), body="smpl", charts=assets[0])["minival"]
    people = [labels.person for labels in truth]
    datamodule = make(tmp_path, crops=CropSettings(skeleton="smpl29", size=64, body="smpl"))
    table = datamodule.table("test")
    for row, person in enumerate(people):  # the mesh has to meet the image
        table.intrinsics[row] = person.camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]]
    assert scored(datamodule, people)["auc30"] > 97
    assert scored(datamodule, people[::-1])["auc30"] < 70


def test_meshes_of_other_bodies_are_refused(copy):
    people = [labels.person for labels in copy[1]["minival"]]
    with pytest.raises(ValueError, match="by a mesh of SMPL"):
        scored(make(copy[0]), people)


def test_cells_are_where_pixels_lie():
    maps = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, 3, 4, 4).contiguous()
    pixels = torch.tensor([[[0.0, 0.0], [3.4, 0.0], [3.5, 0.0], [15.4, 15.4], [15.5, 0.0], [-0.6, 0.0], [0.0, 8.0]]])
    assert sample_cells(maps, pixels, 16)[0, :, 0].tolist() == [0, 0, 1, 15, 0, 0, 8]


def test_distances_are_read_as_pairs(assets):
    distance = assets[1][1]
    surface = load_surface()
    first, second = np.meshgrid(np.arange(95), np.arange(95))
    found = surface.geodesic_distance(first.reshape(-1), second.reshape(-1)).reshape(95, 95)
    np.testing.assert_allclose(found, distance.T, atol=1e-6)
    assert surface.geodesic_distance(np.array([-1, 3]), np.array([5, -1])).tolist() == [np.inf, np.inf]
    seam = surface.nearest(np.array([1, 2, 0]), np.array([[0.9, 0.9], [0.0, 0.1], [0.5, 0.5]]))
    assert seam.tolist() == [3, 3, -1]


def test_mirrored_training_samples_have_mirrored_points(copy):
    datamodule = make(copy[0], crops=LOOSE)
    row = datamodule.dataset("train")[0]
    labels = copy[1]["train"][0]
    sides = [0, 1, 2, *(part + 1 if part % 2 else part - 1 for part in range(3, 25))]
    count = len(labels.points)
    assert row["dense_points"][:count, 2].tolist() == [sides[int(part)] for part in labels.points[:, 2]]
    assert bool(row["dense_mask_valid"])


class Exploit:
    def __reduce__(self):
        return os.getcwd, ()


def test_damage_is_explained(copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is it the right folder.*get_DensePose_COCO"):
        make(tmp_path).table("test")
    path = tmp_path / "densepose_coco_2014_minival.json"
    whole = (copy[0] / path.name).read_text()
    path.write_text(whole[:-100])
    with pytest.raises(ValueError, match=r"minival.json is not whole JSON"):
        make(tmp_path).table("test")
    for old, new in (('"dp_U"', '"dp_W"'), ('"size": [256, 256]', '"size": [255, 256]')):
        path.write_text(whole.replace(old, new))
        with pytest.raises(ValueError, match=r"minival.json: the DensePose labels of person 0 are damaged"):
            make(tmp_path, images=str(copy[0])).table("test")
    for content in ([Exploit()], [{"bbox": [1, 2, 3, 4]}]):
        arrays = dict(np.load(copy[0] / "dp_coco_2014_minival.npz", allow_pickle=True))
        arrays["dp_annot"] = np.empty(1, object)
        arrays["dp_annot"][:] = content
        np.savez(tmp_path / "dp_coco_2014_minival.npz", **{k: v[:1] for k, v in arrays.items()})
        with pytest.raises(ValueError, match="damaged"):
            make(tmp_path, layout="danet").table("test")
    with pytest.raises(ValueError, match="no layout "):
        make(tmp_path, layout="3dmppe")
    with pytest.raises(ValueError, match="2 of the 2243"):
        make(copy[0]).check_test_split()


def test_missing_tables_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"SMPL_subdiv.mat.*Pdist_matrix.mat.*get_eval_data.sh"):
        load_surface()
    densepose.write_surface(tmp_path)
    (tmp_path / "densepose" / "Pdist_matrix.mat").write_bytes(b"MATLAB 7.3")
    with pytest.raises(ValueError, match=r"Pdist_matrix.mat"):
        load_surface()


def test_the_command_line_trains_and_tests(assets, copy, tmp_path):
    logged = fit_and_test(
        "datamodules.densepose.DensePoseCocoDataModule", copy[0], tmp_path, "densepose-points",
        crops={"skeleton": "smpl29", "body": "smpl"}, model={"skeleton": "smpl29", "body": "smpl"},
    )  # fmt: skip
    assert logged["test/n"] == 2
    assert 0 <= logged["test/auc30"] < 50
