"""Files of others that would fill the disk or the memory, never end, or have a name that no file can have."""

import io
import os
import pickle
import re
import signal
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import zoo
from datamodules import BENCHMARKS, get_benchmark
from lightning_modules.common.initial_weights import read_state
from zoo.checkpoints.archives import unpack
from zoo.checkpoints.convert import read_official
from zoo.checkpoints.lightning_files import check_checkpoint
from zoo.cli import main
from zoo.errors import ZooError
from zoo.prediction.detect.boxes_file import BoxesFile
from zoo.prediction.images import read_image
from zoo.results.files import MEASURED, read_result, read_results

ROOT = Path(__file__).parents[2]


class _Zeros(io.RawIOBase):
    def readinto(self, buffer):
        buffer[:] = bytes(len(buffer))
        return len(buffer)


def _zip_bomb(path, size=2 * 10**9):
    """A checkpoint as torch writes it, but for a compressed tensor of zeros that says it has `size` bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps({"state_dict": {}}))
        archive.writestr("a/version", "3\n")
        archive.writestr("a/data/0", bytes(10**6))
    content = path.read_bytes()
    path.write_bytes(content.replace((10**6).to_bytes(4, "little"), size.to_bytes(4, "little")))
    return path


@pytest.mark.parametrize("name", ["run.ckpt", "weights.pth"])
def test_a_checkpoint_that_would_fill_the_memory(name, tmp_path):
    path = _zip_bomb(tmp_path / name)
    start = time.monotonic()
    for read in (read_official, check_checkpoint, zoo.load) if name == "run.ckpt" else (read_official,):
        with pytest.raises(ZooError, match=r"its parts are compressed, and would grow to 2.0 GB"):
            read(path)
    with pytest.raises(ValueError, match="is damaged, or holds more than plain weights"):
        read_state(path)
    assert main(["package", str(path), "hemlets.mine", "--unlisted", "--folder", str(tmp_path)]) == 2
    assert time.monotonic() - start < 10
    assert list(tmp_path.iterdir()) == [path]


def test_archives_that_would_fill_the_disk(tmp_path):
    """Refused by what their members say, before these are decompressed."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pth", bytes(10**6))
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content.replace((10**6).to_bytes(4, "little"), (3 * 10**9).to_bytes(4, "little")))
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("a.pth")
        member.size = 10**6
        archive.addfile(member, io.BytesIO(bytes(10**6)))
        member = tarfile.TarInfo("b.pth")
        member.size = 3 * 10**9
        archive.fileobj.write(member.tobuf())  # and what should follow is not there
    for path in (tmp_path / "a.zip", tmp_path / "a.tar.gz"):
        with pytest.raises(ZooError, match="it would grow to 3 GB, 100 times its size"):
            unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def pipe(tmp_path):
    """A pipe that nobody writes into; a read of it ends the test after a while."""

    def stop(number, frame):
        raise AssertionError("it waits for ever")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield lambda name: (os.mkfifo(tmp_path / name), tmp_path / name)[1]
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_pipes_in_the_place_of_files(pipe, tmp_path, capsys):
    for name, read in {
        "open-v1__a.json": read_result,
        "a.jpg": read_image,
        "boxes.json": BoxesFile,
        "boxes.csv": BoxesFile,
        "a.safetensors": zoo.load,
        "a.ckpt": zoo.load,
        "a.pth": read_official,
        "last.ckpt": check_checkpoint,
    }.items():
        with pytest.raises(ZooError, match=re.escape(name)):
            read(pipe(name))
    assert len(read_results(tmp_path)) == len(list(MEASURED.glob("*__*.json")))  # without the pipe
    for argv in (
        ["predict", str(pipe("b.jpg"))],
        ["predict", "--boxes", str(tmp_path / "boxes.csv"), str(ROOT / "README.md")],
        ["fit", "--config", str(pipe("a.yaml"))],
        ["body", "convert", str(pipe("SMPL_NEUTRAL.pkl"))],
        ["body", "convert", str(pipe("SMPL_NEUTRAL.npz"))],
    ):
        assert main(argv) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", BENCHMARKS)
def test_pipes_in_the_place_of_annotations(name, pipe, tmp_path):
    """What a benchmark asks for first is as missing when it is a pipe."""
    data = get_benchmark(name)(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=" has no ") as missing:
        data.table(data.splits[0])
    wanted = re.findall(r"[\w./-]+", re.search(r" has no (.+?): ", str(missing.value))[1])
    for file in (word for word in wanted if word != "or"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        pipe(file)
    with pytest.raises(FileNotFoundError) as again:
        data.table(data.splits[0])
    assert str(again.value) == str(missing.value)


@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000, "a/" * 3000, "a\0b"])
def test_names_that_no_file_can_have(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for argv in (
        ["predict", f"{name}.jpg"],
        ["predict", "--boxes", f"{name}.csv", str(ROOT / "README.md")],
        ["predict", str(ROOT / "README.md"), "--model", name],
        ["fit", "--config", f"{name}.yaml"],
        ["test", "--config", "hemlets/open_tiny", "--ckpt_path", f"{name}.ckpt"],
        ["convert", "hemlets", f"{name}.pth"],
        ["package", f"{name}.ckpt", "hemlets.mine"],
        ["body", "convert", f"{name}.pkl"],
        ["info", name],
    ):
        assert main(argv) == 2, argv[0]
        [line] = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("zoo: ")
        assert "(--debug shows where)" not in line, (argv[0], line[-200:])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_unpickled():
    """Every call of `torch.load` and `numpy.load` says so itself, wherever it is called from."""
    says, calls = {"torch": "weights_only=True", "np": "allow_pickle=False"}, []
    for package in ("body", "metrics", "datamodules", "lightning_modules", "zoo", "benchmarks"):
        for path in (ROOT / package).rglob("*.py"):
            calls += [(path, *found) for found in re.findall(r"\b(torch|np)\.load\(([^\n]*)", path.read_text())]
    assert len(calls) > 10
    assert [call for call in calls if says[call[1]] not in call[2]] == []


def test_every_dependency_has_an_upper_bound():
    """But for the tools of development; and the versions that the tests ran with are within."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [lines for group, lines in project["optional-dependencies"].items() if group not in ("dev", "docs")]
    needed = [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]
    bounds = {one.name: {spec.operator for spec in one.specifier} & {"<", "<=", "==", "~="} for one in needed}
    assert [name for name, found in bounds.items() if not found and name != project["name"]] == []
    lines = [line.partition(";")[0].partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]
    ran = {canonicalize_name(name.strip()): version.strip() for name, _, version in lines}
    for one in needed:
        assert ran[canonicalize_name(one.name)] in one.specifier, one
