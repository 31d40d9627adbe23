"""Files that try to run something, one for each place where a file of unknown origin is read."""

import os
import pickle

import numpy as np
import pytest
import torch
from distributed_files import Hostile

import zoo
from body.load import load_body
from body.safe_pickle import read_pickle
from zoo.checkpoints.convert import read_official
from zoo.checkpoints.listing import _read_listing
from zoo.checkpoints.package import read_lightning_checkpoint
from zoo.cli import main
from zoo.errors import ZooError
from zoo.results.reported import read_reported


@pytest.fixture
def proof(tmp_path):
    """A file that exists afterwards if anything was run."""
    path = tmp_path / "proof"
    yield path
    assert not path.exists()


@pytest.fixture(params=["system", "eval", "open"])
def evil(request, proof):
    call = {
        "system": (os.system, f"touch {proof}"),
        "eval": (eval, f"open({str(proof)!r}, 'w')"),
        "open": (open, str(proof), "w"),
    }
    return Hostile(*call[request.param])


def test_the_trap_works(evil, tmp_path):
    """What the other tests show would otherwise mean nothing."""
    pickle.loads(pickle.dumps(evil))
    (tmp_path / "proof").unlink()


def test_smpl_model(evil, tmp_path, capsys):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({"v_template": evil, "f": np.zeros((2, 3))}, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        load_body("smpl", path)
    assert main(["body", "convert", str(path)]) == 2
    assert "refused" in capsys.readouterr().err
    assert not path.with_suffix(".npz").exists()


def test_official_checkpoint(evil, tmp_path, capsys):
    for number, legacy in enumerate((False, True)):
        path = tmp_path / f"snapshot_{number}.pth.tar"
        content = {"network": {"module.a": torch.ones(1)}, "epoch": evil}
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(ZooError, match="is not a file of tensors and plain values"):
            read_official(path)
    path.write_bytes(pickle.dumps(evil))
    assert main(["convert", "hemlets", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_sequence_of_3dpw(evil, tmp_path):
    path = tmp_path / "downtown_arguing_00.pkl"
    path.write_bytes(pickle.dumps({"sequence": "downtown_arguing_00", "genders": ["m"], "betas": [evil]}, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="is refused: it asks for"):
        read_pickle(path)


def test_npz_with_objects(evil, tmp_path):
    path = tmp_path / "SMPL_NEUTRAL.npz"
    np.savez(path, v_template=np.array([evil, None], dtype=object))
    with pytest.raises(ValueError, match="is not an npz file of plain arrays"):
        load_body("smpl", path)


def test_lightning_checkpoint(evil, tmp_path, capsys):
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {"a": torch.ones(1)}, "hyper_parameters": {"body": evil}}, path)
    with pytest.raises(ZooError, match="is not a Lightning checkpoint of plain values"):
        read_lightning_checkpoint(path)
    with pytest.raises(ZooError, match="is not a Lightning checkpoint of plain values"):
        zoo.load(str(path))
    assert main(["push", str(path), "--repo", "a/b"]) == 2
    assert "only safetensors are published" in capsys.readouterr().err


def test_yaml(proof, tmp_path, capsys):
    for tag in ("apply:os.system", "new:os.system", "name:os.system"):
        path = tmp_path / f"{tag[:3]}.yaml"
        path.write_text(f"method: !!python/object/{tag} ['touch {proof}']\n")
        with pytest.raises(ZooError, match="is not valid YAML"):
            _read_listing(path)
    with pytest.raises(ZooError, match="is not valid YAML"):
        read_reported(tmp_path)
    assert main(["fit", "--config", str(path)]) == 2


def test_weights_that_are_a_pickle_in_disguise(evil, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(evil))
    with pytest.raises(ZooError, match="not a safetensors file"):
        zoo.load(path)
    with pytest.raises(ZooError, match="not a safetensors file"):
        read_official(path)
