"""Files in the exact structure of SMPL's, MANO's and 3DPW's, as Python 2 and chumpy wrote them, and hostile ones."""

import os
import pickle
import re

import numpy as np
import pytest
import torch
from distributed_files import Hostile, dumped, h36m_regressor, write_body

from body.load import load_body
from body.safe_pickle import read_pickle
from body.skeleton import MANO21
from body.smpl_files import convert_smpl_file, read_smpl_file


@pytest.fixture
def write(monkeypatch, tmp_path):
    def file(name, joints, vertices, **more):
        path = tmp_path / name
        return path, write_body(path, monkeypatch, joints, vertices, **more)

    return file


def test_distributed_structure_is_read(write):
    path, expected = write("SMPL_NEUTRAL.pkl", 24, 50)
    assert b"cchumpy.ch\nCh" in path.read_bytes()
    assert b"cscipy.sparse.csc\ncsc_matrix" in path.read_bytes()
    data = read_smpl_file(path)
    for key, array in expected.items():
        np.testing.assert_array_equal(data[key], array)
    assert "bs_style" not in data
    assert data["posedirs"].shape == (50, 3, 207)
    assert data["kintree_table"][0, 0] == 2**32 - 1
    assert all(type(array) is np.ndarray for array in data.values())


def test_python3_pickles_and_npz_are_read(write, tmp_path):
    path, expected = write("a.pkl", 24, 30)
    again, archive = tmp_path / "b.pkl", tmp_path / "c.npz"
    data = read_smpl_file(path)
    again.write_bytes(pickle.dumps(data, protocol=2))
    np.savez(archive, **data)
    for other in (again, archive):
        np.testing.assert_array_equal(read_smpl_file(other)["J_regressor"], expected["J_regressor"])


def test_smpl_and_mano_models_load_from_such_files(write, monkeypatch, tmp_path):
    smpl_file, _ = write("SMPL_NEUTRAL.pkl", 24, 6890)
    smpl = load_body("smpl", smpl_file)
    pose, betas = 0.3 * torch.randn(1, 24, 3), torch.randn(1, 10)
    out = smpl(pose, betas)
    theirs = smpl.as_smplx()(betas=betas, global_orient=pose[:, 0], body_pose=pose[:, 1:].flatten(1))
    torch.testing.assert_close(out.vertices, theirs.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(smpl.regress(out.vertices, "smpl29")[:, 24], out.vertices[:, 331])
    with pytest.raises(KeyError, match="h36m17"):
        smpl.joint_regressor("h36m17")

    hand_file, _ = write("MANO_RIGHT.pkl", 16, 778, hands_mean=np.linspace(-1, 1, 45))
    folder = tmp_path / "body_models" / "mano"
    folder.mkdir(parents=True)
    hand_file.rename(folder / "MANO_RIGHT.pkl")
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    hand = load_body("mano")
    assert hand.mean_pose.shape == (16, 3)
    assert hand.mean_pose[1, 0] == -1
    posed = hand(torch.zeros(2, 16, 3), torch.zeros(2, 10))
    joints = hand.regress(posed.vertices, "mano21")
    # At zero pose the regressed joints are the rest joints: MANO's order is index, middle, pinky, ring, thumb.
    torch.testing.assert_close(joints[:, MANO21.index("thumb_1")], posed.joints[:, 13], atol=1e-5, rtol=0)
    torch.testing.assert_close(joints[:, MANO21.index("pinky_3")], posed.joints[:, 9], atol=1e-5, rtol=0)
    torch.testing.assert_close(joints[:, MANO21.index("middle_4")], posed.vertices[:, 445])


def test_h36m_regressor_beside_the_file_is_used(write):
    path, _ = write("SMPL_NEUTRAL.pkl", 24, 6890)
    regressor = h36m_regressor(read_smpl_file(path)["v_template"])
    np.save(path.parent / "J_regressor_h36m.npy", regressor)
    loaded = load_body("smpl", path).joint_regressor("h36m17")
    np.testing.assert_allclose(loaded.numpy(), regressor, rtol=1e-6)
    np.save(path.parent / "J_regressor_h36m.npy", regressor[:, :5])
    with pytest.raises(ValueError, match=r"\(17, 6890\)"):
        load_body("smpl", path)


def test_wrong_model_is_named(write):
    path, _ = write("SMPL_NEUTRAL.pkl", 24, 60)
    with pytest.raises(ValueError, match="neither SMPL nor MANO: 60 vertices and 24 joints"):
        load_body("smpl", path)


@pytest.mark.parametrize(("joints", "vertices", "model"), [(52, 6890, "SMPL+H"), (55, 10475, "SMPL-X")])
def test_other_models_of_the_family_are_named(tmp_path, joints, vertices, model):
    path = tmp_path / "SMPL_NEUTRAL.npz"
    table = np.stack([np.maximum(np.arange(joints) - 1, 0), np.arange(joints)])
    arrays = {
        "v_template": np.zeros((vertices, 3)),
        "shapedirs": np.zeros((vertices, 3, 10)),
        "posedirs": np.zeros((vertices, 3, 1)),
        "weights": np.zeros((vertices, joints)),
        "J_regressor": np.zeros((joints, vertices)),
        "kintree_table": table,
        "f": np.zeros((5, 3), int),
    }
    np.savez(path, **arrays)
    for refused in (lambda: load_body("smpl", path), lambda: convert_smpl_file(path, tmp_path / "out.npz")):
        with pytest.raises(ValueError, match=re.escape(f"is {model}: {vertices} vertices and {joints} joints")):
            refused()
    assert not (tmp_path / "out.npz").exists()


def test_hands_and_bodies_are_told_apart(write, tmp_path, monkeypatch):
    hand, _ = write("MANO_RIGHT.pkl", 16, 778, hands_mean=np.zeros(45))
    body, _ = write("SMPL_NEUTRAL.pkl", 24, 6890)
    with pytest.raises(ValueError, match=r"is MANO, not SMPL; register at"):
        load_body("smpl", hand)
    with pytest.raises(ValueError, match=r"is SMPL, not MANO; register at"):
        load_body("mano", body)


def test_the_other_hand_is_refused(write, tmp_path):
    """MANO's right hand rests with its fingers at -x."""
    template = np.zeros((778, 3))
    template[[745, 317, 445, 556, 673], 0] = -0.1
    path, _ = write("MANO_RIGHT.pkl", 16, 778, hands_mean=np.zeros(45), v_template=template)
    mirrored = read_smpl_file(path)
    mirrored["v_template"] = -mirrored["v_template"]
    left = tmp_path / "MANO_LEFT.npz"
    np.savez(left, **mirrored)
    assert load_body("mano", path).name == "mano"
    assert load_body("mano_left", left).name == "mano_left"
    with pytest.raises(ValueError, match=r"MANO_LEFT\.npz is the other hand, not MANO's right one"):
        load_body("mano", left)
    with pytest.raises(ValueError, match=r"MANO_RIGHT\.pkl is the other hand, not MANO's left one"):
        load_body("mano_left", path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("weights", lambda a: a[:, :5]),
        ("J_regressor", lambda a: a.T),
        ("f", lambda a: a + 6890),
        ("f", lambda a: a.ravel()),
        ("v_template", lambda a: a * np.nan),
        ("shapedirs", lambda a: a[:100]),
        ("posedirs", lambda a: a * np.inf),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_arrays_that_do_not_fit_are_named(write, tmp_path, name, change):
    path, _ = write("SMPL_NEUTRAL.pkl", 24, 6890)
    data = read_smpl_file(path)
    path.unlink()
    np.savez(tmp_path / "a.npz", **{**data, name: change(data[name])})
    with pytest.raises(ValueError, match=f"is SMPL: 6890 vertices and 24 joints, but {name} do not fit"):
        load_body("smpl", tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(os.system, ("touch {}",)), (eval, ("open('{}', 'w')",)), (open, ("{}", "w")), (os.mkdir, ("{}",))],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_hostile_pickle_runs_nothing(tmp_path, function, arguments, protocol):
    proof = tmp_path / "proof"
    content = {"v_template": Hostile(function, *(a.format(proof) for a in arguments))}
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(pickle.UnpicklingError, match=f"refused.*{function.__name__}"):
        read_smpl_file(path)
    assert not proof.exists()


def test_indirect_ways_out_are_closed(tmp_path):
    path = tmp_path / "evil.pkl"
    objects = np.array([Hostile(os.getcwd)], dtype=object)
    rebuilt = b"\x80\x02ccopy_reg\n_reconstructor\ncsubprocess\nPopen\nc__builtin__\nobject\nN\x87R."
    attribute = b"\x80\x04\x8c\x05numpy\x8c\x13dtype.__class__.mro\x93."
    for content in (pickle.dumps({"x": objects}, protocol=2), rebuilt, attribute):
        path.write_bytes(content)
        with pytest.raises(pickle.UnpicklingError, match="refused"):
            read_smpl_file(path)


def test_broken_files_are_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_smpl_file(tmp_path / "nowhere.pkl")
    path = tmp_path / "list.pkl"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match="no dictionary"):
        read_smpl_file(path)


def test_damaged_files_are_explained(write, tmp_path):
    path, _ = write("SMPL_NEUTRAL.pkl", 24, 40)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"\x80\x02", b"not a pickle", content[200:]):
        path.write_bytes(damaged)
        with pytest.raises((pickle.UnpicklingError, ValueError)) as caught:
            read_smpl_file(path)
        assert "\n" not in str(caught.value)
    archive = tmp_path / "a.npz"
    archive.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match="is not an npz file of plain arrays"):
        read_smpl_file(archive)


def test_conversion_to_npz_keeps_every_number(write, monkeypatch, tmp_path):
    folder = tmp_path / "body_models" / "smpl"
    folder.mkdir(parents=True)
    path, _ = write("body_models/smpl/basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl", 24, 6890)
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    before = load_body("smpl")  # found under the name of the download
    target = convert_smpl_file(path)
    assert target == path.with_suffix(".npz")
    with np.load(target, allow_pickle=False) as stored:
        assert set(stored.files) == set(read_smpl_file(path))
    path.unlink()
    after = load_body("smpl")
    pose, betas = 0.3 * torch.randn(1, 24, 3), torch.randn(1, 10)
    assert torch.equal(after(pose, betas).vertices, before(pose, betas).vertices)
    assert list(folder.iterdir()) == [target]


def test_conversion_refuses_what_is_no_body(tmp_path):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps({"v_template": np.zeros((3, 3))}))
    with pytest.raises(ValueError, match="neither SMPL nor MANO: missing J_regressor, f"):
        convert_smpl_file(path)
    assert list(tmp_path.iterdir()) == [path]


def test_sequences_of_3dpw_are_read(tmp_path):
    rng = np.random.default_rng(3)
    content = {
        "sequence": "downtown_arguing_00",
        "betas": [rng.normal(size=300), rng.normal(size=300)],
        "poses": [rng.normal(size=(5, 72)) for _ in range(2)],
        "cam_poses": rng.normal(size=(5, 4, 4)),
        "campose_valid": [np.ones(5, dtype=np.int64), np.zeros(5, dtype=np.int64)],
        "genders": ["m", "f"],
        "img_frame_ids": np.arange(5),
        "cam_intrinsics": np.eye(3),
        "jointPositions": [np.float64(0.25), rng.normal(size=(5, 72)).astype(np.float32)],
        "v_template_clothed": (None, True, 3, 2.5),
    }
    path = tmp_path / "downtown_arguing_00.pkl"
    path.write_bytes(dumped(content))
    data = read_pickle(path)
    assert data["genders"] == ["m", "f"]
    assert data["sequence"] == content["sequence"]
    assert data["v_template_clothed"] == (None, True, 3, 2.5)
    for key in ("betas", "poses", "campose_valid", "jointPositions"):
        for found, written in zip(data[key], content[key], strict=True):
            np.testing.assert_array_equal(found, written)
    np.testing.assert_array_equal(data["cam_poses"], content["cam_poses"])
