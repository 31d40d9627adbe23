"""The end of every command line: one line and a status, whatever went wrong."""

import json
import os
import resource
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

import zoo
from zoo.cli import main
from zoo.cli.boundary import message_of
from zoo.errors import ZooError

TOY = {
    "model": {"class_path": "toy.ToyModule"},
    "data": {"class_path": "toy.ToyData"},
    "trainer": {"max_epochs": 3, "accelerator": "cpu", "enable_model_summary": False},
}
TINY = ["fit", "--config", "i2l_meshnet/open_tiny", "--trainer.accelerator", "cpu", "--data.generator_workers", "1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_ASSETS", raising=False)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/toy.yaml").write_text(yaml.safe_dump(TOY))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([*TINY, "--model.body", "smpl"], "register at https://smplify.is.tue.mpg.de"),
        ([*TINY, "--model.network.backbone", "resnet19"], "no backbone 'resnet19'"),
        ([*TINY, "--model.network.crop_size", "100"], "use e.g. 96"),
        ([*TINY, "--model.network.crop_sizes", "96"], "did you mean network.crop_size"),
        ([*TINY, "--model.skeleton", "smpl30"], "zoo: no skeleton 'smpl30'"),
        ([*TINY, "--model.stages", "lixel"], "no setting 'stages'; did you mean stage"),
        ([*TINY, "--data.batch_sizes", "3"], "no setting 'batch_sizes'; did you mean batch_size?"),
        ([*TINY, "--trainer.accelerator", "cuda8"], "invalid accelerator name"),
        ([*TINY, "--trainer.precision", "13"], "trainer.precision: 13 is none of"),
        ([*TINY, "--trainer.devices", "-7"], "devices"),
        ([*TINY, "--ckpt_path", "nothing.ckpt"], "nothing.ckpt: no such file"),
        (["predct"], "did you mean predict?"),
        ([*TINY, "--model", "HemletModule"], "did you mean lightning_modules.hemlets.module.HemletsModule"),
        ([*TINY, "--model.protocol", "open-v4"], "did you mean open-v2"),
        ([*TINY, "--model.warmup_step", "4"], "did you mean warmup_steps"),
        ([*TINY, "--trainer.callbacks", "TQDMProgressbar"], "mean pytorch_lightning.callbacks.TQDMProgressBar"),
        (["fit", "--config", "hemlets/open_tny"], "did you mean hemlets/open_tiny"),
        (["list", "--jsno"], "unrecognized arguments: --jsno; did you mean --json?"),
        (["list", "--qqq"], "unrecognized arguments: --qqq; see zoo list --help"),
        (["data", "check", "3dpww"], "did you mean 3dpw"),
        (["info", "hemlets.open_tny"], "did you mean hemlets.open_tiny"),
        (["convert", "danet", "run/toy.yaml", "--variant", "h36m_ditw"], "did you mean h36m_itw?"),
        (["leaderboard", "open-v4"], "did you mean open-v2 or open-v1"),
        (["predict", "x.jpg", "--formats", "htm"], "did you mean html?"),
    ],
)
def test_one_line(folder, capsys, argv, message):
    assert main(argv) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("Seed set")]
    assert len(error) == 1
    assert error[0].startswith("zoo: ")
    assert message in error[0]
    assert main([*argv, "--debug"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_crops_that_do_not_fit_the_model(folder, capsys):
    tree = {**TOY, "model": {"class_path": "lightning_modules.i2l_meshnet.module.I2LMeshNetModule"}}
    Path("run/mixed.yaml").write_text(yaml.safe_dump(tree))
    assert main(["fit", "--config", "run/mixed.yaml"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("zoo: ")


def test_sigterm_saves_a_checkpoint_and_is_no_success(folder, capsys):
    term = ["--model.stop_at", "5", "--model.stop_by", str(int(signal.SIGTERM))]
    assert main(["fit", "--trust", "--config", "run/toy.yaml", *term]) == 143
    saved = torch.load("outputs/run/toy/checkpoints/last-interrupted.ckpt", weights_only=True)
    assert saved["global_step"] == 6  # the batch is finished
    assert "--ckpt_path" in capsys.readouterr().out


def test_sigterm_outside_of_a_trainer():
    code = "import os; from zoo.cli.boundary import run_bounded; run_bounded(lambda: os.kill(os.getpid(), 15), False)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 143


def test_a_full_disk_leaves_no_checkpoint(folder, capsys):
    """A limit on the size of files fails in the middle of a write, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
    try:
        assert main(["fit", "--trust", "--config", "run/toy.yaml", "--trainer.logger", "false"]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [path for path in Path("outputs").rglob("*") if path.is_file() and path.suffix != ".yaml"]


def test_few_files_that_may_be_open():
    """A loader's workers would wait for ever; the limit is raised as far as it may be, or it is an error."""
    code = "import resource; from zoo.cli.open_files import allow_open_files\n"
    code += "number = resource.RLIMIT_NOFILE; resource.setrlimit(number, (64, {})); allow_open_files()\n"
    code += "assert resource.getrlimit(number)[0] == 500"
    runs = [
        subprocess.run([sys.executable, "-c", code.format(most)], capture_output=True, text=True, check=False)
        for most in (500, 200)
    ]
    assert runs[0].returncode == 0, runs[0].stderr
    assert "at most 200 files may be open at once, too few for a run; set ulimit -n 1024" in runs[1].stderr


@pytest.mark.parametrize("start", ["script", "module"])
def test_ctrl_c_while_the_command_imports_its_modules(start, tmp_path):
    """Whichever module it is that is imported then; each makes the process send itself the signal."""
    point = tomllib.loads((Path(zoo.__file__).parents[1] / "pyproject.toml").read_text())["project"]["scripts"]["zoo"]
    module, function = point.split(":")
    script = tmp_path / "zoo"  # as pip writes it
    script.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == os.environ['WHEN']: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(zoo.__file__).parents[1])])
    argv = [sys.executable, *([str(script)] if start == "script" else ["-m", "zoo"]), "predict", "a.jpg"]
    for when, status in (
        ("zoo.errors", -signal.SIGINT),
        ("zoo.cli.boundary", -signal.SIGINT),
        ("zoo.prediction.sources", 130),
    ):
        run = subprocess.run(argv, env=os.environ | {"PYTHONPATH": path, "WHEN": when}, capture_output=True, text=True)
        assert run.returncode == status, when  # a shell calls the first 130, too
        assert run.stderr == ("zoo: stopped\n" if status == 130 else "")


def test_a_closed_pipe_is_silent():
    command = f"{sys.executable} -m zoo leaderboard --format csv | head -c 10"
    run = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr, len(run.stdout)) == (0, "", 10)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "run git lfs pull"),
        (b"PK\x03\x04" + bytes(200), "is damaged or incomplete"),
    ],
)
def test_what_is_no_checkpoint(folder, capsys, content, message):
    Path("a.ckpt").write_bytes(content)
    assert main(["validate", "--trust", "--config", "run/toy.yaml", "--ckpt_path", "a.ckpt"]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    Path("a.safetensors").write_bytes(content)
    assert main(["predict", "a.jpg", "--model", "a.safetensors"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_error_of_a_worker_process_is_its_last_line():
    lines = ["Caught ValueError in a worker.", "Original Traceback (most recent call last):", "ValueError: the cause"]
    assert message_of(ValueError("\n".join(lines))) == "the cause"


def test_a_cache_that_cannot_be_written_names_the_variable(folder, capsys, monkeypatch):
    Path("in_the_way").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(Path("in_the_way").absolute()))
    assert main(["demo", "--model", "i2l_meshnet.open_tiny"]) == 2
    assert "set ZOO_CACHE" in capsys.readouterr().err


def test_file_names_that_are_not_text(folder, capsys):
    """Latin-1, from an old archive, in the C locale: in a folder, from standard input, one of them damaged."""
    for name in (b"photos/caf\xe9.jpg", b"th\xe9.jpg"):
        Path(os.fsdecode(name)).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64)).save(os.fsdecode(name))
    Path(os.fsdecode(b"photos/g\xe2t\xe9.jpg")).write_bytes(b"no image")
    options = ["--whole", "--out", "out", "--model", "hemlets.open_tiny", "--formats", "json", "html"]
    command = [sys.executable, "-m", "zoo", "predict", "photos", "-", *options]
    strict = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "utf-8:strict"}
    run = subprocess.run(command, input=b"th\xe9.jpg\n", capture_output=True, env=strict, check=False)
    assert run.returncode == 1
    assert run.stderr.count(b"\n") == 2, run.stderr  # where the weights stand, and the damaged one
    assert b"g\\udce2t\\udce9.jpg is not an image" in run.stderr
    assert b"3 images: 2 predicted (2 people), 1 failed" in run.stdout
    for name in (b"caf\xe9", b"th\xe9"):
        record = json.loads(Path(os.fsdecode(b"out/" + name + b".json")).read_bytes())
        assert os.fsencode(record["image"]["file"]).startswith(name)
    Path(os.fsdecode(b"photos/g\xe2t\xe9.jpg")).unlink()
    assert main(["predict", "photos", *options]) == 0
    assert "1 image: 0 predicted (0 people), 1 done before" in capsys.readouterr().out
    assert main(["predict", os.fsdecode(b"th\xe9.jpg"), *options]) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": {"bakbone": "x"}}, "did you mean network.backbone"),
        ({"warmup_step": 1}, "did you mean warmup_steps"),
    ],
)
def test_settings_of_loaded_weights(settings, message):
    with pytest.raises(ZooError, match=message):
        zoo.load("hemlets.open_tiny", **settings)
