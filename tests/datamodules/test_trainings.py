"""The papers' trainings, on fake benchmarks in the layout of the real ones, through the real command line."""

import shutil

import numpy as np
import pytest
import torch
import yaml
from fake import coco, freihand, human36m, mpii, muco, pw3d, surreal, up3d
from fake.assets import write_mano, write_smpl
from flat_settings import typed

from datamodules.human36m import Human36MDataModule
from datamodules.pw3d import Pw3dDataModule
from datamodules.readers.root_file import read_root_file
from datamodules.settings import CropSettings
from zoo.cli import main
from zoo.documents.configs import flatten, read_config
from zoo.documents.resources import find_config, list_configs

MODELS = {
    "i2l_meshnet": {"head_channels": 8},
    "rootnet": {"head_channels": 8},
    "hemlets": {
        "head_channels": 8,
        "feature_channels": 8,
        "hidden_channels": 8,
        "depth_bins": 8,
        "regressor_channels": 8,
    },
}
SMALL = {
    "data": {"batch_size": 2, "num_workers": 0},
    "trainer": {"accelerator": "cpu", "max_steps": 2, "log_every_n_steps": 1, "limit_val_batches": "1"},
}
RUNS = [
    ["i2l_meshnet/h36m_coco", "--trainer.precision", "bf16-mixed"],
    ["i2l_meshnet/h36m_muco_coco"],
    ["i2l_meshnet/freihand"],
    ["i2l_meshnet/surreal"],
    ["i2l_meshnet/ablation", "--model.network.mesh_head", "lixel_pooled", "--model.network.mesh_bins", "8"],
    ["hemlets/pw3d"],
    ["hemlets/surreal"],
    ["hemlets/up3d"],
]
TRAINED_BELOW = "rootnet/h36m_mpii"
WITH_ROOTNETS_FILE = {"i2l_meshnet/h36m_rootnet": Human36MDataModule, "i2l_meshnet/pw3d_rootnet": Pw3dDataModule}
SECOND_STAGE = {"i2l_meshnet/h36m_muco_coco": "i2l_meshnet/h36m_muco_coco_param"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder that all runs share, as a user's would be, beside a whole `$ZOO_ASSETS`."""
    path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        assets = write_smpl(path / "assets", patch, ("neutral", "male", "female"))
        write_mano(assets, patch)
        benchmarks = assets / "benchmarks"
        human36m.write_3dmppe(
            benchmarks / "human36m", subjects=(1, 5, 6, 7, 8, 9, 11), fitted=(1, 5, 6, 7, 8), cameras=(4,)
        )
        people = coco.write(benchmarks / "coco", ("train2017", "val2017"), body="smpl")
        coco.write_fits(benchmarks / "coco", people["train2017"])
        (benchmarks / "freihand").mkdir(parents=True)
        freihand.write(benchmarks / "freihand")
        muco.write(benchmarks / "muco")
        pw3d.write(benchmarks / "3dpw")
        surreal.write(benchmarks / "surreal")
        mpii.write_release(benchmarks / "mpii")
        up3d.write(benchmarks / "up3d", body="smpl")
        patch.chdir(path)
        patch.setenv("ZOO_CACHE", str(path / "cache"))
        yield path


def train(folder, name, *options):
    model = {"backbone": "resnet18_tiny", "crop_size": 64} | MODELS[name.partition("/")[0]]
    model |= {} if "param" in name else {"pretrained": "false"}
    small = [f"--{part}.{key}={value}" for part, values in SMALL.items() for key, value in values.items()]
    assert main(["fit", "--config", name, *typed(name, model), *small, *options]) == 0
    saved = torch.load(folder / f"outputs/{name}/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 2
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run[0])
def test_the_trainings_of_the_papers_run(run, folder):
    train(folder, *run)
    if run[0] in SECOND_STAGE:  # it starts from what the first one wrote
        train(folder, SECOND_STAGE[run[0]])
    shutil.rmtree(folder / "outputs")


def test_every_configuration_is_run_or_shipped_with_weights():
    shipped = {name for name in list_configs() if name.partition("/")[0] in ("i2l_meshnet", "rootnet")}
    shipped -= {"i2l_meshnet/lsp"}  # an evaluation, see test_lsp_configs
    shipped -= {"i2l_meshnet/open_ablation"}  # see test_reproduction
    shipped -= {
        *WITH_ROOTNETS_FILE,
        "i2l_meshnet/freihand_submission",
    }  # tests of weights; see below, and test_freihand
    run = {
        "i2l_meshnet/open",
        "i2l_meshnet/open_tiny",
        TRAINED_BELOW,
        *(run[0] for run in RUNS),
        *SECOND_STAGE.values(),
    }
    assert shipped == {name for name in run if not name.startswith("hemlets/")}


def test_rootnets_file_comes_from_a_configuration():
    """Boxes and root depths of the papers' tests; what is given as an option is a property of the datamodule."""
    for name, benchmark in WITH_ROOTNETS_FILE.items():
        settings = flatten(read_config(find_config(name)))
        assert settings["model.init_args.root_depth"] == "rootnet"
        evaluated = {key.rpartition(".")[2]: value for key, value in settings.items() if ".evaluated." in key}
        assert evaluated.pop("class_path").endswith(benchmark.__name__)
        assert benchmark(**evaluated).detections == evaluated["detections"]


def test_missing_and_damaged_data_are_one_line(folder, capsys, monkeypatch):
    command = ["fit", "--config", "i2l_meshnet/ablation", "--trainer.accelerator", "cpu", "--model.pretrained", "false"]
    assert main([*command, "--data.root", str(folder / "nowhere")]) == 2
    assert "nowhere: no such folder. Make an account" in capsys.readouterr().err
    broken = folder / "broken"
    human36m.write_3dmppe(broken, subjects=(1,), images=False)
    file = broken / "annotations" / "Human36M_subject1_data.json"
    file.write_text(file.read_text()[:1000])
    assert main([*command, "--data.root", str(broken), "--data.train_subjects", "[1]"]) == 2
    message = capsys.readouterr().err
    assert str(file) in message
    assert len(message.strip().splitlines()) == 1


def test_rootnet_writes_the_file_that_other_methods_are_tested_with(folder):
    train(folder, TRAINED_BELOW)
    config = {
        "model": {"class_path": "lightning_modules.rootnet.module.RootNetModule",
                  "init_args": {"network": {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8},
                                "skeleton": "h36m17", "protocol": "h36m-p2-root"}},
        "data": {"class_path": "datamodules.human36m.Human36MDataModule",
                 "init_args": {"layout": "3dmppe", "batch_size": 16, "num_workers": 0}},
        "trainer": {"accelerator": "cpu", "default_root_dir": str(folder / "roots"),
                    "callbacks": [{"class_path": "lightning_modules.rootnet.writer.RootFileWriter",
                                   "init_args": {"benchmark": "human36m"}}]},
    }  # fmt: skip
    (folder / "roots.yaml").write_text(yaml.safe_dump(config))
    last = folder / f"outputs/{TRAINED_BELOW}/checkpoints/last.ckpt"
    assert main(["predict", "--config", str(folder / "roots.yaml"), "--ckpt_path", str(last)]) == 0
    results = read_root_file(folder / "roots" / "bbox_root_human36m_output.json", "human36m")
    crops = CropSettings("h36m17", size=64)
    plain = Human36MDataModule(layout="3dmppe", protocol="h36m-p2-root", crops=crops)
    fed = Human36MDataModule(layout="3dmppe", protocol="h36m-p2-root", crops=crops,
                             detections=str(folder / "roots" / "bbox_root_human36m_output.json"))  # fmt: skip
    assert len(results) == len(plain.table("test")) > 0
    np.testing.assert_allclose(
        fed.table("test").boxes[:, 2:].max(1), plain.table("test").boxes[:, 2:].max(1), rtol=1e-4
    )
    np.testing.assert_allclose(fed.table("test").root_depths, [result.root[2] for result in results], rtol=1e-6)
    assert fed.dataset("test")[0]["estimated_root_depth"] == pytest.approx(results[0].root[2], rel=1e-6)
