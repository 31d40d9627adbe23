"""Every name that a command takes, with a slip of the pen: the answer is one line and names what was meant."""

import argparse
from importlib import import_module

import pytest

from datamodules import BENCHMARKS
from lightning_modules import METHODS
from metrics.protocols import PROTOCOLS
from zoo.checkpoints.listing import list_models
from zoo.cli import main
from zoo.cli.dispatch import COMMANDS, LIGHTNING, add_command_arguments
from zoo.cli.lightning_arguments import add_zoo_options
from zoo.documents.resources import list_configs
from zoo.errors import ZooError
from zoo.reproduction.plan import select_rows
from zoo.results.reported import read_reported


def slip(name: str) -> str:
    """The name without the letter in its middle."""
    return name[: len(name) // 2] + name[len(name) // 2 + 1 :]


def said(capsys, *words) -> str:
    assert main(list(words)) == 2, words
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    return err


@pytest.mark.parametrize(
    ("before", "names"),
    [
        ((), [*COMMANDS, *LIGHTNING]),
        (("info",), list_models()),
        (("info",), list(METHODS)),
        (("protocols",), list(PROTOCOLS)),
        (("leaderboard",), [name for name in PROTOCOLS if name.startswith("open")]),
        (("fit", "--config"), list_configs()[::4]),
        (("data", "check"), list(BENCHMARKS)),
        (("data", "prepare"), list(BENCHMARKS)),
        (("reproduce",), [paper.method for paper in read_reported() if paper.tables]),
        (("test", "--weights"), list_models()[:3]),
        (("predict", "PHOTO", "--whole", "--model"), list_models()[:3]),
        (("fetch",), list_models()[:3]),
        (("export",), list_models()[:3]),
        (("demo", "--model"), list_models()[:3]),
        (("push", "--repo", "a/b"), list_models()[:3]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_name(before, names, capsys, tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    words = [str(tmp_path / "photo.png") if word == "PHOTO" else word for word in before]
    for name in names:
        wrong = slip(name)
        if wrong in names:
            continue
        error = said(capsys, *words, wrong)
        assert "did you mean" in error
        assert name in error, error


def test_a_table_or_a_row_of_a_paper():
    for paper in read_reported():
        numbers = {table.table for table in paper.tables}
        for number in numbers:
            if f"{number}x" not in numbers:
                with pytest.raises(ZooError, match=r"no table .* did you mean ") as caught:
                    select_rows(paper, f"{number}x", None)
                assert number in str(caught.value).partition("mean")[2]
        for row in {row.method for table in paper.tables for row in table.rows if len(row.method) > 8}:
            with pytest.raises(ZooError) as caught:
                select_rows(paper, None, slip(row))
            assert "did you mean" in str(caught.value)
            assert row in str(caught.value)


def parser_of(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(command)
    add_command_arguments(command, parser) if command in COMMANDS else add_zoo_options(parser)
    return parser


@pytest.mark.parametrize("command", [*COMMANDS, *LIGHTNING])
def test_an_option_or_one_of_its_choices(command, capsys):
    parser = parser_of(command)
    needed = [next(iter(action.choices or ["x"])) for action in parser._actions if not action.option_strings]
    needed += [word for action in parser._actions if action.option_strings and action.required
               for word in (action.option_strings[0], "x")]  # fmt: skip
    for action in parser._actions:
        for option in (option for option in action.option_strings if len(option) > 5):
            error = said(capsys, command, *needed, slip(option), *(["x"] if action.nargs != 0 else []))
            assert "did you mean" in error, error
            assert option in error
        for choice in action.choices or ():
            wrong = slip(str(choice))
            if wrong not in action.choices and action.option_strings:
                error = said(capsys, command, *needed, action.option_strings[-1], wrong)
                assert "did you mean" in error, error
                assert str(choice) in error


def test_every_command_is_a_module():
    for command in COMMANDS:
        assert import_module(f"zoo.cli.commands.{command}").run
