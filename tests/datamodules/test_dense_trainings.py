"""The trainings of DaNet and NBF on fake benchmarks in the real layout, through the command line."""

import pytest
import torch
from fake import densepose, human36m, humaneva, mpi_inf_3dhp, pw3d, spin, up3d
from fake.assets import write_smpl
from fake.people import make_image, write_image
from flat_settings import typed

from zoo.cli import main
from zoo.documents.resources import list_configs

SMALL = {
    "danet": {"iuv_backbone": "resnet18_tiny", "global_backbone": "resnet18_tiny", "local_backbone": "resnet18_tiny",
              "channels": 8, "stream_channels": 8, "features": 8, "estimator_steps": 1, "crop_size": 64},
    "nbf": {"crop_size": 64, "segmenter_channels": 8},
}  # fmt: skip
ENCODER = {"encoder": "resnet18_tiny", "input_size": 32}
SEGMENTER = {"segmenter_backbone": "resnet18_tiny"}
SHORT = {
    "data": {"batch_size": 2, "num_workers": 0},
    "trainer": {"accelerator": "cpu", "max_steps": 2, "log_every_n_steps": 1, "limit_val_batches": "1"},
}
RUNS = {
    "danet/h36m": {},
    "danet/h36m_ratios": {},
    "danet/h36m_paper": {},
    "danet/h36m_dpcoco": {},
    "danet/h36m_itw": {},
    "danet/up3d": {},
    "nbf/h36m_segmenter": SEGMENTER,
    "nbf/h36m": SEGMENTER | ENCODER,
    "nbf/up3d_inputs": ENCODER,
    "nbf/up3d_segmenter": SEGMENTER,
    "nbf/up3d": SEGMENTER | ENCODER,
}
"""Configuration -> what is smaller than its own; an NBF's stages in the order in which they are trained."""

STARTS = {"danet/h36m_ratios", "nbf/h36m_segmenter", "nbf/up3d_segmenter", "nbf/h36m"}
"""Others start from them, or are tested with them: their last checkpoints are kept."""

WITHOUT_TRAINING = {"nbf/humaneva"}
"""Tests weights of another configuration."""
SHIPPED = {"danet/open_tiny", "nbf/open_tiny"}
OPEN = {"danet/open", "nbf/open"}
"""They train a step in `tests/lightning_modules/test_open_configs.py`."""
WILD = {
    "lsp": ("lsp_dataset_original_train", "lsp"),
    "lsp_extended": ("hr-lspet_train", "lspet"),
    "mpii": ("mpii_train", "mpii"),
    "coco": ("coco_2014_train", "coco"),
}
"""SPIN's files of the benchmarks without 3D labels: annotations and fits."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder that all runs share, beside a whole `$ZOO_ASSETS` with SMPL and DensePose's charts."""
    path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        write_smpl(path / "assets", patch, ("neutral", "male", "female"))
        charts = densepose.smpl_charts(path / "assets", patch)
        densepose.write_symmetry(path / "assets")
        benchmarks = path / "assets" / "benchmarks"
        subjects = benchmarks / "human36m"
        (subjects / "dataset_extras").mkdir(parents=True)
        human36m.write_spin(subjects, "h36m_valid_protocol2.npz", human36m.truth((9, 11), (4,), 64))
        train = human36m.truth((1, 8), (4,), 8)
        human36m.write_spin(subjects, "dataset_extras/h36m_mosh_train.npz", train, smpl=True)
        people = densepose.write(benchmarks / "densepose_coco", body="smpl", charts=charts)
        for part, truth in people.items():
            densepose.write_danet(benchmarks / "densepose_coco", part, truth)
        up3d.write(benchmarks / "up3d", body="smpl")
        (benchmarks / "mpi_inf_3dhp").mkdir()
        for file, person, _ in mpi_inf_3dhp.write_spin(benchmarks / "mpi_inf_3dhp")[0]:
            write_image(benchmarks / "mpi_inf_3dhp" / file, make_image([person]))
        pw3d.write(benchmarks / "3dpw")
        for seed, (name, files) in enumerate(WILD.items()):
            spin.write(benchmarks / name, *files, seed=10 * seed)
        patch.chdir(path)
        yield path


@pytest.mark.parametrize("name", RUNS)
def test_two_steps(name, folder):
    model = SMALL[name.partition("/")[0]] | RUNS[name] | {"pretrained": "false"}
    data = dict(SHORT["data"])
    if name.startswith("danet"):
        data["crops.iuv_size"] = 16
    settings = {"data": data, "trainer": SHORT["trainer"]}
    options = [f"--{part}.{key}={value}" for part, values in settings.items() for key, value in values.items()]
    assert main(["fit", "--config", name, *typed(name, model), *options]) == 0
    saved = torch.load(folder / f"outputs/{name}/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 2
    assert all(value.isfinite().all() for value in saved["state_dict"].values())
    for file in (folder / "outputs").rglob("*.ckpt"):
        if file.name != "last.ckpt" or file.parents[1].relative_to(folder / "outputs").as_posix() not in STARTS:
            file.unlink()


def test_the_model_of_human36m_is_tested_on_humaneva(folder, tmp_path, capsys):
    """Table 5: a model of SMPL's joints on data that have HumanEva's."""
    humaneva.write(folder / "assets/benchmarks/humaneva", parts=(1,), actions=("Walking", "Box"))
    model = SMALL["nbf"] | SEGMENTER | ENCODER | {"pretrained": "false"}
    last = folder / "outputs/nbf/h36m/checkpoints/last.ckpt"
    options = [*typed("nbf/humaneva", model), "--data.batch_size=8", "--data.num_workers=0", "--data.cameras=[C1]"]
    options += [f"--results={tmp_path}", "--trainer.accelerator=cpu"]
    assert main(["test", "--config", "nbf/humaneva", "--ckpt_path", str(last), *options]) == 0
    assert "PA-MPJPE" in capsys.readouterr().out


def test_every_configuration_is_run():
    names = {name for name in list_configs() if name.partition("/")[0] in ("danet", "nbf")}
    names -= {"danet/lsp", "nbf/lsp", "danet/coco"}  # evaluations, see test_lsp_configs
    names -= {"nbf/h36m_inputs"}  # nbf/up3d_inputs with the data of nbf/h36m
    names -= {"danet/ablation"}  # danet/h36m with streams alone, whose rows test_danet_module trains
    names = {name for name in names if "open_ablation" not in name}  # see test_reproduction
    assert names == {*RUNS, *WITHOUT_TRAINING, *SHIPPED, *OPEN}
