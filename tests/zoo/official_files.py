"""A small I2L-MeshNet release: the authors' names, a listing that knows it, and SMPL of made-up numbers."""

import copy
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from distributed_files import write_body, write_snapshot

from lightning_modules.common.backbones import BACKBONES, BackboneSpec
from lightning_modules.i2l_meshnet import official
from zoo.documents.resources import resource_path

GOLDEN = Path(__file__).parents[1] / "golden"
NARROW = {"narrow": BackboneSpec("resnet18", {"channels": (8, 16, 24, 32)})}
"""A backbone with the layer names of the authors' ResNet and few weights, for `backbones.BACKBONES`."""

SMALL = {"backbone": "narrow", "crop_size": 64, "head_channels": 8}


def golden_keys(name):
    """Names and shapes of the authors' state dict."""
    with np.load(GOLDEN / name, allow_pickle=False) as data:
        return [(key, tuple(shape)) for key, shape in map(json.loads, data["keys"])]


def small_listing():
    """The real list with the official body entries shrunk, so that their files are small."""
    document = copy.deepcopy(yaml.safe_load(resource_path("checkpoints.yaml").read_text()))
    for name in ("i2l_meshnet.h36m_muco_coco", "i2l_meshnet.h36m_coco"):
        document[name]["config"]["network"] |= SMALL
    return document


def small_state(config):
    """Random weights by official names for the network of these hyper-parameters, dead weights included."""
    torch.manual_seed(0)
    shapes = {name: value.shape for name, value in official.build_network(config).state_dict().items()}
    state = {}
    for key, shape in golden_keys("i2l_meshnet_body.npz"):
        converted = official.convert_state_dict({key: torch.empty(shape, device="meta")})
        if not converted:
            state[key] = torch.randn(shape)  # the released network has it and never runs it
        elif (name := next(iter(converted))) in shapes:
            state[key] = torch.randn(shapes[name]) if "num_batches" not in key else torch.tensor(3)
            if key.endswith("running_var"):
                state[key].abs_().add_(0.5)
    return state


def release(folder, monkeypatch):
    """Write `snapshot_7.pth.tar`, SMPL and the listing into a folder; return the state by official names."""
    monkeypatch.setitem(BACKBONES, "narrow", NARROW["narrow"])
    document = small_listing()
    (folder / "checkpoints.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    state = small_state(document["i2l_meshnet.h36m_muco_coco"]["config"])
    write_snapshot(folder / "snapshot_7.pth.tar", state)
    smpl = folder / "assets" / "body_models" / "smpl"
    smpl.mkdir(parents=True)
    write_body(smpl / "SMPL_NEUTRAL.pkl", monkeypatch, 24, 6890)
    return state
