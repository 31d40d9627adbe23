"""A result file is complete or absent, and reading one checks it."""

import dataclasses
import json
import multiprocessing
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "metrics"))
from metric_samples import PLAIN, make_batch

from metrics import Evaluation
from zoo.errors import ZooError
from zoo.results import Result, make_result, read_result, read_results, results_folder, write_result

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
    assert {"python", "torch", "numpy"} <= set(written.versions)
    assert names(tmp_path) == [path.name]


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
    with pytest.raises(ZooError, match=f"{path.name} is not a result: {name} is missing"):
        read_result(path)
    path.write_text(json.dumps({**complete, "extra": 1}))
    with pytest.raises(ZooError, match="extra is unknown"):
        read_result(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": ""}, "weights is empty"),
        ({"config": {}}, "config is empty"),
        ({"samples": 0}, "samples is empty"),
        ({"samples": -3}, "samples must be positive"),
        ({"samples": 6.0}, "samples must be int"),
        ({"samples": True}, "samples must be int"),
        ({"samples": 7}, "do not add up to samples = 7"),
        ({"date": "yesterday"}, "not ISO 8601"),
        ({"weights_sha256": "beef"}, "64 hexadecimal"),
        ({"protocol": "open"}, "no protocol 'open'"),
        ({"values": {"mpjpe": float("nan")}}, "values.mpjpe is nan"),
        ({"values": {"mpjpe": "12"}}, "not a finite number"),
        ({"values": {"pve": 1.0}}, "the first one among them"),
        ({"values": {"mpjpe": 1.0, "magic": 1.0}}, "values must be of"),
        ({"groups": {}}, "groups must be those of open-v1: action"),
        ({"groups": {"action": [1]}}, "groups.action must be dict"),
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
    with pytest.raises(ZooError, match="is not JSON"):
        read_results(tmp_path)
    path.write_text("[1, 2]")
    with pytest.raises(ZooError, match="it holds list"):
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


def evaluate(folder, started, pause):
    """An evaluation that stops for `pause` seconds half way."""
    evaluation = Evaluation(PLAIN)
    for index in range(4):
        evaluation.update(*make_batch([index]))
        if index == 2:
            started.set()
            time.sleep(pause)
    write_result(make_result("open-v1", evaluation.compute(), **FACTS), folder)


@pytest.mark.parametrize("killed", [True, False])
def test_a_killed_evaluation_leaves_no_file(tmp_path, killed):
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=evaluate, args=(tmp_path, started, 60 if killed else 0))
    process.start()
    assert started.wait(60)
    if killed:
        process.kill()
    process.join(60)
    assert process.exitcode == (-signal.SIGKILL if killed else 0)
    assert len(names(tmp_path)) == (0 if killed else 1)
