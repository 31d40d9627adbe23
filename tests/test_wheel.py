"""A wheel built from this checkout works without it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from twine.commands.check import check

from zoo.documents.resources import VERSION

ROOT = Path(__file__).parents[1]
LOOK = """
import zoo, zoo.documents.resources, body.open_body
from pathlib import Path
home = Path(zoo.__file__).parents[1]
print(home)
print(zoo.documents.resources.find_config("i2l_meshnet/open_tiny").read_text().count("class_path"))
print(len(body.open_body.DATA_FILE.read_bytes()))
print(zoo.list_models())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel, and the names in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    assert wheel.stat().st_size < 95_000_000  # PyPI takes files below 100 MB
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return wheel, archive.namelist()


@pytest.fixture(scope="module")
def carried(built):
    return built[1]


@pytest.fixture(scope="module")
def installed(built):
    """The wheel without its weights, which are nearly all of it."""
    wheel, names = built
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "site", [name for name in names if not name.endswith(".safetensors")])
    return wheel.parent / "site"


def test_it_carries_the_list_of_weights_configs_and_the_open_body(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    home, models, body_bytes, names = done.stdout.strip().splitlines()
    assert Path(home) == installed
    assert models == "1"
    assert int(body_bytes) == (ROOT / "body/data/open_body.npz").stat().st_size
    assert "i2l_meshnet.open_tiny" in names


def test_it_carries_every_bundled_weight(carried):
    ours = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "zoo").rglob("*.safetensors"))
    weights = sorted(name for name in carried if name.endswith(".safetensors"))
    assert weights == ours


def test_it_has_the_version_of_the_package(installed):
    (facts,) = installed.glob("*.dist-info/METADATA")
    assert f"\nVersion: {VERSION}\n" in facts.read_text(encoding="utf-8")


def test_it_leaves_tests_and_benchmarks_behind(installed):
    tops = {path.name for path in installed.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
    assert tops == {"body", "metrics", "datamodules", "lightning_modules", "zoo"}


def test_it_carries_every_file_that_the_packages_need_beside_their_code(carried):
    known = subprocess.run(["git", "ls-files", "zoo", "body", "metrics", "datamodules", "lightning_modules"],
                           cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()  # fmt: skip
    wanted = [name for name in known if not name.endswith(".md")]
    assert {Path(name).suffix for name in wanted} > {".css", ".yaml", ".json", ".safetensors", ".npz"}
    assert set(wanted) <= set(carried)


def test_the_index_would_take_its_metadata(built):
    assert not check([str(built[0])], strict=True)
