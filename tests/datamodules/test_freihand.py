"""FreiHAND, in its authors' files and in I2L-MeshNet's."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from fake import freihand
from fake.assets import write_mano
from fake.oracle import score
from fake.run import fit_and_test

from body.camera import square_box
from body.skeleton import MANO21
from datamodules.augment import Augmentation
from datamodules.freihand import FreiHandWriter
from datamodules.freihand.datamodule import HAND_CROPS, FreiHandDataModule
from datamodules.freihand.submission import write_submission
from datamodules.settings import CropSettings
from tests.unchecked import unchecked
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config

CROPS = replace(HAND_CROPS, size=48)
GOLDEN = Path(__file__).parents[1] / "golden" / "i2l_meshnet_freihand_inputs.npz"


@pytest.fixture(scope="module", autouse=True)
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield write_mano(tmp_path_factory.mktemp("assets"), patch)


@pytest.fixture(scope="module")
def copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("freihand")
    truth = freihand.write(root)
    freihand.write_3dmppe(root, truth)
    return root, truth


def make(root, **options):
    return unchecked(FreiHandDataModule, str(root), **{"crops": CROPS, "batch_size": 2, "num_workers": 0} | options)


@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
@pytest.mark.parametrize(("split", "part", "copies"), [("train", "training", 4), ("test", "evaluation", 1)])
def test_tables_hold_the_truth(copy, layout, split, part, copies):
    root, truth = copy
    table, hands = make(root, layout=layout).table(split), truth[part] * copies
    assert len(table) == len(hands)
    for row, hand in enumerate(hands):
        assert table.images[row] == f"{part}/rgb/{row:08d}.jpg"
        assert (root / table.images[row]).is_file()
        np.testing.assert_allclose(table.joints[row], hand.joints("mano21"), atol=1e-6)
        np.testing.assert_allclose(table.pose[row], freihand.own_pose(hand), atol=1e-6)
        np.testing.assert_allclose(table.betas[row], hand.betas, atol=1e-6)
        np.testing.assert_allclose(table.transl[row], hand.transl, atol=1e-5)
        camera = hand.camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]]
        np.testing.assert_allclose(table.intrinsics[row], camera, rtol=1e-6)
        x, y, width, height = freihand.box(hand)
        wanted = [x, y, width - (split == "train"), height - (split == "train")]  # cut boxes end at a pixel
        np.testing.assert_allclose(table.boxes[row], wanted, atol=1e-3)
        assert table.frames[row] == row % len(truth[part])
    if layout == "raw":
        assert [table.sequences[row] for row in (0, len(hands) - 1)] == ["gs", "auto" if copies == 4 else "gs"]


def test_photographs_are_those_of_their_version(copy):
    dataset = make(copy[0]).source("train")
    shades = [int(np.median(dataset[row].image[:4])) for row in range(8)]
    np.testing.assert_allclose(shades, np.repeat([90, 120, 150, 180], 2), atol=2)
    assert len(make(copy[0], versions=1).table("train")) == 2
    assert make(copy[0], versions=2).table("train").images[3] == "training/rgb/00000003.jpg"


@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
def test_the_truth_scores_nothing(copy, layout):
    root, truth = copy
    values = score(make(root, layout=layout), truth["evaluation"])
    assert values["n"] == 3
    assert max(values[name] for name in ("mpjpe", "pve", "pa_mpjpe", "pa_pve")) < 0.01, values
    assert len(values) > 10  # the mesh is scored too
    assert values["f5"] == pytest.approx(1)
    assert values["kp_auc"] == pytest.approx(1, abs=1e-3)


def millimetres(name, content):
    return (1000 * np.array(content)).tolist() if name == "evaluation_xyz" else content


def with_the_mean_hand(name, content):
    if name != "evaluation_mano":
        return content
    mean = freihand.body_called("mano").mean_pose.numpy().reshape(-1)
    return [[(np.array(row[0]) + np.pad(mean, (0, 13))).tolist()] for row in content]


def next_pose(name, content):
    return content[1:] + content[:1] if name in ("evaluation_xyz", "evaluation_mano") else content


def shape_first(name, content):
    return [[row[0][48:58] + row[0][:48] + row[0][58:]] for row in content] if name == "evaluation_mano" else content


def column_order(name, content):
    if name != "evaluation_xyz":
        return content
    return [np.array(points).T.reshape(21, 3).tolist() for points in content]


@pytest.mark.parametrize("change", [millimetres, with_the_mean_hand, next_pose, shape_first, column_order])
def test_wrong_files_do_not_pass_for_the_truth(tmp_path, change):
    truth = freihand.write(tmp_path, change)
    values = score(make(tmp_path), truth["evaluation"])
    assert max(values["mpjpe"], values["pve"]) > 2, values


def test_hands_of_the_golden_file_are_read(tmp_path):
    """Inputs of I2L-MeshNet's released dataset class, by way of its files."""
    with np.load(GOLDEN) as stored:
        pose, shape, trans, focal, centre, window = (
            stored[key] for key in ("pose", "shape", "trans", "focal", "princpt", "bbox_processed")
        )
    side = window[2] / 1.25
    corner = window[:2] + (window[2:] - side) / 2
    images = [{"id": 5, "file_name": "rgb/00000000.jpg", "width": 224, "height": 224, "db_idx": 9}]
    people = [{"id": 1, "image_id": 5, "bbox": [*corner.tolist(), side + 1, side + 1]}]
    (tmp_path / "freihand_train_coco.json").write_text(json.dumps({"images": images, "annotations": people}))
    parameters = {"pose": pose.tolist(), "shape": shape.tolist(), "trans": trans.tolist()}
    camera = {"focal": focal.tolist(), "princpt": centre.tolist()}
    hand = {"cam_param": camera, "mano_param": parameters, "joint_3d": np.zeros((21, 3)).tolist()}
    (tmp_path / "freihand_train_data.json").write_text(json.dumps({"9": hand}))
    (tmp_path / "training" / "rgb").mkdir(parents=True)
    table = make(tmp_path, layout="3dmppe").table("train")
    np.testing.assert_allclose(table.pose[0].reshape(-1), pose, atol=1e-6)
    np.testing.assert_allclose(table.betas[0], shape, atol=1e-6)
    np.testing.assert_allclose(table.transl[0], trans, atol=1e-6)
    np.testing.assert_allclose(table.intrinsics[0], [*focal, *centre], rtol=1e-6)
    np.testing.assert_allclose(square_box(torch.from_numpy(table.boxes[0])).numpy(), window, rtol=1e-5)


def test_detections_bring_boxes_and_roots(copy, tmp_path):
    root, truth = copy
    hands = truth["evaluation"]
    table = make(root, detections=freihand.write_detections(root, hands)).table("test")
    np.testing.assert_allclose(table.boxes, [[20 + row, 30, 80, 80] for row in range(3)])
    np.testing.assert_allclose(table.joints[0], hands[0].joints("mano21"), atol=1e-6)
    for path in ("evaluation_K.json", "freihand_eval_coco.json", "freihand_eval_data.json"):
        (tmp_path / path).write_bytes((root / path).read_bytes())
    (tmp_path / "evaluation" / "rgb").mkdir(parents=True)
    name = freihand.write_detections(tmp_path, hands, first=70)
    datamodule = make(tmp_path, layout="3dmppe", detections=name)
    table = datamodule.table("test")
    np.testing.assert_allclose(table.joints[:, 0], [hand.joints("mano21")[0] for hand in hands], atol=1e-6)
    assert table.joints_valid.sum() == 3
    with pytest.raises(ValueError, match=r"no evaluation_xyz.json"):
        score(datamodule, hands)
    with pytest.raises(ValueError, match="no box for image"):
        make(tmp_path, detections=name).table("test")
    assert make(tmp_path).table("test").boxes.tolist() == [[0, 0, 224, 224]] * 3


def test_hands_are_never_mirrored(copy):
    with pytest.raises(ValueError, match="mirrored right hand"):
        make(copy[0], crops=CropSettings(skeleton="mano21", body="mano"))
    with pytest.raises(ValueError, match="mirrored right hand"):
        make(copy[0], crops=replace(CROPS, augmentation=Augmentation(flip_probability=0.1)))
    assert make(copy[0], crops=replace(CROPS, augmentation=None)).dataset("train")[0]["pose"].shape == (16, 3)


def test_training_samples_stay_together(copy):
    """After rotation and scaling the mesh is still where the joints are."""
    datamodule = make(copy[0], batch_size=8)
    batch = datamodule.on_after_batch_transfer(next(iter(datamodule.train_dataloader())), 0)
    for name, vertex in freihand.body_called("mano").landmarks.items():
        tips = batch["joints"][:, MANO21.index(name)]
        torch.testing.assert_close(batch["vertices"][:, vertex], tips, atol=2e-5, rtol=0)


def test_without_mano_there_are_joints(copy):
    table = make(copy[0], crops=replace(CROPS, body="open")).table("train")
    assert table.pose is None
    assert table.joints_valid.all()


def test_damage_is_explained(copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no training/rgb: is it the right folder.*lmb.informatik"):
        make(tmp_path).table("train")
    freihand.write(tmp_path, versions=1)
    with pytest.raises(FileNotFoundError, match=r"00000002.jpg is not there"):
        make(tmp_path).dataset("train")[2]
    path = tmp_path / "training_mano.json"
    whole = path.read_text()
    path.write_text(whole[:-50])
    with pytest.raises(ValueError, match=r"training_mano.json is not whole JSON"):
        make(tmp_path).table("train")
    path.write_text(json.dumps(json.loads(whole)[:1]))
    with pytest.raises(ValueError, match="fewer poses"):
        make(tmp_path).table("train")
    path.write_text("[[1, 2], [3]]")
    with pytest.raises(ValueError, match=r"training_mano.json is not a list of 61 numbers"):
        make(tmp_path).table("train")
    with pytest.raises(FileNotFoundError, match=r"freihand_train_coco.json"):
        make(tmp_path, layout="3dmppe").table("train")
    freihand.write_3dmppe(tmp_path, copy[1])
    (tmp_path / "freihand_train_data.json").write_text("{}")
    with pytest.raises(ValueError, match="nothing about db_idx 0"):
        make(tmp_path, layout="3dmppe").table("train")
    with pytest.raises(ValueError, match="3 of the 3960"):
        make(copy[0]).check_test_split()
    for wrong in ({"layout": "spin"}, {"versions": 5}):
        with pytest.raises(ValueError, match=r"1 to 4 versions|no layout"):
            make(copy[0], **wrong)


def test_submissions_are_what_the_server_takes(tmp_path):
    rng = np.random.default_rng(0)
    joints, vertices = rng.normal(size=(4, 21, 3)), rng.normal(size=(4, 778, 3))
    path = tmp_path / "made" / "pred.json"
    write_submission(path, joints, vertices)
    first, second = json.loads(path.read_text())
    np.testing.assert_array_equal(first, joints)
    np.testing.assert_array_equal(second, vertices)
    with pytest.raises(ValueError, match="joints of 3 images"):
        write_submission(path, joints[:3], vertices)
    joints[0, 0, 0] = np.nan
    with pytest.raises(ValueError):
        write_submission(path, joints, vertices)
    assert [file.name for file in path.parent.iterdir()] == ["pred.json"]


class Hands(pl.LightningModule):
    """Predicts numbers that say which image they are of."""

    def predict_step(self, batch, batch_idx):
        """Joints and vertices that are all `index`."""
        number = batch["index"].float()[:, None, None]
        return SimpleNamespace(joints=number.expand(-1, 21, 3), vertices=number.expand(-1, 778, 3))


def test_predictions_are_written_in_the_order_of_the_images(tmp_path):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = pl.Trainer(accelerator="cpu", default_root_dir=tmp_path, callbacks=[FreiHandWriter()], **quiet)
    batches = [{"index": torch.tensor([3, 1])}, {"index": torch.tensor([2, 0])}]
    trainer.predict(Hands(), torch.utils.data.DataLoader(batches, batch_size=None))
    joints, vertices = map(np.array, json.loads((tmp_path / "pred.json").read_text()))
    assert joints.shape == (4, 21, 3)
    assert vertices.shape == (4, 778, 3)
    assert joints[:, 0, 0].tolist() == vertices[:, 0, 0].tolist() == [0, 1, 2, 3]
    settings = read_config(find_config("i2l_meshnet/freihand_submission"))
    (callback,) = settings["trainer"]["callbacks"]
    assert callback["class_path"] == f"datamodules.freihand.{FreiHandWriter.__name__}"


def test_the_command_line_trains_and_tests(copy, tmp_path):
    crops = {"skeleton": "mano21", "body": "mano", "augmentation": {"flip_probability": 0.0}}
    logged = fit_and_test(
        "datamodules.freihand.FreiHandDataModule", copy[0], tmp_path, "freihand-eval", crops=crops,
        model={"skeleton": "mano21", "body": "mano", "depth_range": 0.3},
    )  # fmt: skip
    assert logged["test/n"] == 3
    assert logged["test/pa_mpjpe"] > 1
