"""DaNet's keypoints and starting point are SPIN's, as in its release."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from fake.assets import write_smpl
from flat_settings import make
from scipy.spatial.transform import Rotation

from body.load import load_body
from body.skeleton import COCO19, H36M17, LSP14, MPII16, SMPL24, SPIN24, SPIN24_H36M, SPIN24_MPI, SPIN24_MPII
from datamodules.aliases import same_joints
from lightning_modules.danet.mean_person import read_mean_person
from lightning_modules.danet.module import DaNetModule
from zoo.checkpoints.load import without_initialisation

TINY = {
    "iuv_backbone": "resnet18_tiny", "charts": "open", "channels": 8, "global_backbone": "resnet18_tiny",
    "local_backbone": "resnet18_tiny", "stream_channels": 8, "features": 8, "crop_size": 64,
}  # fmt: skip
# the release's 24 keypoints as indices of smplx's 45 joints followed by the 9 rows of J_regressor_extra.npy
RELEASE = [8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, 47, 48, 49, 50, 51, 52, 53, 24, 26, 25, 28, 27]
FACE = {24: 332, 25: 6260, 26: 2800, 27: 4071, 28: 583}  # vertices of smplx


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield write_smpl(tmp_path_factory.mktemp("assets"), patch)


def test_keypoints_come_from_the_release_s_regressors(assets):
    body = load_body("smpl")
    extra = np.load(assets / "body_models/smpl/J_regressor_extra.npy")
    found = body.joint_regressor("spin24").numpy()
    for slot, source in enumerate(RELEASE):
        if source < 24:
            expected = body.regressor[source].numpy()
        else:
            expected = extra[source - 45] if source >= 45 else np.eye(1, 6890, FACE[source])[0]
        np.testing.assert_allclose(found[slot], expected, atol=1e-7, err_msg=SPIN24.joints[slot])


def test_every_benchmark_fills_the_slots_of_spin():
    for source in (SPIN24, SPIN24_H36M, SPIN24_MPI, SPIN24_MPII):
        assert source.positions_of(SPIN24, same_joints("spin", source, SPIN24)) == list(range(24))

    def filled(source):
        positions = source.positions_of(SPIN24, same_joints("spin", source, SPIN24))
        return {
            target: source.joints[place] for target, place in zip(SPIN24.joints, positions, strict=True) if place >= 0
        }

    assert filled(H36M17)["left_hip_lsp"] == "left_hip_h36m"
    assert filled(H36M17)["pelvis_mpii"] == "pelvis_h36m"
    assert filled(LSP14)["right_hip_lsp"] == "right_hip_lsp"
    assert filled(MPII16)["left_hip_lsp"] == "left_hip_mpii"
    assert filled(COCO19)["left_hip_lsp"] == "left_hip"
    assert filled(SMPL24)["right_hip_lsp"] == "right_hip"


@pytest.mark.parametrize("rotation", ["6d", "matrix"])
def test_training_starts_from_the_mean_person(assets, tmp_path, rotation):
    wanted = Rotation.random(24, random_state=0).as_matrix()
    values = {"pose": wanted[..., :2].reshape(1, 144), "shape": np.linspace(-1, 1, 10)[None], "cam": [[0.8, 0.1, -0.1]]}
    np.savez(tmp_path / "smpl_mean_params.npz", **values)
    mean = read_mean_person(tmp_path / "smpl_mean_params.npz")
    module = make(DaNetModule, **TINY, rotation=rotation)
    module.network.start_from(mean)
    numbers = wanted[..., :2] if rotation == "6d" else wanted
    np.testing.assert_allclose(module.network.mean_pose, numbers.reshape(24, -1), atol=1e-6)
    np.testing.assert_allclose(module.network.mean_camera_shape, [0.8, 0.1, -0.1, *np.linspace(-1, 1, 10)], rtol=1e-6)

    started = make(DaNetModule, **TINY, start="spin")
    upright = started.network.mean_camera_shape.clone()
    started.trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    started.setup("test")
    assert torch.equal(started.network.mean_camera_shape, upright)
    started.setup("fit")
    np.testing.assert_allclose(started.network.mean_camera_shape[:3], [0.9, 0.01, 0.02], rtol=1e-6)
    assert without_initialisation("danet", dict(started.hparams))["start"] == "upright"  # trained weights keep theirs


def test_a_file_that_is_not_there_or_another_one_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"fetch_data.sh .* or set start: upright"):
        read_mean_person()
    np.savez(tmp_path / "other.npz", pose=np.zeros(72))
    with pytest.raises(ValueError, match=r"other.npz is not SPIN's smpl_mean_params.npz"):
        read_mean_person(tmp_path / "other.npz")
    write_smpl(tmp_path, monkeypatch)
    np.save(tmp_path / "body_models/smpl/J_regressor_extra.npy", np.zeros((9, 10)))
    with pytest.warns(UserWarning, match=r"spin24 is left out: .* must be 9 x 6890 finite weights, not \(9, 10\)"):
        body = load_body("smpl")
    with pytest.raises(KeyError, match=r"J_regressor_extra\.npy beside the model file"):
        body.joint_regressor("spin24")
