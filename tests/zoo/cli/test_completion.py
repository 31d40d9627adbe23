"""Completion in a real bash, and what is said of words that are nearly right."""

import shutil
import subprocess

import pytest

from zoo.cli import main
from zoo.cli.argument_errors import explain_arguments
from zoo.cli.lightning_arguments import parse_run_options
from zoo.cli.options import parse_options
from zoo.errors import ZooError

ASK = """
source {script}
ask() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _shtab_zoo zoo "${{@: -1}}" "${{@: -2:1}}"
    echo "${{COMPREPLY[*]}}"
}}
"""
WORDS = {
    "zoo pr": {"predict", "protocols"},
    "zoo info i2l_meshnet.op": {"i2l_meshnet.open", "i2l_meshnet.open_tiny"},
    "zoo fit --config hemlets/open_": {"hemlets/open_tiny", "hemlets/open_ablation"},
    "zoo test --weights nbf.up": {"nbf.up3d"},
    "zoo predict a.jpg --model hemlets.open_": {"hemlets.open_tiny"},
    "zoo protocols lsp-test": {"lsp-test-2d", "lsp-test-2d-14j"},
    "zoo fit --trainer.max": {"--trainer.max_epochs", "--trainer.max_steps", "--trainer.max_time"},
    "zoo data pre": {"prepare"},
    "zoo export hemlets --format on": {"onnx"},
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_commands_options_and_names(tmp_path, capsys):
    assert main(["completion", "bash"]) == 0
    (tmp_path / "zoo.bash").write_text(capsys.readouterr().out)
    questions = "\n".join(f"ask {words}" for words in WORDS)
    script = ASK.format(script=tmp_path / "zoo.bash") + questions
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert [set(line.split()) for line in done.stdout.splitlines()] == list(WORDS.values())


@pytest.mark.parametrize("shell", ["zsh", "fish", "powershell"])
def test_other_shells_have_a_script(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "leaderboard" in capsys.readouterr().out


def test_misspelt_options_are_named():
    for words, meant in {
        "--weigths hemlets": "--weights",
        "--wandbb": "--wandb",
        "--ckpt-pth=a": "--ckpt_path",
    }.items():
        with pytest.raises(ZooError, match=rf"no option .*; did you mean {meant}"):
            parse_run_options(["fit", "--config", "hemlets/open_tiny", *words.split()])
    with pytest.raises(ZooError, match="did you mean layout"):
        parse_options(["layuot=2"], lambda layout="": None, ())
    words = ["--config", "hemlets/open_tiny", "--seed_everything", "1", "--ckpt_path=a"]
    assert parse_run_options(["fit", *words]).arguments[-3:] == ("--seed_everything", "1", "--ckpt_path=a")


def test_a_choice_that_is_none_is_answered_with_the_near_one():
    message = (
        'Parser key "model": Problem with given class_path \'M\': Parser key "root_depth": Expected a '
        "typing.Literal['box', 'rootnet', 'given']. Got value: boxx. "
        "Given value: NestedArg(key='root_depth', val='boxx')"
    )
    assert explain_arguments(message) == "model: no root_depth 'boxx'; did you mean box?"
