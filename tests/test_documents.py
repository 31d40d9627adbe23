"""Every code block of the documents: Python is run, commands are parsed by their own parsers."""

import ast
import re
import shlex
import subprocess
import textwrap
import tomllib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import pytest
import skimage.data
import torch
import yaml

from lightning_modules import METHODS
from zoo.cli.argument_errors import OneLineParser
from zoo.cli.dispatch import COMMANDS, LIGHTNING, add_command_arguments
from zoo.documents.resources import VERSION, find_config

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
DOCUMENTS = sorted(TRACKED.split())
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)

NOT_RUN = {
    "torch.load(": "the authors' file",
    "from_official(": "the authors' file",
    'device="cuda"': "a GPU",
    "user/repo": "the Hub",
    "runs/best": "a training's result",
    "last.ckpt": "a training's result",
    "compile=True": "a compiler and a minute; `tests.zoo.prediction.compiled_networks` does it",
    "Motion": "a sequence of predictions; `test_motion.py` makes some",
    "write_sequence(": "a sequence of predictions; `test_motion.py` makes some",
    "h36m_muco_coco": "the authors' weights",
    "pretrained=True": "timm's weights from the Hub",
    "make_bundle": "the assets of open-v2",
    "from_bundle": "the assets of open-v2",
    "generator.": "the assets of open-v2",
}
"""What a statement that is not run contains, and what it would need."""


def blocks(language):
    for document in DOCUMENTS:
        for kind, text in _FENCE.findall((ROOT / document).read_text(encoding="utf-8")):
            if kind == language:
                yield document, textwrap.dedent(text)


@pytest.fixture
def photo_folder(tmp_path, monkeypatch):
    """A folder with the image that the documents name: one woman, to the hips."""
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.resize(skimage.data.astronaut()[..., ::-1], (560, 480)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("document", sorted({name for name, _ in blocks("python")}))
def test_python_runs(document, photo_folder):
    import zoo

    names = {"zoo": zoo, "torch": torch, "Path": Path, "image": torch.rand(1, 3, 128, 128)}
    names["picture"] = torch.rand(1, 3, 96, 96)
    for name, text in blocks("python"):
        if name != document:
            continue
        for statement in ast.parse(text).body:
            source = ast.get_source_segment(text, statement)
            if not any(mark in source for mark in NOT_RUN):
                exec(compile(ast.Module([statement], []), document, "exec"), names)


def commands():
    """Lines of blocks that call `zoo`, without what explains them."""
    for language in ("", "bash", "text"):
        for document, text in blocks(language):
            for line in text.replace("\\\n", " ").splitlines():
                if line.startswith(("zoo ", ".venv/bin/zoo ")):
                    call = re.split(
                        r"\s{2,}|\s+#|\s>\s", re.sub(r" \s+(?=--)", " ", line).partition("zoo ")[2].strip()
                    )[0]
                    yield document, call


@pytest.mark.parametrize(("document", "call"), sorted(set(commands())))
def test_commands_parse(document, call, capsys):
    name, *words = shlex.split(re.sub(r"\w+\|(\w+)", r"\1", call))
    assert name in {**COMMANDS, **LIGHTNING}, f"{document}: zoo {name}"
    if name in LIGHTNING:
        for option, value in pairwise(words):
            if option == "--config" and not value.startswith(("mine", "...")):
                assert find_config(value).is_file()
        return
    parser = OneLineParser(prog=f"zoo {name}")
    add_command_arguments(name, parser)
    parser.parse_args(words)


def test_the_version_is_one():
    (newest, *_) = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]  # hatchling reads the one of the package
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == newest == VERSION


def test_the_readme_s_numbers_are_the_stored_ones(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from generate.numbers import COLUMNS_OF, refreshed

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"| {title} |" in text for title in COLUMNS_OF)
    assert refreshed(text) == text, "run: PYTHONPATH=docs:. python -m generate.numbers"
    rows = re.compile(rf"^\| (?:`\w+\.\w+`|{'|'.join(METHODS)}) \|.*$", re.M)
    spoilt = rows.sub(lambda row: re.sub(r"(?<=\| )[\d.]+(?: / [\d.]+)*(?= \|)", "0", row.group()), text)
    assert spoilt.count("| 0 ") == 2 * 5 * 4  # tables, methods, columns
    assert refreshed(spoilt) == text


def shell_lines():
    """Every line of a block that is typed into a shell, without what explains it."""
    for language in ("", "bash", "text"):
        for document, text in blocks(language):
            for line in text.replace("\\\n", " ").splitlines():
                words = re.split(r"\s{2,}|\s+#", line.strip())[0]
                if re.match(SHELL, words):
                    yield document, words


SHELL = r"(make|pip|\.venv/bin/pip|python|PYTHONPATH=\S+ python|docker|git|mkdir|wandb) "
OTHERS = {"docker": "no daemon in the tests", "git": "", "mkdir": "", "wandb": "its server"}
"""Programs that are not run, and what they would need."""


def test_what_is_typed_into_a_shell_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    seen = set()
    for document, line in shell_lines():
        program, _, rest = re.sub(r"^PYTHONPATH=\S+ |^\.venv/bin/", "", line).partition(" ")
        seen.add(program)
        if program == "make":
            assert rest.split()[0] in targets, f"{document}: {line}"
        elif program == "python" and rest.startswith("-m "):
            module = rest.split()[1]
            folder = ROOT / "docs" if module.startswith("generate") else ROOT
            own = folder.joinpath(*module.split(".")).with_suffix(".py").is_file() or (folder / module).is_dir()
            assert own or find_spec(module.partition(".")[0]), f"{document}: {line}"
        elif program == "pip":
            assert set(re.findall(r"\w+", "".join(re.findall(r"\[(.*?)\]", rest)))) <= extras, f"{document}: {line}"
        else:
            assert program in {*OTHERS, "python"}, f"{document}: {line}"
    assert {"make", "pip", "python", "docker"} <= seen


def test_every_block_is_of_a_kind_that_a_test_reads():
    """Python is run, shells are parsed, data are read; what has no language is a table of files or one of these."""
    for document in DOCUMENTS:
        for language, text in _FENCE.findall((ROOT / document).read_text(encoding="utf-8")):
            assert language in {"python", "bash", "text", "", "yaml", "json", "bibtex"}, f"{document}: {language}"
            if language in ("yaml", "json"):
                assert yaml.safe_load(text) is not None, document
            if language == "bash":
                for line in text.replace("\\\n", " ").splitlines():
                    known = line.startswith((" ", "#", "zoo ", ".venv/bin/zoo ", "cd ")) or re.match(SHELL, line)
                    assert known or not line.strip(), f"{document}: {line}"


def test_links_between_documents_lead_somewhere():
    for document in DOCUMENTS:
        if document.startswith("docs/"):
            continue  # MkDocs checks those, and they lead to generated pages
        for target in re.findall(r"\]\(([^)\s#]+)", (ROOT / document).read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                assert (ROOT / document).parent.joinpath(target).exists(), f"{document}: {target}"
