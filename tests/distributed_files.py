"""Files in the exact structure in which the authors distribute theirs, with made-up numbers."""

import io
import pickle
import struct
import sys
import types
from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csc_matrix

from body.skeleton import H36M17, SMPL24


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


def write_body(path, monkeypatch, joints, vertices, precision=np.float64, **more):
    """An SMPL or MANO pickle: protocol 2, byte strings, chumpy arrays, a sparse regressor of scipy.

    `precision` is that of the pose's directions, nine tenths of the file.

    Returns:
        What a reader should find, by name.
    """
    ch = stand_in(monkeypatch, "chumpy.ch", "Ch")
    select = stand_in(monkeypatch, "chumpy.reordering", "Select")
    csc = stand_in(monkeypatch, "scipy.sparse.csc", "csc_matrix")
    rng = np.random.default_rng(7)
    regressor = csc_matrix(rng.random((joints, vertices)) * (rng.random((joints, vertices)) < 0.01))
    regressor = csc_matrix(regressor.toarray() / np.maximum(regressor.toarray().sum(axis=1, keepdims=True), 1e-9))
    every = rng.normal(0, 0.01, (vertices, 3, 12))
    picked = np.arange(every.size).reshape(every.shape)[..., :10]
    parents = np.array([[2**32 - 1, *SMPL24.parent_indices[1:joints]], range(joints)], dtype=np.uint32)
    weights = rng.dirichlet(np.full(joints, 0.1), vertices)
    sparse = {name: getattr(regressor, name) for name in ("data", "indices", "indptr")}
    content = {
        "v_template": with_state(ch, x=rng.normal(0, 0.3, (vertices, 3))),
        "shapedirs": with_state(
            select, a=with_state(ch, x=every), idxs=picked.ravel(), preferred_shape=(vertices, 3, 10)
        ),
        "posedirs": rng.normal(0, 1e-3, (vertices, 3, 9 * (joints - 1))).astype(precision),
        "weights": with_state(ch, x=weights),
        "f": rng.integers(0, vertices, (20, 3)).astype(np.uint32),
        "J_regressor": with_state(csc, _shape=regressor.shape, format="csc", maxprint=50, **sparse),
        "kintree_table": parents,
        "bs_style": "lbs",
        "bs_type": "lrotmin",
        **more,
    }
    path.write_bytes(dumped(content))
    return {"shapedirs": every[..., :10], "J_regressor": regressor.toarray(), "weights": weights}


def h36m_regressor(template):
    """Human3.6M's 17 joints at single vertices of any template: left ones at its left border, right ones at its right.

    In the order of `H36M17`, as I2L-MeshNet's file.
    """
    order = np.argsort(template[:, 0])
    places = {"left": iter(order[::-1]), "right": iter(order)}
    middle = iter(order[len(order) // 2 :])
    vertices = [next(places.get(joint.partition("_")[0], middle)) for joint in H36M17.joints]
    return np.eye(len(template))[vertices]


class Hostile:
    """An object whose unpickling calls a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def write_snapshot(path, network, vertices=6890, **wrapper):
    """An I2L-MeshNet `snapshot_*.pth.tar`: epoch, DataParallel's state with the buffers of smplpytorch, Adam's state.

    Args:
        path: file to write.
        network: state dict by official names, without `module.`.
        vertices: of the body whose buffers are in the file.
        wrapper: replaces entries of the outer dict.
    """
    buffers = {
        "th_betas": torch.zeros(1, 10),
        "th_shapedirs": torch.zeros(vertices, 3, 10),
        "th_v_template": torch.zeros(1, vertices, 3),
        "th_J_regressor": torch.zeros(24, vertices),
        "th_weights": torch.zeros(vertices, 24),
        "th_faces": torch.zeros(20, 3, dtype=torch.int64),
    }
    state = {f"module.{key}": value for key, value in network.items()}
    state |= {f"module.human_model_layer.{key}": value for key, value in buffers.items()}
    moments = {0: {"step": 7, "exp_avg": torch.zeros(64, 3, 7, 7), "exp_avg_sq": torch.zeros(64, 3, 7, 7)}}
    groups = [{"lr": 1e-6, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "params": [0]}]
    optimizer = {"state": moments, "param_groups": groups}
    torch.save({"epoch": 7, "network": state, "optimizer": optimizer, **wrapper}, path)
