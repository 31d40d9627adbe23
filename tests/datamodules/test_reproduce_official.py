"""`zoo reproduce --official`, from the authors' file to reported beside measured: a small release, a small 3DPW."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import pytorch_lightning as pl
import yaml
from distributed_files import write_snapshot
from fake import pw3d
from fake.smpl_truth import write_bodies

import zoo
from datamodules.pw3d import Pw3dDataModule
from datamodules.settings import CropSettings
from lightning_modules.common.backbones import BACKBONES
from zoo.cli import main
from zoo.documents import resources
from zoo.results.files import read_result
from zoo.results.reported.reading import FOLDER

sys.path.insert(0, str(Path(__file__).parents[1] / "zoo"))
from official_files import NARROW, SMALL, small_listing, small_state

NAME = "i2l_meshnet.h36m_muco_coco"
ROW = ["reproduce", "i2l_meshnet", "--table", "6", "--row", "I2L-MeshNet", "--official"]


@pytest.fixture
def release(tmp_path, monkeypatch):
    """The authors' file by rule, in their layout, with 3DPW and RootNet's file: all as downloaded, and smaller.

    The row's configuration is the shipped one but for the sizes of the network and of the batches.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(BACKBONES, "narrow", NARROW["narrow"])
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    assets = write_bodies(tmp_path / "assets", monkeypatch, ("neutral", "male", "female"))
    root = tmp_path / "assets/benchmarks/3dpw"
    truth = pw3d.write(root)
    pw3d.to_3dmppe(root, truth["test"], "test")
    people = json.loads((root / "3DPW_test.json").read_text())["annotations"]
    roots = [
        {"image_id": one["image_id"], "annotation_id": one["id"], "bbox": one["bbox"], "root_cam": [0.0, 0.0, 4.0 + k],
         "score": 1.0} for k, one in enumerate(people)
    ]  # fmt: skip
    (root / "rootnet_output").mkdir()
    (root / "rootnet_output/bbox_root_pw3d_output.json").write_text(json.dumps(roots))

    listing, original = small_listing(), resources.resource_path
    (tmp_path / "checkpoints.yaml").write_text(yaml.safe_dump(listing, sort_keys=False))
    monkeypatch.setattr(
        "zoo.checkpoints.listing.resource_path",
        lambda name: tmp_path / name if name == "checkpoints.yaml" else original(name),
    )
    write_snapshot(tmp_path / "snapshot_7.pth.tar", small_state(listing[NAME]["config"]))
    small = {
        "base": ["i2l_meshnet/pw3d_rootnet"],
        "model": {"init_args": {"network": SMALL, "pretrained": False}},
        "data": {"init_args": {"batch_size": 4, "num_workers": 0}},
        "trainer": {"accelerator": "cpu", "precision": "32-true", "enable_progress_bar": False},
    }
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small))
    shutil.copytree(FOLDER, tmp_path / "reported", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    tables = tmp_path / "reported/i2l_meshnet.yaml"
    lines = tables.read_text().replace("test_config: i2l_meshnet/pw3d_rootnet", "test_config: small.yaml").splitlines()
    tables.write_text("\n".join(line for line in lines if "SMPL parameters regressed from the mesh" not in line))
    monkeypatch.setattr("zoo.results.reported.reading.FOLDER", tmp_path / "reported")
    monkeypatch.setattr("zoo.reproduction.run.run_command", main)  # in this process, where the small release is listed
    monkeypatch.setattr(Pw3dDataModule, "check_test_split", lambda self: None)  # of 35,515 people
    assert assets
    return root


def test_from_the_authors_file_to_reported_beside_measured(release, tmp_path, capsys):
    assert main([*ROW, "--run"]) == 0
    assert f"missing: weights {NAME}" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "outputs").exists()
    assert main(["convert", "i2l_meshnet", "snapshot_7.pth.tar"]) == 0
    assert main(ROW) == 0
    shown = capsys.readouterr().out
    assert f"zoo test --config small.yaml --weights {NAME} --results outputs/reproduce/i2l_meshnet/official" in shown
    assert f"weights {NAME}: here" in shown
    status = main([*ROW, "--run"])
    out = capsys.readouterr().out
    assert status == 1, out  # weights of random numbers are not within 1 % of the paper's
    shown = " ".join(out.split())
    (stored,) = map(read_result, (tmp_path / "outputs/reproduce").rglob("3dpw-test-14j-gendered__*.json"))
    for text in ("93.2", "57.7", f"{stored.values['mpjpe']:.1f}", f"{stored.values['pa_mpjpe']:.1f}", "no, "):
        assert text in shown
    assert (stored.weights, stored.root_depth) == (NAME, "rootnet")

    crops = CropSettings("smpl29", body="smpl", size=64, augmentation=None)
    options = {"layout": "3dmppe", "detections": "rootnet_output/bbox_root_pw3d_output.json"}
    data = Pw3dDataModule(str(release), stored.protocol, crops=crops, num_workers=0, batch_size=4, **options)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
    model = zoo.load(NAME, protocol=stored.protocol, root_depth="rootnet")
    (plain,) = trainer.test(model, datamodule=data, verbose=False)
    assert stored.samples == plain["test/n"]
    assert stored.values == {name: pytest.approx(plain[f"test/{name}"], rel=1e-4) for name in stored.values}
