"""`zoo fit|validate|test|predict`: the command line in this process, with a model that trains in a second."""

import csv
import json
import os
import signal
import sys
from pathlib import Path

import pytest
import torch
import yaml

import zoo
from zoo.cli import main
from zoo.cli.lightning_arguments import parse_run_options
from zoo.cli.lightning_cli import ZooCLI
from zoo.cli.runs import describe_starts, follow_starts, set_aside
from zoo.errors import ZooError
from zoo.results.result import WeightsIdentity

TOY = {
    "model": {"class_path": "toy.ToyModule"},
    "data": {"class_path": "toy.ToyData"},
    "trainer": {"max_epochs": 3, "accelerator": "cpu", "log_every_n_steps": 1, "enable_model_summary": False},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with `run/toy.yaml`; a Ctrl-C handler that Lightning may replace is put back."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/toy.yaml").write_text(yaml.safe_dump(TOY))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_fit_writes_csv_and_checkpoints_under_the_configuration_s_name(folder, capsys):
    assert main(["fit", "--trust", "--config", "run/toy.yaml", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["stage"], document["steps"]) == ("fit", 24)
    assert Path(document["checkpoints"]["last"]).samefile("outputs/run/toy/checkpoints/last.ckpt")
    assert torch.load(document["checkpoints"]["last"], weights_only=True)["zoo_training"]["config"] == "run/toy"
    with (folder / "outputs/run/toy/logs/version_0/metrics.csv").open() as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream) if row["loss"]]
    assert len(losses) == 24
    assert losses[-1] < losses[0] / 4
    assert (folder / "outputs/run/toy/checkpoints/last.ckpt").is_file()
    assert (folder / "outputs/run/toy/logs/version_0/config.yaml").is_file()


def test_ctrl_c_saves_and_the_resumed_run_goes_on_from_there(folder, capsys):
    assert main(["fit", "--trust", "--config", "run/toy.yaml", "--model.stop_at", "11"]) == 130
    saved = Path("outputs/run/toy/checkpoints/last-interrupted.ckpt")
    assert f"--ckpt_path {saved}" in capsys.readouterr().out
    interrupted = torch.load(saved, weights_only=True)
    assert interrupted["global_step"] == 11
    assert interrupted["optimizer_states"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert main(["fit", "--trust", "--config", "run/toy.yaml", "--ckpt_path", "last", "--model.lr", "0"]) == 0
    with Path("outputs/run/toy/logs/version_1/metrics.csv").open() as stream:
        losses = [row["loss"] for row in csv.DictReader(stream) if row["loss"]]
    assert len(losses) == 24 - 11
    # the optimiser's state comes back too: its rate of 0.1, not the 0 given here, moved the weights on
    final = torch.load("outputs/run/toy/checkpoints/last.ckpt", weights_only=True)
    assert final["global_step"] == 24
    assert abs(float(final["state_dict"]["layer.weight"]) - 3) < abs(
        float(interrupted["state_dict"]["layer.weight"]) - 3
    )


def test_a_second_run_does_not_mix_with_the_first(folder, capsys):
    """`last.ckpt`, from which the next stage starts, is the newest run's; the older one's is kept beside it."""
    fit = ["fit", "--trust", "--config", "run/toy.yaml", "--trainer.max_steps"]
    place = folder / "outputs/run/toy"
    assert main([*fit, "2"]) == 0
    assert main([*fit, "6"]) == 0
    (older,) = place.glob("checkpoints_*")
    assert f"now in {older.relative_to(folder)}" in capsys.readouterr().out
    runs = [torch.load(path / "last.ckpt", weights_only=True) for path in (older, place / "checkpoints")]
    assert [run["global_step"] for run in runs] == [2, 6]
    assert not list(place.rglob("last-v*"))
    assert main([*fit, "8", "--ckpt_path", "last"]) == 0  # goes on, and moves nothing
    assert len(list(place.glob("checkpoints*"))) == 2
    assert torch.load(place / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 8
    assert not list(place.rglob("last-v*"))


def test_a_stage_that_starts_from_its_own_folder_follows_it(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "last.ckpt").write_bytes(b"first")
    model = torch.nn.Identity()
    model.start_from, model.backbone_from = str(folder / "last.ckpt"), str(tmp_path / "other.ckpt")
    model.parts_from = {"encoder": str(folder / "last.ckpt")}
    moved = set_aside(folder)
    follow_starts(model, folder, moved)
    assert Path(model.start_from).read_bytes() == b"first"
    assert model.parts_from == {"encoder": model.start_from}
    assert model.backbone_from == str(tmp_path / "other.ckpt")
    line, part = describe_starts(model)
    assert line.startswith(f"start_from: {moved}/last.ckpt, written 20")
    assert part.startswith(f"parts_from encoder: {moved}/last.ckpt, written 20")
    assert set_aside(folder) is None
    folder.mkdir()
    (folder / "last.ckpt").write_bytes(b"second")
    os.utime(folder / "last.ckpt", (Path(model.start_from).stat().st_mtime,) * 2)
    assert set_aside(folder) == Path(f"{moved}_2")  # of the same second


def test_wandb_offline_writes_a_run_beside_the_csv(folder, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert main(["fit", "--trust", "--config", "run/toy.yaml", "--wandb", "offline", "--trainer.max_steps", "2"]) == 0
    assert list((folder / "outputs/run/toy/wandb").glob("offline-run-*/*.wandb"))
    assert list((folder / "outputs/run/toy/logs").rglob("metrics.csv"))


def test_validate_takes_a_checkpoint_file(folder, capsys):
    main(["fit", "--trust", "--config", "run/toy.yaml", "--trainer.max_steps", "16"])
    last = "outputs/run/toy/checkpoints/last.ckpt"
    assert main(["validate", "--trust", "--config", "run/toy.yaml", "--ckpt_path", last]) == 0
    assert "val/error" in capsys.readouterr().out


def test_typed_options_of_a_model_change_finished_weights(folder, monkeypatch):
    """Those of the configuration do not: the weights know what they were trained with."""
    monkeypatch.setenv("ZOO_CACHE", str(folder / "cache"))
    few = [
        "--data.test_samples",
        "2",
        "--data.batch_size",
        "2",
        "--data.num_workers",
        "0",
        "--data.generator_workers",
        "1",
    ]
    command = ["test", "--weights", "cascaded_lifting.open_tiny", *few, "--trainer.accelerator", "cpu"]
    command += ["--trainer.precision", "32-true"]
    plain = ZooCLI(parse_run_options(command)).model.hparams
    typed = ["--model.joints_from", "volume", "--model.init_args.root_depth=given"]
    run = ZooCLI(parse_run_options([*command, *typed]))
    assert (plain["joints_from"], plain["root_depth"]) == (None, "box")
    assert run.overrides == {"joints_from": "volume", "root_depth": "given", "protocol": "open-v1"}
    assert run.model.hparams == {**plain, **run.overrides}


def test_results_of_changed_weights_do_not_pass_for_the_listed_ones():
    changed = WeightsIdentity("nbf.open_tiny", "0" * 64, {"input": "true_parts", "protocol": "open-v1"})
    assert changed.label == "nbf.open_tiny (input=true_parts)"
    assert (
        WeightsIdentity("nbf.open_tiny", "0" * 64, {"protocol": "open-v1-body", "root_depth": "given"}).label
        == "nbf.open_tiny"
    )


class Trap:
    """An object whose unpickling creates a file."""

    def __reduce__(self):
        return (open, ("trapped", "w"))


def test_a_hostile_checkpoint_runs_nothing(folder, capsys):
    main(["fit", "--trust", "--config", "run/toy.yaml", "--trainer.max_steps", "2"])
    path = "outputs/run/toy/checkpoints/last.ckpt"
    content = torch.load(path, weights_only=True)
    torch.save({**content, "extra": Trap()}, "hostile.ckpt")
    assert main(["validate", "--trust", "--config", "run/toy.yaml", "--ckpt_path", "hostile.ckpt"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "nothing in it was run" in error
    assert "weights_only" not in error
    assert not Path("trapped").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["fit"], "needs --config"),
        (["fit", "--config", "nowhere.yaml"], "no configuration 'nowhere.yaml'"),
        (["test", "--trust", "--config", "run/toy.yaml"], "no weights of the zoo were trained with run/toy"),
        (["test", "--weights", "nobody.x"], "no model 'nobody.x'"),
        (["test", "--weights", "i2l_meshnet", "--ckpt_path", "a.ckpt"], "not both"),
        (["test", "--weights", "user/repo"], "names no configuration"),
        (["fit", "--weights", "mine.safetensors"], "names no configuration; give --config"),
    ],
)
def test_bad_command_lines_are_answered_in_one_line(folder, capsys, argv, message):
    with pytest.raises(ZooError, match=message):
        parse_run_options(argv)
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_weights_that_are_missing_are_answered_in_one_line(folder, capsys):
    command = ["fit", "--config", "hemlets/open", "--trainer.accelerator", "cpu", "--model.pretrained", "a.safetensors"]
    assert main(command) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "no file a.safetensors; set pretrained: false to start from random weights" in error


def test_an_unknown_option_is_named(folder, capsys):
    assert main(["fit", "--trust", "--config", "run/toy.yaml", "--trainer.max_stepz", "2"]) == 2
    assert "no setting 'trainer.max_stepz'; did you mean trainer.max_steps" in capsys.readouterr().err


def test_the_process_arguments_are_used_when_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zoo", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.strip() == zoo.__version__
