"""The real method on a very small open benchmark: trained, evaluated and shown through the real command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.settings import CropSettings
from datamodules.synthetic import SyntheticDataModule
from zoo.cli import main
from zoo.errors import ZooError
from zoo.prediction.demo import crop_intrinsics, predict_samples, write_demo_images
from zoo.prediction.placement import place_on_joints
from zoo.results.baseline import measure_baseline, open_mean_pose
from zoo.results.open_benchmark import measure
from zoo.results.result import WeightsIdentity

SMALL = {"train_samples": 4, "val_samples": 2, "test_samples": 4, "image_size": 96, "batch_size": 2, "num_workers": 0}
SMALL |= {"generator_workers": 1}
MODEL = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def datamodule(cache):
    made = SyntheticDataModule(**SMALL, crops=CropSettings(size=64), cache_dir=str(cache))
    made.prepare_data()
    made.setup("test")
    return made


def options(cache: Path) -> list[str]:
    settings = {f"--data.{k}": v for k, v in SMALL.items()} | {f"--model.network.{k}": v for k, v in MODEL.items()}
    settings |= {"--data.cache_dir": cache, "--trainer.accelerator": "cpu"}
    return ["--config", "i2l_meshnet/open_tiny", *(f"{key}={value}" for key, value in settings.items())]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_fit_then_test_through_the_command_line(cache, tmp_path, monkeypatch, capsys, precision):
    monkeypatch.chdir(tmp_path)
    argv = [*options(cache), "--trainer.precision", precision]
    assert main(["fit", *argv, "--trainer.max_steps", "2", "--trainer.val_check_interval", "2"]) == 0
    assert "val/mpjpe" in capsys.readouterr().out
    last = Path("outputs/i2l_meshnet/open_tiny/checkpoints/last.ckpt")
    content = torch.load(last, weights_only=True)
    assert content["global_step"] == 2
    assert content["hyper_parameters"]["network"]["crop_size"] == 64
    assert not [name for name in content["state_dict"] if "regressor" in name or "template" in name]
    assert main(["test", *argv, "--ckpt_path", str(last), "--json"]) == 0
    document, shown = capsys.readouterr()
    assert json.loads(document)["values"]["mpjpe"] > 0
    assert "No result is stored: the data are not the test split" in shown
    assert "open-v1, PARTIAL, root depth: box" in shown
    assert "MPJPE mm" in shown
    assert not Path("results").exists()


def test_predict_through_lightning_writes_arrays(cache, tmp_path, monkeypatch, listed):
    monkeypatch.chdir(tmp_path)
    assert main(["predict", *options(cache), "--weights", "i2l_meshnet"]) == 0
    files = sorted(Path("outputs/i2l_meshnet/open_tiny/predictions").iterdir())
    arrays = [np.load(path, allow_pickle=False) for path in files]
    assert np.concatenate([a["index"] for a in arrays]).tolist() == [0, 1, 2, 3]
    assert arrays[0]["joints"].shape == (2, 29, 3)
    assert str(arrays[0]["skeleton"]) == "smpl29"


def test_a_result_needs_the_benchmark_s_own_split(small_model, datamodule):
    with pytest.raises(ZooError, match="not the test split that protocol open-v1 means"):
        measure(small_model, datamodule, WeightsIdentity("i2l_meshnet.small", "0" * 64), "zoo demo")


def test_pictures_of_the_demo(small_model, datamodule, tmp_path):
    shown = predict_samples(small_model, datamodule, (0, 3))
    paths = write_demo_images(shown, datamodule, tmp_path, "i2l_meshnet.small")
    names = {path.name for path in paths}
    assert {"contact_sheet.png", "sample.png", "sample_overlay.png", "sample.html", "sample.json"} <= names
    from PIL import Image

    sheet = np.asarray(Image.open(tmp_path / "contact_sheet.png"))
    assert sheet.shape == (28 + 2 * 256, 6 * 256, 3)
    truth = sheet[28:, 512:768].astype(int) - sheet[28:, :256]
    assert (np.abs(truth).max(-1) > 20).mean() > 0.01  # somebody is drawn over the photograph
    record = json.loads((tmp_path / "sample.json").read_text())
    assert record["camera"]["source"] == "given"


def test_the_demo_draws_bodies_where_predict_puts_them(small_model, datamodule, monkeypatch):
    shown = predict_samples(small_model, datamodule, (0, 3))
    assert shown.shown is shown.prediction  # this method's bodies have their joints' places
    monkeypatch.setattr(type(small_model), "placing_regressor", small_model.network.joint_regressor)
    moved = predict_samples(small_model, datamodule, (0, 3)).shown
    expected = place_on_joints(shown.prediction, small_model.network.joint_regressor, shown.batch["intrinsics"])
    torch.testing.assert_close(moved.vertices, expected.vertices)


def test_the_camera_of_a_crop_projects_to_the_batch_s_own_pixels(datamodule, small_model):
    batch = predict_samples(small_model, datamodule, (0, 1)).batch
    for number in range(2):
        flat = batch["joints"][number].double().numpy() @ crop_intrinsics(batch, number).T
        np.testing.assert_allclose(flat[:, :2] / flat[:, 2:], batch["joints_2d"][number].numpy(), atol=1e-2)


def test_the_mean_pose_is_the_mean_of_the_training_people(datamodule):
    mean = open_mean_pose(people=4)
    source = datamodule.source("train")
    joints = np.stack([source[i].joints[:24] for i in range(4)])  # the body's own skeleton comes first
    np.testing.assert_allclose(mean.joints.numpy(), (joints - joints[:, :1]).mean(0), atol=2e-3)
    values = measure_baseline(mean, datamodule)
    assert values["n"] == 4
    assert 50 < values["mpjpe"] < 1000
    assert values["pa_mpjpe"] < values["mpjpe"]
    betas = np.stack([source[i].smpl.betas for i in range(4)])
    np.testing.assert_allclose(mean.smpl.betas.numpy(), betas.mean(0), atol=1e-3)
    parts = measure_baseline(mean, datamodule, "open-v1-body")
    assert 0 < parts["pve_s"] < parts["pve_p"]
