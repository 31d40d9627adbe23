"""The papers' trainings, on fake benchmarks in the layout of the real ones, through the real command line."""

import pytest
import torch
from fake import coco, freihand, human36m, mpii, muco, pw3d, surreal
from fake.assets import write_mano, write_smpl

from zoo.cli import main
from zoo.resources import list_configs

SMALL = {
    "model": {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8, "pretrained": "false"},
    "data": {"crops.size": 64, "batch_size": 2, "num_workers": 0},
    "trainer": {"accelerator": "cpu", "max_steps": 2, "log_every_n_steps": 1, "limit_val_batches": "1"},
}
RUNS = [
    ["i2l_meshnet/h36m_coco", "--trainer.precision", "bf16-mixed"],
    ["i2l_meshnet/h36m_muco_coco"],
    ["i2l_meshnet/freihand"],
    ["i2l_meshnet/surreal"],
    ["i2l_meshnet/ablation", "--model.mesh_head", "lixel_pooled", "--model.mesh_bins", "8"],
    ["rootnet/h36m_mpii"],
]
SECOND_STAGE = {"i2l_meshnet/h36m_muco_coco": "i2l_meshnet/h36m_muco_coco_param"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder that all runs share, as a user's would be, beside a whole `$ZOO_ASSETS`."""
    path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        assets = write_smpl(path / "assets", patch, ("neutral", "male", "female"))
        write_mano(assets, patch)
        benchmarks = assets / "benchmarks"
        human36m.write_moon(
            benchmarks / "human36m", subjects=(1, 5, 6, 7, 8, 9, 11), fitted=(1, 5, 6, 7, 8), cameras=(4,)
        )
        people = coco.write(benchmarks / "coco", body="smpl")
        coco.write_fits(benchmarks / "coco", people["train2017"])
        (benchmarks / "freihand").mkdir(parents=True)
        freihand.write(benchmarks / "freihand")
        muco.write(benchmarks / "muco")
        pw3d.write(benchmarks / "3dpw")
        surreal.write(benchmarks / "surreal")
        mpii.write_release(benchmarks / "mpii")
        patch.chdir(path)
        patch.setenv("ZOO_CACHE", str(path / "cache"))
        yield path


def train(folder, name, *options):
    small = [f"--{part}.{key}={value}" for part, settings in SMALL.items() for key, value in settings.items()]
    own = [option for option in small if "param" not in name or "pretrained" not in option]
    assert main(["fit", "--config", name, *own, *options]) == 0
    saved = torch.load(folder / f"outputs/{name}/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 2
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run[0])
def test_the_trainings_of_the_papers_run(run, folder):
    train(folder, *run)
    if run[0] in SECOND_STAGE:  # it starts from what the first one wrote
        train(folder, SECOND_STAGE[run[0]])


def test_every_configuration_is_run_or_shipped_with_weights():
    shipped = {name for name in list_configs() if name.partition("/")[0] in ("i2l_meshnet", "rootnet")}
    assert shipped == {"i2l_meshnet/open_tiny", *(run[0] for run in RUNS), *SECOND_STAGE.values()}


def test_missing_and_damaged_data_are_one_line(folder, capsys, monkeypatch):
    command = ["fit", "--config", "i2l_meshnet/ablation", "--trainer.accelerator", "cpu", "--model.pretrained", "false"]
    assert main([*command, "--data.root", str(folder / "nowhere")]) == 2
    assert "nowhere: no such folder. Make an account" in capsys.readouterr().err
    broken = folder / "broken"
    human36m.write_moon(broken, subjects=(1,), images=False)
    file = broken / "annotations" / "Human36M_subject1_data.json"
    file.write_text(file.read_text()[:1000])
    assert main([*command, "--data.root", str(broken), "--data.train_subjects", "[1]"]) == 2
    message = capsys.readouterr().err
    assert str(file) in message
    assert len(message.strip().splitlines()) == 1
