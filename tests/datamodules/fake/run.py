"""The real command line on a fake benchmark, with a network that is small enough for a test."""

import csv
from importlib import import_module
from pathlib import Path

import torch
import yaml
from flat_settings import group, make

from zoo.cli import main

_CLASSES = {
    "i2l_meshnet": "lightning_modules.i2l_meshnet.module.I2LMeshNetModule",
    "hemlets": "lightning_modules.hemlets.module.HemletsModule",
    "rootnet": "lightning_modules.rootnet.module.RootNetModule",
}


def fit_and_test(
    datamodule,
    root,
    folder,
    protocol="",
    *,
    fit=True,
    test=True,
    method="i2l_meshnet",
    data=None,
    model=None,
    crops=None,
    trainer=None,
):
    """Run `zoo fit` for two steps, `zoo test`, or both, as a user would.

    Args:
        datamodule: dotted path of the class.
        root: of the fake benchmark; None for a datamodule that has none.
        folder: a temporary one, for configuration and outputs.
        protocol: of data and network; without one `open-v1`, and nothing is validated.
        fit: train.
        test: evaluate, with the weights of the training if there was one, else untrained ones.
        method: `i2l_meshnet` or `rootnet`.
        data, model, crops, trainer: further arguments of the datamodule, the network, `CropSettings` and the trainer.

    Returns:
        What was logged last under every name, such as `train/loss` and `test/mpjpe`.
    """
    folder = Path(folder)
    crops = dict(crops or {})
    shared = {
        name: crops.pop(name) for name in ("skeleton", "body") if name in crops
    }  # the data take them from the model
    network = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8, **shared, **(model or {})}
    settings = {"crops": crops, "batch_size": 2, "num_workers": 0}
    if root is not None:
        settings["root"] = str(root)
    trainer = {"accelerator": "cpu", "default_root_dir": str(folder / "out"), "log_every_n_steps": 1} | (trainer or {})
    if protocol:
        network["protocol"] = protocol
    config = {
        "model": {"class_path": _CLASSES[method], "init_args": group(_class(method), network)},
        "data": {"class_path": datamodule, "init_args": settings | (data or {})},
        "trainer": {**trainer, "max_epochs": -1, "enable_progress_bar": False},
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config))
    if fit:
        limits = [] if protocol else ["--trainer.limit_val_batches", "0"]
        assert main(["fit", "--config", str(path), "--trainer.max_steps", "2", *limits]) == 0
    if test:
        last = folder / "out" / "checkpoints" / "last.ckpt"
        weights = last if last.is_file() else _untrained(method, network, folder)
        argv = ["test", "--config", str(path), "--ckpt_path", str(weights), "--results", str(folder / "results")]
        assert main(argv) == 0
    return _logged(folder / "out" / "logs")


def _class(method):
    module, _, name = _CLASSES[method].rpartition(".")
    return getattr(import_module(module), name)


def _untrained(method, settings, folder):
    """A Lightning checkpoint of random weights."""
    torch.manual_seed(0)
    made = make(_class(method), **settings)
    path = folder / "untrained.ckpt"
    versions = {"pytorch-lightning_version": "2.5.0", "epoch": 0, "global_step": 0}
    torch.save({"state_dict": made.state_dict(), "hyper_parameters": dict(made.hparams), **versions}, path)
    return path


def _logged(folder):
    values = {}
    for file in sorted(folder.glob("version_*/metrics.csv"), key=lambda file: file.stat().st_mtime_ns):
        with file.open(newline="") as stream:
            for row in csv.DictReader(stream):
                values |= {name: float(value) for name, value in row.items() if value}
    return values
