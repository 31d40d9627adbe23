"""A result file is complete or absent, and reading one checks it."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from metrics import PROTOCOLS
from metrics.tasks import MeshTask
from zoo.cli import main
from zoo.errors import ZooError
from zoo.results.evaluation import values_table
from zoo.results.files import read_result, read_results, results_folder, write_result
from zoo.results.result import Result, make_result

ROOT = Path(__file__).parents[3]
VALUES = {
    "mpjpe": 90.5,
    "pa_mpjpe": 60.25,
    "pve": 101.0,
    "pck3d": 88.0,
    "auc": 51.5,
    "n": 6.0,
    "action/walking/mpjpe": 80.0,
    "action/walking/n": 4.0,
    "action/sitting/mpjpe": 111.5,
    "action/sitting/n": 2.0,
}
FACTS = {
    "method": "i2l_meshnet",
    "weights": "i2l_meshnet.open_tiny",
    "weights_sha256": "0123456789abcdef" * 4,
    "data": "open benchmark, test",
    "data_fingerprint": "5e1f",
    "root_depth": "box",
    "config": {"batch_size": 8},
    "device": "cpu, 2 threads",
    "precision": "32-true",
    "command": "zoo test --config configs/i2l_meshnet/open_tiny.yaml",
}


def result(values=VALUES, **changes):
    return make_result("open-v1", values, **{**FACTS, **changes})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_round_trip(tmp_path):
    written = result()
    path = write_result(written, tmp_path)
    assert path.name.startswith("open-v1__i2l_meshnet.open_tiny_")
    assert read_result(path) == written
    assert written.samples == 6
    assert written.values == {k: v for k, v in VALUES.items() if "/" not in k and k != "n"}
    assert written.groups == {"action": {"walking": {"mpjpe": 80.0, "n": 4.0}, "sitting": {"mpjpe": 111.5, "n": 2.0}}}
    assert written.averages == {"samples": written.values}
    assert {"python", "torch", "numpy"} <= set(written.versions)
    assert names(tmp_path) == [path.name]


def test_both_ways_of_averaging_are_kept(tmp_path):
    ways = {"average/samples/mpjpe": 90.5, "average/actions/mpjpe": 95.75}
    written = result({**{k: v for k, v in VALUES.items() if "/" in k}, "mpjpe": 90.5, "n": 6.0, **ways})
    assert written.averages == {"samples": {"mpjpe": 90.5}, "actions": {"mpjpe": 95.75}}
    assert read_result(write_result(written, tmp_path)) == written


def test_numbers_of_other_protocols_are_left_out():
    """MuPoTS-3D's metric computes relative and absolute 3DPCK at once."""
    numbers = {"pck3d": 80.0, "pck3d_abs": 30.0, "mrpe": 90.0, "n": 3.0}
    numbers |= {f"sequence/TS1/{name}": value for name, value in numbers.items() if name != "n"} | {"sequence/TS1/n": 5}
    found = make_result("mupots-absolute-all", numbers, **FACTS)
    assert found.values == found.averages["sequences"] == {"pck3d_abs": 30.0}
    assert found.groups == {"sequence": {"TS1": {"pck3d_abs": 30.0, "n": 5}}}
    assert found.samples == 3


def test_a_metric_without_a_label_is_shown_and_explained(capsys):
    """PVE where a benchmark's fits are absent: a dash, never a row that is missing."""
    values = {"mpjpe": 50.0, "pa_mpjpe": 40.0}
    Console(width=80).print(values_table("title", PROTOCOLS["h36m-p1-14j-mesh"], "weights", values))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in lines if "PVE" in line] == [["PVE", "mm", "│", "-", "│"]]
    assert "labels have nothing to compare" in " ".join(" ".join(lines).split())
    Console(width=80).print(values_table("title", PROTOCOLS["h36m-p1-14j-mesh"], "weights", {**values, "pve": 60.0}))
    assert "labels have" not in capsys.readouterr().out


def test_two_runs_do_not_overwrite_each_other(tmp_path):
    write_result(result(), tmp_path)
    write_result(result({**VALUES, "mpjpe": 91.0}), tmp_path)
    assert len(read_results(tmp_path)) - len(read_results(tmp_path / "none")) == 2


def test_results_go_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_RESULTS", str(tmp_path / "mine"))
    assert write_result(result()).parent == tmp_path / "mine"
    monkeypatch.delenv("ZOO_RESULTS")
    assert results_folder() == Path("results")


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Result)])
def test_no_field_may_be_missing(name, tmp_path):
    complete = dataclasses.asdict(result())
    without = {key: value for key, value in complete.items() if key != name}
    with pytest.raises(TypeError, match=name):
        Result(**without)
    path = tmp_path / "open-v1__x.json"
    path.write_text(json.dumps(without))
    with pytest.raises(ZooError, match=f"{path.name}: result: {name} is missing"):
        read_result(path)
    path.write_text(json.dumps({**complete, "extra": 1}))
    with pytest.raises(ZooError, match="no field 'extra'"):
        read_result(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": ""}, "weights is empty"),
        ({"config": {}}, "config is empty"),
        ({"samples": 0}, "samples is empty"),
        ({"samples": -3}, "samples must be positive"),
        ({"samples": 6.5}, "samples must be int"),
        ({"samples": True}, "samples must be int"),
        ({"samples": 7}, "do not add up to samples = 7"),
        ({"date": "yesterday"}, "not ISO 8601"),
        ({"weights_sha256": "beef"}, "64 hexadecimal"),
        ({"protocol": "open"}, "no protocol 'open'"),
        ({"values": {"mpjpe": float("nan")}}, "values.mpjpe is nan"),
        ({"values": {"mpjpe": "12"}}, "values.mpjpe must be float, not str"),
        ({"values": {"pve": 1.0}}, "the first one among them"),
        ({"values": {"mpjpe": 1.0, "magic": 1.0}}, "values must be of"),
        ({"groups": {}}, "groups must be those of open-v1: action"),
        ({"groups": {"action": [1]}}, "groups.action must be dict"),
        ({"averages": {"actions": {"mpjpe": 1.0}}}, "averages must hold the values under 'samples'"),
        ({"averages": {"samples": {"mpjpe": 1.0}}}, "averages must hold the values under 'samples'"),
        ({"values": {"mpjpe": 90.5}}, "averages must hold the values"),
        ({"groups": {"action": {"walking": {"mpjpe": float("inf"), "n": 6.0}}}}, "groups.action.walking.mpjpe is inf"),
        ({"device": None}, "device must be str"),
    ],
)
def test_wrong_fields_are_named(changes, message, tmp_path):
    path = tmp_path / "open-v1__x.json"
    path.write_text(json.dumps({**dataclasses.asdict(result()), **changes}))
    with pytest.raises(ZooError, match=f"{path.name}: .*{message}"):
        read_result(path)


def test_failed_evaluations_cannot_be_written():
    with pytest.raises(ZooError, match=r"values\.mpjpe is nan"):
        result({**VALUES, "mpjpe": float("nan")})
    with pytest.raises(ZooError, match=r"empty"):
        result({"n": 0.0})
    with pytest.raises(ZooError, match="no protocol"):
        make_result("nothing", VALUES, **FACTS)


def test_broken_files(tmp_path):
    path = tmp_path / "open-v1__broken.json"
    with pytest.raises(ZooError, match="cannot read"):
        read_result(path)
    path.write_text('{"protocol": "open-v1", ')
    with pytest.raises(ZooError, match="is not JSON"):
        read_result(path)
    with pytest.warns(UserWarning, match="left out: .*is not JSON"):
        assert read_results(tmp_path) == read_results(tmp_path / "none")
    path.write_text("[1, 2]")
    with pytest.raises(ZooError, match="must be a mapping of fields, not list"):
        read_result(path)
    path.unlink()
    (tmp_path / "notes.json").write_text("not ours")
    (tmp_path / "some__thing.json").write_text("not ours")
    assert read_results(tmp_path) == read_results(tmp_path / "none")


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(ZooError, match="config must be plain"):
        write_result(result(config={"body": object()}), tmp_path)
    assert names(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="set ZOO_RESULTS"):
        write_result(result(), tmp_path / "file")


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_result(result(), tmp_path)
    assert names(tmp_path) == []


CONFIG = """
model:
  class_path: lightning_modules.i2l_meshnet.module.I2LMeshNetModule
  init_args: {network: {backbone: resnet18_tiny, crop_size: 64, head_channels: 8}}
data:
  class_path: half_way.HalfWay
  init_args: {cache_dir: CACHE}
trainer: {accelerator: cpu, enable_progress_bar: false}
"""


@pytest.fixture
def command(tmp_path, tmp_path_factory, small_weights):
    """`zoo test` of a small model on four photographs, results in `tmp_path/results`."""
    cache = tmp_path_factory.getbasetemp() / "half_way_cache"
    (tmp_path / "small.yaml").write_text(CONFIG.replace("CACHE", str(cache)))
    words = ["test", "--trust", "--config", str(tmp_path / "small.yaml"), "--weights", str(small_weights)]
    return [*words, "--results", str(tmp_path / "results"), f"--trainer.default_root_dir={tmp_path}"]


def test_a_complete_run_stores_one_result(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["zoo", *command])
    assert main([*command, "--json"]) == 0
    (path,) = (tmp_path / "results").iterdir()
    stored = read_result(path)
    document, shown = capsys.readouterr()
    assert json.loads(document) == {"stored": str(path), **json.loads(path.read_text())}
    assert stored.samples == 4
    assert stored.protocol == "open-v1"
    assert set(stored.averages) == {"samples", "actions"}
    assert stored.averages["samples"] == stored.values
    actions = stored.groups["action"].values()
    mean = sum(row["mpjpe"] for row in actions) / len(actions)
    assert stored.averages["actions"]["mpjpe"] == pytest.approx(mean, rel=1e-6)
    assert stored.weights == "i2l_meshnet.small.safetensors"
    assert stored.config["data"]["class_path"] == "half_way.HalfWay"
    assert stored.command.startswith("zoo test --trust --config ")
    assert stored.precision == "32-true"
    assert stored.root_depth == "box"
    assert "MPJPE mm" in shown
    assert f"Stored {path}" in shown


def test_a_part_of_the_split_is_printed_and_not_stored(command, tmp_path, capsys):
    assert main([*command, "--trainer.limit_test_batches", "0.5"]) == 0
    shown = capsys.readouterr().out
    assert "open-v1, PARTIAL, root depth: box" in shown
    assert "MPJPE mm" in shown
    assert "No result is stored: 2 of 4 samples were tested (limit_test_batches 0.5)" in shown
    assert not (tmp_path / "results").exists()


def test_numbers_that_are_not_finite_or_cannot_be_stored_are_no_success(command, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    assert main([*command, "--results", str(tmp_path / "file" / "below")]) == 2
    shown = capsys.readouterr()
    assert "MPJPE mm" in shown.out
    assert "set ZOO_RESULTS to a writable folder" in shown.err
    computed = MeshTask.compute
    monkeypatch.setattr(MeshTask, "compute", lambda task: computed(task) | {"pve": float("nan")})
    assert main(command) == 1
    shown = capsys.readouterr()
    assert "open-v1, FAILED" in shown.out
    assert "values.pve is nan, not a finite number" in shown.err
    assert not (tmp_path / "results").exists()


def test_weights_are_identified_before_the_run(command, small_weights, tmp_path, capsys):
    """A folder, as `zoo push` makes it, is known by its name and the file in it; one that is empty is refused."""
    folder = tmp_path / "published"
    folder.mkdir()
    changed = [str(folder) if word == str(small_weights) else word for word in command]
    assert main(changed) == 2
    assert f"{folder / 'model.safetensors'}: no such file" in capsys.readouterr().err
    shutil.copy(small_weights, folder / "model.safetensors")
    assert main(changed) == 0
    (path,) = (tmp_path / "results").iterdir()
    stored = read_result(path)
    assert stored.weights == "published"
    assert stored.weights_sha256 == hashlib.sha256(small_weights.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_an_evaluation_stopped_half_way_leaves_no_result(name, command, tmp_path):
    reached = tmp_path / "reached"
    words = [sys.executable, "-m", "zoo", *command, f"--data.init_args.reached={reached}"]
    paths = os.pathsep.join(str(folder) for folder in (ROOT, Path(__file__).parents[1]))
    with subprocess.Popen(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        give_up = time.monotonic() + 240
        while not reached.exists() and process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.05)
        alive = process.poll() is None
        process.send_signal(signal.Signals[name])
        said = process.communicate(timeout=120)[0].decode()
    assert reached.exists(), said
    assert alive, said
    assert process.returncode not in (0, 2), said
    assert "Stored" not in said
    assert not (tmp_path / "results").exists()
