"""Protocols say what they mean and refuse what they cannot."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

import metrics
from body.skeleton import H36M17, MPI_INF_3DHP17, MPI_INF_3DHP28, get_skeleton
from metrics import METRIC_INFO, METRIC_UNITS, MPJPE, PROTOCOLS, get_protocol, tasks
from metrics.protocol import MODEL_ORIGIN
from metrics.protocols.installed import Protocols
from metrics.tasks import PartsTask, PoseTask

WANTED = """
    open-v1 h36m-p1-17j h36m-p2-17j h36m-s11-17j-rigid h36m-p2-17j-64 h36m-p1-14j-mesh h36m-p2-14j-mesh
    h36m-p2-14j-lixel humaneva-walk-jog mpi-inf-3dhp-test mupots-relative-all mupots-relative-matched
    mupots-absolute-all mupots-absolute-matched surreal-bodynet-507 up3d-test up3d-lsp-639 up3d-139 lsp-upi-parts
    upi-s1h-val 3dpw-test-14j-gendered 3dpw-test-14j-neutral freihand-eval coco-val-keypoints densepose-points
"""


def test_every_benchmark_of_the_papers_has_its_protocols():
    assert set(WANTED.split()) <= set(PROTOCOLS)
    names = {*tasks.__all__} - {"Predicted", "SplitLabels", "Task"}
    assert {protocol.task for protocol in PROTOCOLS.values()} == {getattr(tasks, name) for name in names}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_description_holds_every_fact(name):
    protocol = get_protocol(name)
    text = protocol.describe()
    facts = ("id", "aka", "benchmark", "split", "frames", "ground_truth", "skeleton", "root", "note")
    assert [fact for fact in facts if getattr(protocol, fact).replace("..", ".") not in text] == []
    assert all(f"{METRIC_INFO[metric].label} (" in text for metric in protocol.metrics)
    assert protocol.alignment == "none" or protocol.alignment in text
    assert all(field.replace("+", " and ") in text for field in protocol.breakdown)
    words = {
        "samples": "image",
        "pooled": "scored pixel",
        "actions": "action",
        "sequences": "sequence",
        "cells": "pair",
    }
    assert f"every {words[protocol.averaging]}" in text
    assert ".." not in text


def test_no_two_protocols_mean_the_same():
    """Without its name and remarks every protocol is still another one."""
    bare = [dataclasses.replace(protocol, id="", aka="", note="") for protocol in PROTOCOLS.values()]
    assert len(set(bare)) == len(bare)
    assert all(protocol.id == name for name, protocol in PROTOCOLS.items())


def test_what_papers_call_protocol_one_and_two():
    """Benchmark notes, section 4.1: who means what by the same words."""
    for name, by, split, joints, metric, alignment in (
        ("h36m-p1-17j", "Martinez", "9 and 11, trained on 1, 5, 6, 7, 8", 17, "mpjpe", "none"),
        ("h36m-p2-17j", "Martinez", "9 and 11, trained on 1, 5, 6, 7, 8", 17, "pa_mpjpe", "similarity"),
        ("h36m-s11-17j-rigid", "3DMPPE", "subject 11, trained on 1, 5, 6, 7, 8, 9", 17, "pa_mpjpe", "rigid"),
        ("h36m-p2-17j-64", "3DMPPE", "9 and 11, trained on 1, 5, 6, 7, 8", 17, "mpjpe", "none"),
        ("h36m-p1-14j-mesh", "SPIN", "9 and 11, trained on 1, 5, 6, 7, 8", 14, "mpjpe", "similarity"),
        ("h36m-p2-14j-mesh", "SPIN", "9 and 11, trained on 1, 5, 6, 7, 8", 14, "pa_mpjpe", "similarity"),
    ):
        protocol = get_protocol(name)
        assert by in protocol.aka
        assert split in protocol.split
        assert (len(protocol.joints), protocol.primary, protocol.alignment) == (joints, metric, alignment)
    frames = [get_protocol(f"h36m-{name}").frames for name in ("p2-17j-64", "p2-14j-mesh", "p2-14j-lixel")]
    assert [("64th" in text, "60457274" in text) for text in frames] == [(True, False), (False, True), (True, True)]
    assert get_protocol("h36m-p1-17j").averaging == "actions"
    assert get_protocol("h36m-p2-17j-64").averaging == "samples"


def test_fourteen_joints_of_the_literature():
    """Spec of I2L-MeshNet, section 8: legs, neck, head top and arms of Human3.6M's 17."""
    positions = [H36M17.index(joint) for joint in get_protocol("3dpw-test-14j-gendered").joints]
    assert positions == [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]
    assert get_protocol("h36m-p2-14j-mesh").joints == get_protocol("3dpw-test-14j-gendered").joints
    assert "pelvis" not in get_protocol("open-v1").joints
    assert len(get_protocol("open-v1").joints) == 23


def test_joints_of_mpi_inf_3dhp():
    """Benchmark notes, section 4.3: 1-based positions of the 17 among the 28, their parents, the 14 scored ones."""
    official = [8, 6, 15, 16, 17, 10, 11, 12, 24, 25, 26, 19, 20, 21, 5, 4, 7]
    assert [MPI_INF_3DHP28.index(joint) + 1 for joint in MPI_INF_3DHP17.joints] == official
    parents = [2, 16, 2, 3, 4, 2, 6, 7, 15, 9, 10, 15, 12, 13, 15, 15, 2]
    assert [parent + 1 for parent in MPI_INF_3DHP17.parent_indices] == parents
    protocol = get_protocol("mpi-inf-3dhp-test")
    assert [MPI_INF_3DHP17.index(joint) + 1 for joint in protocol.joints] == list(range(1, 15))
    assert protocol.distance_joints == MPI_INF_3DHP17.joints
    assert get_protocol("mupots-relative-all").joints == protocol.joints
    assert sorted(name for _, names in protocol.settings for name in names) == [f"TS{i}" for i in range(1, 7)]


def test_meshes_of_up3d_are_not_aligned():
    protocol = get_protocol("up3d-test")
    assert (protocol.root, protocol.mesh_root, protocol.needs_body) == ("pelvis", MODEL_ORIGIN, True)
    assert not get_protocol("surreal-bodynet-507").needs_body
    assert get_protocol("h36m-p2-14j-mesh").needs_body, "PVE-S and PVE-P pose bodies"


def test_metrics_have_units_directions_and_titles():
    assert {info.unit for info in METRIC_INFO.values()} == {"mm", "%", "rad", ""}
    for name, info in METRIC_INFO.items():
        assert info.higher_is_better == (info.unit in ("%", "") and "error" not in name), name
    assert METRIC_UNITS["pve"] == "mm"
    assert METRIC_INFO["f5"].title == "F@5"
    assert METRIC_INFO["pa_mpjpe"].title == "PA-MPJPE mm"
    assert METRIC_INFO["part_f1"].format(0.70512) == "0.705"
    assert METRIC_INFO["mpjpe"].format(39.949) == "39.9"


def test_frozen_and_checked():
    protocol = get_protocol("open-v1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.root = "head"
    for change, message in (
        ({"scores": (MPJPE, "magic")}, r"scores must be one of .*magic"),
        ({"scores": ()}, "`scores` is empty"),
        ({"task": PoseTask}, r"fields must be one of joints, .* not \['vertices'\]"),
        ({"task": PartsTask, "scores": ("miou",)}, "needs `classes`"),
        ({"joints": ("tail",)}, "tail"),
        ({"joints": ()}, "needs a skeleton and scored joints"),
        ({"root": "nose"}, "nose"),
        ({"mesh_root": "nose"}, "nose"),
        ({"alignment": "none"}, "alignment 'none' with metrics"),
        ({"scores": (MPJPE,)}, "alignment 'similarity' with metrics"),
        ({"averaging": "sequences"}, "needs the breakdown 'sequence'"),
        ({"breakdown": ("action", "weather")}, "breakdown must be one of"),
        ({"breakdown": ("setting",)}, "need each other"),
        ({"body": ""}, "needs a body model"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(protocol, **change)
    for name, value in (("alignment", "tight"), ("averaging", "median")):  # the tests' type checker would come first
        wrong = dataclasses.replace(protocol)
        object.__setattr__(wrong, name, value)
        with pytest.raises(ValueError, match=f"{name} must be one of .*{value}"):
            wrong.__post_init__()
    with pytest.raises(KeyError, match="h36m-p2-17j"):
        get_protocol("h36m-p2")
    assert all(get_skeleton(p.skeleton) for p in PROTOCOLS.values() if p.skeleton)


TOY = '''
from dataclasses import replace

from metrics import PROTOCOLS
from metrics.base import SampleMean
from metrics.functional import point_errors
from metrics.info import millimetres


class WorstJoint(SampleMean):
    """Largest error of a sample."""

    name, info = "worst_joint", millimetres("worst joint")
    field = "joints"

    def errors(self, prediction, target, valid):
        return point_errors(prediction, target).amax(1)


ALL = (replace(PROTOCOLS["open-v1-root"], id="toy-v1", scores=(WorstJoint,)),)
'''


def package(folder, module, points):
    (folder / "toy_lab.py").write_text(module)
    info = folder / "toy_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[human_mesh_zoo.protocols]\n{points}\n")


def test_an_installed_package_brings_a_metric_and_its_protocol(tmp_path):
    """Two places outside of this project: the class, and the protocol that holds it."""
    package(tmp_path, TOY, "lab = toy_lab:ALL")
    script = "from metrics import PROTOCOLS, build_task\nprint(PROTOCOLS['toy-v1'].describe()); build_task('toy-v1')"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(metrics.__file__).parents[1]}"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "`toy-v1`" in done.stdout
    assert "worst joint (mm, lower is better)" in done.stdout


def test_a_package_that_does_not_load_harms_nobody(tmp_path, monkeypatch):
    package(tmp_path, "raise RuntimeError('broken')", "lab = toy_lab:ALL")
    monkeypatch.syspath_prepend(tmp_path)
    protocols = Protocols(PROTOCOLS.own)
    with pytest.warns(UserWarning, match="toy_lab:ALL cannot be loaded"):
        assert set(protocols) == set(PROTOCOLS.own)
    assert "open-v1" in protocols
    with pytest.raises(KeyError):
        protocols["toy-v1"]
