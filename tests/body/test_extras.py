"""What an installation without extras lacks is said by name, and nothing else needs it."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from body.extras import MissingExtra, import_extra
from datamodules import get_benchmark
from zoo.cli import main

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = [ROOT / name for name in subprocess.run(
    ["git", "ls-files", "body", "metrics", "datamodules", "lightning_modules", "zoo"],
    cwd=ROOT, check=True, capture_output=True, text=True).stdout.split() if name.endswith(".py")]  # fmt: skip
MODULES = {"opencv": "cv2", "pyyaml": "yaml", "pillow": "PIL", "opencv_python_headless": "cv2"}
ON_FIRST_USE = {"zoo/app": {"gradio"}, "zoo/deployment": {"onnx", "onnxruntime", "onnxscript", "openvino"},
                "zoo/prediction/video": {"av"}, "body/build_open_body": {"anny"}}  # fmt: skip
"""Folders that are imported once their extra is known to be there."""


def module_of(requirement: str) -> str:
    name = re.match(r"[\w-]+", requirement)[0].replace("-", "_")
    return MODULES.get(name, name)


def test_modules_import_what_the_base_installation_has():
    base = {module_of(one) for one in PROJECT["dependencies"]} | set(sys.stdlib_module_names)
    base |= {"body", "metrics", "datamodules", "lightning_modules", "zoo", "lightning_fabric"}
    for file in FILES:
        path = file.relative_to(ROOT).as_posix()
        more = set().union(*(names for folder, names in ON_FIRST_USE.items() if path.startswith(folder)))
        for node in ast.parse(file.read_text("utf-8")).body:
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= base | more, path


def test_every_extra_brings_what_is_asked_of_it():
    text = "".join(file.read_text("utf-8") for file in FILES)
    asked = set(re.findall(r'import_extra\("(\w+)[\w.]*", "(\w+)"\)', text))
    ours = PROJECT["optional-dependencies"]
    brought = {module_of(one) for extra, group in ours.items() if extra not in ("dev", "docs") for one in group}
    assert {module for module, _ in asked} == brought
    for module, extra in asked:
        assert module in {module_of(one) for one in ours[extra]}


def test_a_missing_package_is_named_with_its_extra(monkeypatch, capsys, tmp_path):
    for name in ("h5py", "wandb"):
        monkeypatch.setitem(sys.modules, name, None)
    assert get_benchmark("human36m")
    with pytest.raises(MissingExtra, match=r"h5py is not installed: pip install 'human-mesh-zoo\[data\]'"):
        import_extra("h5py", "data")
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "--config", "i2l_meshnet/open_tiny", "--wandb", "offline"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("zoo: wandb is not installed: pip install")
