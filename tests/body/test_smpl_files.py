"""Files in the exact structure of SMPL's and MANO's, written as Python 2 and chumpy wrote them, and hostile ones."""

import io
import os
import pickle
import struct
import sys
import types
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix

from body.load import load_body
from body.skeleton import MANO21, SMPL24
from body.smpl_files import read_smpl_file


class Python2Pickler(pickle._Pickler):
    """Protocol 2 with Python 2's byte strings, as the distributed files have them."""

    def save_text(self, text):
        data = text if isinstance(text, bytes) else text.encode("latin1")
        self.write(b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(text)

    dispatch: ClassVar = pickle._Pickler.dispatch | {bytes: save_text, str: save_text}


def stand_in(monkeypatch, module, name):
    """A class that pickles under the given module and name, like one of a package that is not installed."""
    for depth in range(1, module.count(".") + 2):
        part = ".".join(module.split(".")[:depth])
        if part not in sys.modules:
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
    cls = type(name, (), {"__module__": module, "__qualname__": name})
    monkeypatch.setattr(sys.modules[module], name, cls, raising=False)
    return cls


def dumped(content):
    buffer = io.BytesIO()
    Python2Pickler(buffer, protocol=2).dump(content)
    return buffer.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def with_state(cls, **state):
    made = cls()
    made.__dict__.update(state)
    return made


@pytest.fixture
def write(monkeypatch, tmp_path):
    ch = stand_in(monkeypatch, "chumpy.ch", "Ch")
    select = stand_in(monkeypatch, "chumpy.reordering", "Select")
    csc = stand_in(monkeypatch, "scipy.sparse.csc", "csc_matrix")

    def file(name, joints, vertices, **more):
        rng = np.random.default_rng(7)
        regressor = csc_matrix(rng.random((joints, vertices)) * (rng.random((joints, vertices)) < 0.01))
        regressor = csc_matrix(regressor.toarray() / np.maximum(regressor.toarray().sum(axis=1, keepdims=True), 1e-9))
        every = rng.normal(0, 0.01, (vertices, 3, 12))
        picked = np.arange(every.size).reshape(every.shape)[..., :10]
        parents = np.array([[2**32 - 1, *SMPL24.parent_indices[1:joints]], range(joints)], dtype=np.uint32)
        weights = rng.dirichlet(np.full(joints, 0.1), vertices)
        content = {
            "v_template": with_state(ch, x=rng.normal(0, 0.3, (vertices, 3))),
            "shapedirs": with_state(
                select, a=with_state(ch, x=every), idxs=picked.ravel(), preferred_shape=(vertices, 3, 10)
            ),
            "posedirs": rng.normal(0, 1e-3, (vertices, 3, 9 * (joints - 1))),
            "weights": with_state(ch, x=weights),
            "f": rng.integers(0, vertices, (20, 3)).astype(np.uint32),
            "J_regressor": with_state(
                csc,
                _shape=regressor.shape,
                data=regressor.data,
                indices=regressor.indices,
                indptr=regressor.indptr,
                format="csc",
                maxprint=50,
            ),
            "kintree_table": parents,
            "bs_style": "lbs",
            "bs_type": "lrotmin",
            **more,
        }
        path = tmp_path / name
        path.write_bytes(dumped(content))
        expected = {"shapedirs": every[..., :10], "J_regressor": regressor.toarray(), "weights": weights}
        return path, expected

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
    regressor = np.random.default_rng(0).random((17, 6890))
    np.save(path.parent / "J_regressor_h36m.npy", regressor)
    loaded = load_body("smpl", path).joint_regressor("h36m17")
    np.testing.assert_allclose(loaded.numpy(), regressor, rtol=1e-6)
    np.save(path.parent / "J_regressor_h36m.npy", regressor[:, :5])
    with pytest.raises(ValueError, match=r"\(17, 6890\)"):
        load_body("smpl", path)


def test_wrong_model_is_named(write):
    path, _ = write("SMPL_NEUTRAL.pkl", 24, 60)
    with pytest.raises(ValueError, match="not SMPL: 60 vertices"):
        load_body("smpl", path)


class Hostile:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


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
