"""Backbones whose weights ship with the package."""

import hashlib

import pytest
import yaml

from lightning_modules.common.backbones import BACKBONES, create_backbone
from lightning_modules.common.backbones.registry import SHIPPED
from zoo.checkpoints.backbones import parse_backbones, read_backbones
from zoo.checkpoints.files import weights_folder
from zoo.checkpoints.listing import parse_checkpoints, read_checkpoints
from zoo.documents.resources import resource_path
from zoo.errors import ZooError

ENTRY = {
    "summary": "a backbone",
    "sha256": "0" * 64,
    "bytes": 1,
    "parameters": 1,
    "licences": {"weights": "Apache-2.0", "data": "CC0-1.0", "redistributable": True},
    "training": {"data": "renderings"},
}


def test_networks_and_the_list_look_in_the_same_folder():
    assert weights_folder() / "backbones" == SHIPPED


def test_files_and_entries_are_the_same():
    listed = read_backbones()
    assert {path.stem for path in SHIPPED.glob("*")} == set(listed)
    assert all(BACKBONES[name].shipped for name in listed)


def test_listed_facts_are_true():
    for name, entry in read_backbones().items():
        content = (SHIPPED / f"{name}.safetensors").read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert len(content) == entry.bytes <= 16_000_000
        assert entry.licences.redistributable
        assert sum(weight.numel() for weight in create_backbone(name, True).parameters()) == entry.parameters


def test_an_entry_is_a_backbone_s_and_no_method_s():
    document = yaml.safe_load(resource_path("checkpoints.yaml").read_text()) | {"backbone.people_lite0": ENTRY}
    assert parse_checkpoints(document) == read_checkpoints()
    assert parse_backbones(document)["people_lite0"].training.data == "renderings"
    with pytest.raises(ZooError, match=r"backbone\.people_lite0: sha256 'abc' is not of the form"):
        parse_backbones({"backbone.people_lite0": ENTRY | {"sha256": "abc"}})
    with pytest.raises(ZooError, match="training"):
        parse_backbones({"backbone.people_lite0": {k: v for k, v in ENTRY.items() if k != "training"}})
