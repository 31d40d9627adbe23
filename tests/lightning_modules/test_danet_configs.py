"""Every configuration of DaNet is read by the real command line; the ablations' settings are in reach."""

import json

import pytest
import torch
from danet_weights import VARIANTS
from flat_settings import make
from official_weights import golden, no_initialisation
from people import make_batch, open_body

import zoo
from lightning_modules.common.folding import FoldedCopy, fold_batch_norms
from lightning_modules.danet.config import DaNetConfig
from lightning_modules.danet.module import DaNetModule
from lightning_modules.danet.network import DaNet
from zoo.checkpoints.convert import convert_official_state
from zoo.checkpoints.listing import read_checkpoints
from zoo.cli import main
from zoo.documents.configs import merge, read_config
from zoo.documents.resources import find_config, list_configs

CONFIGS = [name for name in list_configs() if name.startswith("danet/")]
PAPER = {"h36m", "h36m_paper", "h36m_ratios", "h36m_dpcoco", "h36m_itw", "up3d", "ablation", "coco"}
SMALL = {
    "model.network": {"crop_size": 64, "channels": 8, "stream_channels": 8, "features": 8},
    "model.losses": {"estimator_steps": 1},
    "data": {"crops.iuv_size": 16, "batch_size": 2, "num_workers": 0, "train_samples": 4,
             "val_samples": 2, "test_samples": 2, "image_size": 64, "generator_workers": 1},
    "trainer": {"accelerator": "cpu", "max_steps": 2, "log_every_n_steps": 1, "enable_model_summary": "false",
                "val_check_interval": 2},
}  # fmt: skip


def test_every_training_of_the_paper_has_a_configuration():
    assert {name.partition("/")[2] for name in CONFIGS} == PAPER | {"lsp", "open", "open_tiny", "open_ablation"}


@pytest.mark.parametrize("name", sorted(PAPER))
def test_rates_are_the_released_ones(name):
    """A tenth at steps 30,000 and 60,000 of 65,000, 5,000 of them the maps alone."""
    settings = read_config(find_config(f"danet/{name}"))
    model = settings["model"]["init_args"]
    assert (model["lr"], model["milestones"], model["lr_factor"]) == (1e-4, [30_000, 60_000], 0.1)
    assert (settings["trainer"]["max_steps"], model["losses"]["estimator_steps"]) == (65_000, 5_000)


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_are_read(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "fit",
                "--config",
                name,
                "--model.network.aggregation",
                "direct",
                "--model.network.drop",
                "block",
                "--print_config",
            ]
        )
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "aggregation: direct" in shown
    assert "drop: block" in shown


def test_the_small_training_starts_from_the_bundled_backbone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    small = [f"--{part}.{name}={value}" for part, settings in SMALL.items() for name, value in settings.items()]
    assert main(["fit", "--config", "danet/open_tiny", *small]) == 0
    saved = torch.load(tmp_path / "outputs/danet/open_tiny/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 2
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


def test_the_folded_copy_answers_alike_and_follows_the_weights():
    torch.manual_seed(0)
    settings = {"channels": 8, "stream_channels": 8, "features": 8}
    names = dict.fromkeys(("iuv_backbone", "global_backbone", "local_backbone"), "resnet18_tiny")
    network, image = DaNet(DaNetConfig(**names, **settings, charts="open")).eval(), torch.rand(1, 3, 64, 64)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    with torch.no_grad():
        features = network.estimator.backbone(image)[-1]
        folded = FoldedCopy().of(network)
        torch.testing.assert_close(folded.estimator.backbone(image)[-1], features, atol=1e-4, rtol=1e-4)
        assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.local_streams.own.modules())
        first = network(image)
        network.global_stream.answer.bias[0] += 1.0
        second = network(image)
    torch.testing.assert_close(second.camera[0, 0] - first.camera[0, 0], torch.tensor(1.0))
    assert set(network.state_dict()) == set(DaNet(DaNetConfig(**names, **settings, charts="open")).state_dict())
    untouched = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, 3, 1))
    fold_batch_norms(untouched)
    assert isinstance(untouched[0], torch.nn.BatchNorm2d)


def test_predictions_of_a_small_network_are_finite():
    names = dict.fromkeys(("iuv_backbone", "global_backbone", "local_backbone"), "resnet18_tiny")
    module = make(DaNetModule, **names, charts="open", channels=8, stream_channels=8, features=8, crop_size=64).eval()
    with torch.no_grad():
        prediction = module.predict(make_batch(2))
    assert prediction.joints.isfinite().all()
    parts = prediction.intermediates["iuv"][:, 0]
    assert torch.equal(parts, parts.round())
    assert parts.max() <= 24


def official_zeros(variant, **options):
    """A state with the authors' names and nothing in it, and what their trainer wraps around it."""
    entries = [json.loads(str(entry)) for entry in golden(variant)["keys"]]
    return {key: torch.zeros(shape, **options) for key, shape, *_ in entries}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_listed_settings_are_those_of_the_authors_files(variant):
    for entry in read_checkpoints().values():
        if entry.method == "danet" and entry.availability == "official":
            state = convert_official_state(
                "danet", official_zeros(variant, device="meta"), merge(entry.config, {"network": VARIANTS[variant]})
            )
            assert "network.estimator.windows.ratio" in state
            assert not any("rot2pos" in name for name in state)


def test_the_authors_weights_become_a_model(monkeypatch):
    monkeypatch.setattr("lightning_modules.danet.module.load_body", lambda name: open_body())
    state = official_zeros("danet_resnet50_gcn")
    state["img2iuv.learned_ratio"] += 2.0
    with no_initialisation():
        model = zoo.from_official(
            "danet", {"model": state, "epoch": 3}, network={"iuv_backbone": "resnet50", "aggregation": "gcn"}
        )
    assert not model.training
    assert (model.network.estimator.windows.ratio == 2).all()
    assert model.network.part_drop.kind == "part_release"
