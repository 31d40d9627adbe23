"""`zoo data fits`: how far a benchmark's own SMPL fits are from its joints (I2L-MeshNet's Table 13)."""

import json

import numpy as np
import pytest
from fake import human36m
from fake.people import write_image
from fake.smpl_truth import write_bodies

from body.skeleton import H36M17
from zoo.cli import main
from zoo.results.files import read_result


def test_fits_of_a_benchmark_are_scored_as_predictions(tmp_path, monkeypatch, capsys):
    """One joint of 17 was measured 34 mm from where its fit is: 2 mm; fits that are not there do not count."""
    write_bodies(tmp_path / "assets", monkeypatch)
    root = tmp_path / "human36m"
    human36m.write_3dmppe(root, (9, 11), fitted=(9,), cameras=(4,), images=False)
    for path in root.glob("annotations/*_data.json"):
        for image in json.loads(path.read_text())["images"]:
            write_image(root / "images" / image["file_name"], np.zeros((8, 8, 3), np.uint8))
    words = [
        "data",
        "fits",
        "human36m",
        "--root",
        str(root),
        "--protocol",
        "h36m-p2-17j-64",
        "--option",
        "layout=3dmppe",
    ]
    assert main([*words, "--json"]) == 0
    exact = json.loads(capsys.readouterr().out)
    assert exact["values"]["mpjpe"] < 0.01
    path = root / "annotations/Human36M_subject9_joint_3d.json"
    joints = json.loads(path.read_text())
    for action in joints.values():
        for trial in action.values():
            for frame in trial.values():
                frame[H36M17.index("left_wrist")][1] += 34.0
    path.write_text(json.dumps(joints))
    assert main([*words, "--results", str(tmp_path / "results")]) == 0
    assert "SMPL fits of the benchmark" in capsys.readouterr().out
    (stored,) = (read_result(path) for path in (tmp_path / "results").glob("*.json"))
    assert stored.values["mpjpe"] == pytest.approx(2.0, abs=0.01)
    assert stored.samples == exact["samples"] == sum(row.frame % 320 == 0 for row in human36m.truth((9,), (4,)))
    assert stored.root_depth == "given"
    for fits in root.glob("annotations/*smpl_param.json"):
        fits.unlink()
    assert main(words) == 2
    assert "that protocol h36m-p2-17j-64 tests has an SMPL fit" in capsys.readouterr().err
