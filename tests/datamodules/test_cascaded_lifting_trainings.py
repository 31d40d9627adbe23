"""Every configuration of Cascaded Dimension-Lifting on fake benchmarks in the real layout, through the command line."""

import shutil

import pytest
import torch
from fake import coco, human36m, mpii, muco, mupots
from fake.assets import write_smpl
from pytorch_lightning.cli import instantiate_module

from lightning_modules.cascaded_lifting.losses import SUPERVISION
from lightning_modules.cascaded_lifting.module import CascadedLiftingModule
from zoo.cli import main
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config, list_configs

SMALL = [
    "--model.network.backbone", "resnet18_tiny", "--model.network.crop_size", "64",
    "--model.network.head_channels", "8", "--model.network.branch_channels", "8",
    "--model.network.lifting_channels", "16", "--model.network.lifting_blocks", "1",
    "--data.batch_size", "4", "--data.num_workers", "0", "--trainer.accelerator", "cpu",
]  # fmt: skip
SHORT = ["--trainer.max_steps", "2", "--trainer.log_every_n_steps", "1", "--trainer.limit_val_batches", "1"]
FIRST = ["--model.pretrained", "false"]
RUNS = {
    "h36m_mpii": [*FIRST, "--model.losses.supervision", next(iter(SUPERVISION))],
    "h36m_mpii_thin": FIRST,
    "muco_coco": FIRST,
}
SECOND_STAGES = {
    "h36m_mpii": ("h36m_mpii_lifting", ["--model.losses.supervision", next(iter(SUPERVISION))]),
    "muco_coco": ("muco_coco_lifting", []),
}
SHIPPED = ("open", "open_cascade", "open_tiny", "open_tiny_cascade")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder that all runs share, as a user's would be, beside `$ZOO_ASSETS`."""
    path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        benchmarks = write_smpl(path / "assets", patch, ("neutral", "male", "female")) / "benchmarks"
        human36m.write_3dmppe(benchmarks / "human36m", subjects=(1, 5, 6, 7, 8, 9, 11), fitted=(), cameras=(4,))
        mpii.write_release(benchmarks / "mpii")
        coco.write(benchmarks / "coco", ("train2017", "val2017"))
        muco.write(benchmarks / "muco")
        mupots.write(benchmarks / "mupots")
        patch.setenv("ZOO_CACHE", str(path / "cache"))
        patch.chdir(path)
        yield path


def train(folder, name, options):
    assert main(["fit", "--config", f"cascaded_lifting/{name}", *SMALL, *SHORT, *options]) == 0
    saved = torch.load(folder / f"outputs/cascaded_lifting/{name}/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 2
    assert all(value.isfinite().all() for value in saved["state_dict"].values())
    assert saved["state_dict"]["network.statistics.seen"].max() > 0


@pytest.mark.parametrize("name", RUNS)
def test_the_trainings_of_the_paper_run(name, folder):
    train(folder, name, RUNS[name])
    if name in SECOND_STAGES:  # they go on from what the first stage wrote
        train(folder, *SECOND_STAGES[name])
    if name == "muco_coco":
        last = folder / "outputs/cascaded_lifting/muco_coco_lifting/checkpoints/last.ckpt"
        options = ["--ckpt_path", str(last), "--results", str(folder / "results")]
        assert main(["test", "--config", "cascaded_lifting/mupots", *SMALL, *options]) == 0
        assert len(list((folder / "outputs").rglob("preds_3d_kpt_mupots.mat"))) == 1  # for the authors' script
    shutil.rmtree(folder / "outputs")


def test_every_configuration_is_run_or_shipped_with_weights():
    found = {name.partition("/")[2] for name in list_configs() if name.startswith("cascaded_lifting/")}
    found = {name for name in found if "open_ablation" not in name}  # see test_reproduction
    assert found == {*RUNS, *(name for name, _ in SECOND_STAGES.values()), "mupots", "lsp", *SHIPPED}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_are_read(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--config", f"cascaded_lifting/{name}", "--print_config"])
    assert stop.value.code == 0
    assert "skeleton: smpl24" in capsys.readouterr().out


def test_the_shipped_network_is_small():
    """Both stages in one file of at most 12 MB with 16 bits a number."""
    settings = read_config(find_config("cascaded_lifting/open_tiny"))["model"]["init_args"]
    first = read_config(find_config("cascaded_lifting/open_tiny_cascade"))["model"]["init_args"]
    changed = {name for name in settings | first if settings.get(name) != first.get(name)}
    assert changed == {"stage", "start_from", "backbone_from", "lr", "warmup_steps"}
    module = instantiate_module(CascadedLiftingModule, settings)
    assert 2 * sum(value.numel() for value in module.state_dict().values()) < 12e6 - 1e5
