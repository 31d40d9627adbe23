"""Weights that anyone can regenerate by rule, and the authors' outputs with them (`tests/golden/i2l_meshnet_*`)."""

import json
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from body.licensed import MANO16
from body.model import BodyModel
from body.skeleton import SMPL24

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name):
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as data:
        return dict(data)


def standin_regressor(data):
    """Joint regressor of the stand-in body that the authors' network was run with."""
    matrix = torch.zeros(*data["standin_regressor_shape"])
    rows, columns = (data[f"standin_regressor_{axis}"].astype(np.int64) for axis in ("rows", "columns"))
    matrix[rows, columns] = torch.from_numpy(data["standin_regressor_values"])
    return matrix


def official_state(data, skip=("mesh_backbone.conv1", "mesh_backbone.bn1")):
    """State dict with official names: every entry is drawn from a generator seeded by its own name.

    Args:
        data: of a golden file.
        skip: beginnings of names that are left out, such as those that the network never uses.
    """
    entries = [json.loads(entry) for entry in data["keys"]]
    return {key: _entry(key, shape) for key, shape in entries if not key.startswith(skip)}


@contextmanager
def no_initialisation():
    """Networks made in here have arbitrary weights: they are all loaded afterwards, and drawing them takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("kaiming_uniform_", "kaiming_normal_", "uniform_", "normal_", "trunc_normal_"):
            patch.setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
        yield


def standin_body(data, name):
    """A body of the stand-in's size and joints that has no shape."""
    matrix, hand = standin_regressor(data).numpy(), name == "mano"
    vertices, skeleton = matrix.shape[1], MANO16 if hand else SMPL24
    arrays = {
        "v_template": np.zeros((vertices, 3)),
        "shapedirs": np.zeros((vertices, 3, 10)),
        "weights": np.eye(1, len(skeleton)).repeat(vertices, 0),
        "J_regressor": matrix[: len(skeleton)],
        "kintree_table": np.array([skeleton.parent_indices, range(len(skeleton))]),
        "f": data["standin_faces"].astype(np.int64),
    }
    return BodyModel(name, skeleton, arrays, {"mano21" if hand else "smpl29": matrix})


_SCALE = {
    "root.xy_layer.weight": 0.01,
    "root.depth_layer.weight": 0.001,
    "conv_tail.3.weight": 2**-8,
    "conv_tail.3.bias": 2**-8,
}
"""What the rule's values are multiplied with, so that a soft-argmax does not saturate."""


def _entry(key, shape):
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    normal = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(shape)
    if key.endswith("running_var"):
        normal = 1 + 0.1 * abs(normal)
    elif key.endswith("running_mean"):
        normal *= 0.1
    elif key.endswith(".bias"):
        normal *= 0.02 * _SCALE.get(key, 1.0)
    elif len(shape) == 1:
        normal = 1 + 0.1 * normal
    else:
        transposed = (".deconv" in key or ".conv_body." in key) and len(shape) == 4
        fan_in = shape[0] * shape[2] * shape[3] / 4 if transposed else np.prod(shape[1:])
        normal *= np.sqrt(2 / fan_in)
        if key.endswith(("conv_x.0.weight", "conv_y.0.weight", "conv_z_2.0.weight")):
            normal *= 0.01 if key.startswith("pose_net") else 0.05  # else the soft-argmax saturates
        normal *= _SCALE.get(key, 1.0)
    return torch.from_numpy(normal.astype(np.float32))


def kept(array, data, name):
    """What the golden file keeps of `array` (all of it, or every k-th value), and what it should be."""
    if name in data:
        return array, data[name]
    (key,) = (key for key in data if key.startswith(f"{name}__every"))
    return array.reshape(-1)[:: int(key.rpartition("every")[2])], data[key]
