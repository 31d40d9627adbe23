"""Loggers, pictures, the best checkpoint and early stopping of `zoo fit` and `zoo test`; what stderr holds is ours."""

import json
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import wandb
import yaml
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger
from tensorboard.backend.event_processing import event_accumulator

from body.skeleton import get_skeleton
from lightning_modules.base import PoseModule
from lightning_modules.callbacks import BestCheckpoint, StopEarly, primary_metric
from metrics import get_protocol
from zoo.cli import main, run_loggers

ROOT = Path(__file__).parents[3]


class Guess(PoseModule):
    """Says that everybody is where its one weight says: validation errors are known."""

    def __init__(self, protocol="open-v1"):
        super().__init__(protocol)
        self.network = torch.nn.Linear(1, 1, bias=False)
        self.skeleton, self.crop_size = get_skeleton("smpl24"), 32


def scripted(errors, protocol="open-v1"):
    """A method whose validations score these numbers."""

    class Scripted(Guess):
        def __init__(self):
            super().__init__(protocol)
            self.errors = list(errors)

        def training_step(self, batch, batch_idx):
            return self.network(batch[0]).square().mean()

        def validation_step(self, batch, batch_idx):
            pass

        def on_validation_start(self):
            pass

        def on_validation_epoch_end(self):
            self.log(f"val/{self.protocol.primary}", self.errors[self.current_epoch])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Scripted()


@pytest.mark.parametrize(
    ("protocol", "errors", "best", "ends"),
    [
        ("open-v1", (9, 5, 7, 6, 8, 1), 2, 4),
        ("own-2d", (1, 5, 3, 4, 2, 9), 2, 4),
        ("open-v1", (5, 4, 3, 2, 1, 0), 6, 6),
    ],
)
def test_best_checkpoint_and_early_stopping_follow_the_protocol(protocol, errors, best, ends, tmp_path, capsys):
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(1, 1)))
    keep = BestCheckpoint()
    keep.dirpath = str(tmp_path)
    trainer = pl.Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        max_epochs=6,
        callbacks=[keep, StopEarly(patience=2)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    model = scripted(errors, protocol)
    trainer.fit(model, loader, loader)
    assert trainer.current_epoch == ends
    assert keep.best_model_path == str(tmp_path / f"best-{best}.ckpt")
    assert {file.name for file in tmp_path.glob("*.ckpt")} == {f"best-{best}.ckpt", "last.ckpt"}
    out = capsys.readouterr().out
    name, _ = primary_metric(model)
    assert f"Best checkpoint: {tmp_path / f'best-{best}.ckpt'} ({name} {errors[best - 1]})" in out
    assert ("Stopped early: no better than" in out) == (ends < 6)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`zoo fit` and `zoo test` with one of the bundled methods on a few samples; checkpoints are not the point."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    few = ["--data.test_samples", "2", "--data.batch_size", "2", "--data.num_workers", "0"]
    few += ["--data.generator_workers", "1", "--trainer.accelerator", "cpu", "--trainer.precision", "32-true"]
    return lambda *more: main(["test", "--config", "i2l_meshnet/open_tiny", *few, *more])


def test_a_test_run_logs_pictures_and_the_table_and_nothing_else_speaks(run, capsys):
    assert run("--tensorboard", "--wandb", "offline", "--wandb-project", "mine", "--wandb-entity", "lab") == 0
    captured = capsys.readouterr()
    assert [line for line in captured.err.splitlines() if not line.startswith("wandb:")] == []
    assert "Tip" not in captured.out
    [offline] = Path("outputs/i2l_meshnet/open_tiny/wandb").glob("offline-run-*")
    pictures = list((offline / "files/media/images").glob("predictions_*.png"))
    assert len(pictures) == 2
    sides = [np.asarray(Image.open(picture)).astype(int) for picture in pictures]
    for image in sides:
        assert image.shape == (128, 3 * 128, 3)
        crop_and_joints, joints, mesh = np.split(image, 3, axis=1)
        assert np.abs(crop_and_joints - joints).max() > 50  # labels and predictions differ
        assert np.abs(crop_and_joints - mesh).max() > 50
    [table] = (offline / "files/media/table").rglob("*.table.json")
    assert json.loads(table.read_text())["columns"] == ["metric", "value", "unit"]
    names = [row[0] for row in json.loads(table.read_text())["data"]]
    assert names[:3] == ["MPJPE", "PA-MPJPE", "PVE"]
    read = event_accumulator.EventAccumulator("outputs/i2l_meshnet/open_tiny/tensorboard/version_0")
    tags = read.Reload().Tags()
    assert "predictions" in {tag.partition("/")[0] for tag in tags["images"]}
    assert "test/mpjpe" in tags["scalars"]
    assert "test/open-v1/text_summary" in tags["tensors"]


def test_tensorboard_that_is_not_installed(run, monkeypatch, capsys):
    def absent(self, *args, **options):
        raise ModuleNotFoundError("Neither `tensorboard` nor `tensorboardX` is available")

    monkeypatch.setattr(TensorBoardLogger, "__init__", absent)
    assert run("--tensorboard") == 2
    assert capsys.readouterr().err.strip().splitlines() == [
        "zoo: TensorBoard is not installed: pip install tensorboard, or leave out --tensorboard"
    ]


def test_wandb_without_a_network_does_not_hold_the_run(run, monkeypatch, capsys):
    """One port is closed; the other takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        ports = [one.getsockname()[1] for one in (closed, silent)]
        closed.close()
        monkeypatch.setattr(run_loggers, "SECONDS", 0.2)
        for port, reason in zip(ports, ("refused", "timed out"), strict=True):
            monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
            wandb.teardown()  # it keeps its settings for the process
            start = time.monotonic()
            assert run("--wandb") == 2
            assert time.monotonic() - start < 20
            [line] = capsys.readouterr().err.strip().splitlines()
            assert line.startswith(f"zoo: Weights & Biases at http://127.0.0.1:{port} cannot be reached (")
            assert reason in line
            assert line.endswith("use --wandb offline, and wandb sync later")
    wandb.teardown()


def test_a_project_without_wandb(capsys):
    assert main(["fit", "--config", "i2l_meshnet/open_tiny", "--wandb-project", "mine"]) == 2
    assert "belong to --wandb" in capsys.readouterr().err


def test_the_sweep_s_command_is_one_that_zoo_takes(capsys):
    sweep = yaml.safe_load((ROOT / "docs/tutorials/sweep.yaml").read_text())
    values = {name: spec.get("values", [spec.get("min")])[0] for name, spec in sweep["parameters"].items()}
    command = [word for word in sweep["command"][1:] if word != "${args}"]
    with pytest.raises(SystemExit):  # jsonargparse's, once it has printed
        main([*command, *(f"--{name}={value}" for name, value in values.items()), "--print_config"])
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["init_args"]["lr"] == values["model.lr"]
    assert config["data"]["init_args"]["batch_size"] == values["data.batch_size"]
    stage, _, metric = sweep["metric"]["name"].partition("/")
    assert stage == "val"
    assert metric in get_protocol(config["model"]["init_args"]["protocol"]).metrics
