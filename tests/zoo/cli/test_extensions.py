"""A method, a benchmark, a metric and a backbone from outside of the repository: few places, and everything works."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import zoo
from zoo.cli import main

METRIC = '''
from dataclasses import replace

from lab_bench import PROTOCOL
from metrics.base import SampleMean
from metrics.functional import point_errors
from metrics.info import millimetres


class WorstJoint(SampleMean):
    """Largest error of a sample."""

    name, info, field = "worst_joint", millimetres("worst joint"), "joints"

    def errors(self, prediction, target, valid):
        return point_errors(prediction, target).amax(1)


WORST = replace(PROTOCOL, id="lab_bench-worst", samples_of=PROTOCOL.id, scores=(WorstJoint,), alignment="none")
'''
BACKBONE = """
import timm


@timm.models.register_model
def lab_backbone(pretrained=False, **options):
    return timm.create_model("resnet18", stem_width=8, channels=(8, 8, 16, 16), **options)
"""
RUN = """
import numpy as np
import torch

import zoo
from datamodules import get_benchmark
from datamodules.settings import CropSettings
from zoo.cli import main

for words in (["list"], ["data", "check"], ["fit", "--config", "run.yaml", "--trainer.default_root_dir=run"]):
    assert main(words) == 0
weights = "lab_net.mine.safetensors"
assert main(["package", "run/checkpoints/last.ckpt", "lab_net.mine", "--folder", ".", "--unlisted"]) == 0
assert main(["test", "--config", "run.yaml", "--weights", weights, "--results", "results"]) == 0
data = get_benchmark("lab_bench")("people", crops=CropSettings(size=64, skeleton="smpl24"), batch_size=4, num_workers=0)
data.setup("test")
with torch.no_grad():
    np.save("joints.npy", zoo.load(weights).predict(next(iter(data.test_dataloader()))).joints)
"""
EXTRA = {
    "lab_metric": (METRIC, "protocols", "lab_metric:WORST"),
    "lab_backbone": (BACKBONE, "backbones", "lab_backbone:lab_backbone"),
}


def install(folder, entry_points):
    """What pip leaves of a package beside its modules."""
    info = folder / f"{folder.name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 1.0\n")
    rows = (
        f"[{group}]\n" + "\n".join(f"{n} = {v}" for n, v in points.items()) for group, points in entry_points.items()
    )
    (info / "entry_points.txt").write_text("\n".join(rows))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The four packages, and the environment in which they are installed."""
    folder, here = tmp_path_factory.mktemp("lab"), Path.cwd()
    os.chdir(folder)
    try:
        assert main(["new", "method", "lab_net"]) == main(["new", "datamodule", "lab_bench"]) == 0
    finally:
        os.chdir(here)
    for name in ("lab_net", "lab_bench"):
        project = tomllib.loads((folder / name / "pyproject.toml").read_text())["project"]
        install(folder / name, project["entry-points"])
    for name, (code, group, value) in EXTRA.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.py").write_text(code)
        install(folder / name, {f"human_mesh_zoo.{group}": {"lab": value}})
    paths = [*(folder / name for name in ("lab_net", "lab_bench", *EXTRA)), Path(zoo.__file__).parents[1]]
    path = os.pathsep.join(map(str, paths))
    return folder, {**os.environ, "PYTHONPATH": path, "ZOO_CACHE": str(folder / "cache"), "ZOO_RESULTS": str(folder)}


def run(lab, *command):
    folder, environment = lab
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_few_places_are_touched(lab):
    folder, _ = lab
    for name in ("lab_net", "lab_bench"):
        places = [
            path.name for path in (folder / name).iterdir() if path.is_file() and not path.name.startswith("test_")
        ]
        assert sorted(places) == [f"{name}.py", f"{name}.yaml", "pyproject.toml"]
    for name in EXTRA:  # a module, and its entry point
        places = [path for path in (folder / name).rglob("*") if path.is_file() and path.name != "METADATA"]
        assert len(places) == 2


@pytest.mark.parametrize("name", ["lab_net", "lab_bench"])
def test_what_zoo_new_writes_becomes_a_wheel_with_its_entry_points(lab, name, tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=lab[0] / name, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        points = archive.read(f"{name}-0.1.0.dist-info/entry_points.txt").decode()
        assert f"{name}.py" in archive.namelist()
    assert f"{name} = {name}:" in points


def test_what_zoo_new_writes_passes_its_own_tests(lab):
    assert "4 passed" in run(lab, "-m", "pytest", "-q", "-p", "no:cacheprovider", "lab_net", "lab_bench")


def test_all_four_are_listed_trained_and_tested(lab):
    """In one process, since most of the time is that of its start."""
    folder, _ = lab
    write_people(folder / "people")
    config = {
        "base": ["lab_bench/lab_bench.yaml"],
        "model": {
            "class_path": "lab_net.LabNetModule",
            "init_args": {"network": {"backbone": "lab_backbone", "crop_size": 64}, "protocol": "lab_bench-worst"},
        },
        "data": {"init_args": {"root": str(folder / "people"), "batch_size": 2, "num_workers": 0}},
        "trainer": {"max_steps": 2, "accelerator": "cpu"},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config))
    said = run(lab, "-c", RUN)
    for text in ("installed packages: lab_net", "lab_bench-test", "worst joint"):
        assert text in said
    (result,) = (json.loads(path.read_text()) for path in (folder / "results").rglob("*.json"))
    assert result["method"] == "lab_net"
    assert result["protocol"] == "lab_bench-worst"
    # the errors of the packaged weights, relative to the root, which is not scored
    true = np.array([person["joints"] for person in json.loads((folder / "people/test.json").read_text())])
    predicted = np.load(folder / "joints.npy")
    errors = np.linalg.norm((predicted - predicted[:, :1]) - (true - true[:, :1]), axis=-1)[:, 1:]
    assert result["values"]["worst_joint"] == pytest.approx(1000 * errors.max(1).mean(), rel=1e-4)


def write_people(folder):
    """Four people for training and four for testing, in the layout of the generated benchmark."""
    folder.mkdir()
    random = np.random.default_rng(1)
    for split in ("train", "test"):
        people = []
        for number in range(4):
            Image.fromarray(random.integers(0, 255, (96, 96, 3), np.uint8)).save(folder / f"{split}{number}.png")
            joints = (random.uniform(-0.5, 0.5, (24, 3)) + np.array((0, 0, 4))).tolist()
            person = {"image": f"{split}{number}.png", "camera": [200, 200, 48, 48], "box": [20, 20, 56, 56]}
            people.append({**person, "joints": joints})
        (folder / f"{split}.json").write_text(json.dumps(people))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Lab-Net", "cannot name a Python module"),
        ("class", "cannot name a Python module"),
        ("nbf", "there is a method, benchmark or module nbf already"),
        ("json", "there is a method, benchmark or module json already"),
        ("taken", "taken exists"),
    ],
)
def test_names_that_zoo_new_refuses(tmp_path, monkeypatch, capsys, name, message):
    monkeypatch.chdir(tmp_path)
    Path("taken").mkdir()
    assert main(["new", "method", name]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]
