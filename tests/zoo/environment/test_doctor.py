"""`zoo doctor`: finds what is there, says what is wrong with it, and what to do about the rest."""

import json

import numpy as np
import pytest
from distributed_files import h36m_regressor, write_body
from scipy.io import savemat

from body.smpl_files import read_smpl_file
from zoo.checkpoints.listing import read_checkpoints
from zoo.cli import main
from zoo.environment.assets import BODY_ASSETS
from zoo.environment.benchmark_assets import benchmark_assets
from zoo.environment.doctor import Check, check_benchmarks, check_body_models

DENSEPOSE = ("All_Faces", "All_FaceIndices", "All_U_norm", "All_V_norm", "All_vertices")


@pytest.fixture
def assets(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    for folder in ("body_models/smpl", "body_models/mano", "densepose", "benchmarks"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def by_name(checks):
    return {check.name: check for check in checks}


def test_an_empty_folder_unlocks_nothing_and_everything_says_what_to_do(assets):
    checks = by_name([*check_body_models(), *check_benchmarks()])
    assert set(checks) == {"open body", "open-v1", *(asset.name for asset in (*BODY_ASSETS, *benchmark_assets()))}
    assert checks["open body"].state == checks["open-v1"].state == "ok"
    for asset in (*BODY_ASSETS, *benchmark_assets()):
        check = checks[asset.name]
        assert check.state == "missing"
        assert check.unlocks == asset.unlocks
        assert f"{', '.join(asset.files)} into $ZOO_ASSETS/{asset.folder}" in check.detail


def test_good_body_files_are_found_and_bad_ones_explained(assets, monkeypatch):
    smpl = assets / "body_models" / "smpl"
    write_body(smpl / "basicmodel_m_lbs_10_207_0_v1.1.0.pkl", monkeypatch, 24, 6890)
    write_body(smpl / "SMPL_NEUTRAL.pkl", monkeypatch, 24, 100)
    write_body(assets / "body_models" / "mano" / "MANO_RIGHT.pkl", monkeypatch, 16, 778, hands_mean=np.zeros(45))
    (smpl / "SMPL_FEMALE.pkl").write_bytes(b"damaged")
    template = read_smpl_file(smpl / "basicmodel_m_lbs_10_207_0_v1.1.0.pkl")["v_template"]
    spin = h36m_regressor(template)[[0, 4, 5, 6, 1, 2, 3, *range(7, 17)]]
    np.save(smpl / "J_regressor_h36m.npy", spin)
    np.save(smpl / "J_regressor_extra.npy", np.zeros((8, 6890)))
    np.savez(smpl / "smpl_mean_params.npz", pose=np.zeros(144))
    checks = by_name(check_body_models())
    assert {name: check.state for name, check in checks.items()} == {
        "open body": "ok",
        "SMPL": "broken",
        "SMPL male": "ok",
        "SMPL female": "broken",
        "MANO": "ok",
        "H36M regressor": "ok",
        "SPIN's extras": "broken",
        "DensePose UV": "missing",
        "DensePose eval": "missing",
    }
    assert str(smpl / "basicmodel_m_lbs_10_207_0_v1.1.0.pkl") in checks["SMPL male"].detail
    assert "(6890 vertices)" in checks["SMPL male"].detail
    assert "legs exchanged when read, as in SPIN's file" in checks["H36M regressor"].detail
    assert "neither SMPL nor MANO: 100 vertices" in checks["SMPL"].detail
    assert "register at smplify.is.tue.mpg.de" in checks["SMPL"].detail
    assert "damaged or no pickle" in checks["SMPL female"].detail
    assert "must have the shape (9, 6890), not (8, 6890)" in checks["SPIN's extras"].detail


def test_densepose_files_are_looked_into(assets):
    folder = assets / "densepose"
    savemat(folder / "UV_Processed.mat", {name: np.zeros((3, 1)) for name in DENSEPOSE})
    assert by_name(check_body_models())["DensePose UV"].state == "broken"  # half of it is missing
    assert "UV_symmetry_transforms.mat missing" in by_name(check_body_models())["DensePose UV"].detail
    savemat(folder / "UV_symmetry_transforms.mat", {"x": np.zeros(1)})
    assert by_name(check_body_models())["DensePose UV"].state == "ok"
    savemat(folder / "UV_Processed.mat", {"All_Faces": np.zeros((3, 1))})
    assert "is not DensePose's file: it has no All_FaceIndices" in by_name(check_body_models())["DensePose UV"].detail
    (folder / "UV_Processed.mat").write_bytes(b"no mat file")
    assert by_name(check_body_models())["DensePose UV"].state == "broken"


def test_benchmarks_are_found_filled_or_empty(assets):
    folder = assets / "benchmarks"
    (folder / "3dpw" / "imageFiles").mkdir(parents=True)
    (folder / "freihand").mkdir()
    checks = by_name(check_benchmarks())
    protocols = "the protocols 3dpw-test-14j-gendered, 3dpw-test-14j-neutral"
    assert checks["3dpw"] == Check("3dpw", "ok", f"{folder / '3dpw'} (to verify: zoo data check 3dpw)", protocols)
    assert checks["freihand"].state == "broken"
    assert f"{folder / 'freihand'} is empty" in checks["freihand"].detail
    assert checks["coco"].state == "missing"
    assert checks["muco"].unlocks == "training"
    assert checks["mupots"].unlocks == "the protocols mupots-*"


def test_every_required_asset_is_one_that_doctor_knows():
    known = {asset.name for asset in BODY_ASSETS}
    for entry in read_checkpoints().values():
        assert set(entry.requires) <= known, entry.name


def test_it_reads_well_in_80_columns(listed, assets, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("ZOO_CACHE", str(assets / "cache"))
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for heading in ("environment", "weights", "body models", "benchmarks"):
        assert f"\n{heading}" in f"\n{text}"
    assert f"ZOO_ASSETS is {assets}" in text.replace("\n", "")
    assert "Everything required works." in text
    (assets / "benchmarks" / "freihand").mkdir()
    assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["assets"] == str(assets)
    groups = {check["name"]: (check["group"], check["state"]) for check in report["checks"]}
    assert groups["freihand"] == ("benchmarks", "broken")
    assert groups["torch"] == ("environment", "ok")
    assert groups["i2l_meshnet.small"] == ("weights", "ok")
    assert groups["SMPL"] == ("body models", "missing")
