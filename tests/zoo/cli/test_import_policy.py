"""A configuration is text that people share: none runs code, whatever it names and wherever."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import zoo
from zoo.cli import main
from zoo.cli.import_policy import check_class_paths
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config, list_configs
from zoo.errors import ZooError

BASE = {"base": "i2l_meshnet/open_tiny"}
LIGHTNING = "pytorch_lightning"


def popen(marker):
    return {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", str(marker)]}}


def callback(name, **settings):
    return {"trainer": {"callbacks": [{"class_path": f"{LIGHTNING}.callbacks.{name}", "init_args": settings}]}}


ATTACKS = {
    "model": lambda m: {"model": popen(m)},
    "callback": lambda m: {"trainer": {"callbacks": [popen(m)]}},
    "any argument of a strategy": lambda m: {
        "trainer": {
            "strategy": {"class_path": f"{LIGHTNING}.strategies.DDPStrategy", "init_args": {"ddp_comm_state": popen(m)}}
        }
    },
    "keywords of a callback": lambda m: callback("RichProgressBar", console_kwargs={"file": popen(m)}),
    "keywords of a summary": lambda m: callback("RichModelSummary", max_depth=1, style=popen(m)),
    "function": lambda m: callback("LambdaCallback", on_fit_start="os.system"),
    "plugin": lambda m: {"trainer": {"plugins": [popen(m)]}},
}


def run(argv, capsys):
    """Exit code and last line of a command that is refused."""
    try:
        code = main(argv)
    except SystemExit as end:  # of Lightning's parser
        code = end.code
    return code, capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("stage", ["fit", "test"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_configuration_names_is_not_run(attack, stage, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    marker = tmp_path / "marker"
    Path("attack.yaml").write_text(yaml.safe_dump({**BASE, **ATTACKS[attack](marker)}))
    Path("on_top.yaml").write_text(yaml.safe_dump({"base": "attack.yaml"}))
    for config in ("attack.yaml", "on_top.yaml"):
        weights = ["--weights", "i2l_meshnet.open_tiny"] if stage == "test" else []
        code, message = run([stage, "--config", config, "--trainer.fast_dev_run", "1", *weights], capsys)
        assert code == 2
        assert "subprocess.Popen" in message or "os.system" in message
    assert not marker.exists()


@pytest.mark.parametrize("option", ["--model", "--data", "--trainer.callbacks", "--trainer.logger"])
@pytest.mark.parametrize("as_file", [False, True])
def test_nor_what_the_command_line_or_a_file_within_names(option, as_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    value = json.dumps(popen(tmp_path / "marker"))
    Path("part.yaml").write_text(value)
    code, _ = run(["fit", "--config", BASE["base"], f"{option}={'part.yaml' if as_file else value}"], capsys)
    assert code == 2
    assert not (tmp_path / "marker").exists()


def test_an_any_stays_text_on_the_command_line(tmp_path, monkeypatch, capsys):
    """Nothing is built where an argument takes any value; the run goes on, or is refused for another cause."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    state = json.dumps(popen(tmp_path / "marker"))
    argv = ["validate", "--config", BASE["base"], "--trainer.strategy", "DDPStrategy", "--trainer.devices", "0"]
    run([*argv, f"--trainer.strategy.ddp_comm_state={state}"], capsys)
    assert not (tmp_path / "marker").exists()


def test_all_bundled_configurations_may_be_used():
    for name in list_configs():
        check_class_paths(read_config(find_config(name)), name)


NINE = "{1}: &{1} [*{0}, *{0}, *{0}, *{0}, *{0}, *{0}, *{0}, *{0}, *{0}]\n"
ALIASES = "a: &a [1, 1]\n" + "".join(NINE.format("abcdefgh"[i], "bcdefghi"[i]) for i in range(8))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ALIASES, "values"),
        ("[" * 5000, "nested too deeply"),
        ("a: &a [*a]", "values"),
        ("x: '" + "1" * 200_001 + "'", "at most 200,000 bytes"),
        ("x: " + "9" * 10_000, "Exceeds the limit"),
        ("x: 1" + ":59" * 10_000, "a number of 59,070 bits"),
        ("x: 2026-02-31", "day is out of range"),
    ],
    ids=["aliases", "depth", "circle", "size", "digits", "base 60", "date"],
)
def test_yaml_bombs_are_refused(text, message, tmp_path):
    (tmp_path / "bomb.yaml").write_text(text)
    with pytest.raises(ZooError, match=message):
        read_config(tmp_path / "bomb.yaml")


TOY = """
from pathlib import Path
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
Path("imported").touch()
class Mine(I2LMeshNetModule): pass
"""


def test_modules_of_the_current_folder_need_trust(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(TOY)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model": {"class_path": "mine.Mine"}, **BASE}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])  # as of an installed command
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    command = ["fit", "--config", "config.yaml", "--print_config"]
    assert main(command) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "config.yaml names mine.Mine" in said
    assert not (tmp_path / "imported").exists()
    with pytest.raises(SystemExit) as end:  # Lightning's parser has printed
        main([*command, "--trust"])
    assert end.value.code in (0, None)
    assert "class_path: mine.Mine" in capsys.readouterr().out
    assert (tmp_path / "imported").exists()


@pytest.mark.parametrize("name", ["metrics.py", "body/__init__.py"])
def test_a_file_that_hides_our_package_is_named(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("MPJPE = 1\n")
    (tmp_path / "script.py").write_text("import zoo\nzoo.load\n")
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 1
    last = ran.stderr.strip().splitlines()[-1]
    assert f"{(tmp_path / name).resolve()} hides the package '{Path(name).parts[0].removesuffix('.py')}'" in last
    assert "rename it" in last


def test_no_file_of_the_current_folder_stands_in_for_a_library(tmp_path):
    for name in ("__future__", "typing", "pathlib", "difflib", "argparse", "yaml", "metrics"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    home = Path(zoo.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    listed = [sys.executable, "-m", "zoo", "list"]
    ran = subprocess.run(listed, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "i2l_meshnet.open_tiny" in ran.stdout
    assert not (tmp_path / "imported").exists()
    del environment["PYTHONPATH"]  # in a checkout it is the folder of zoo
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "zoo", "--version"], cwd=home, env=environment, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr
