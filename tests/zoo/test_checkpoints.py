"""`checkpoints.yaml`: typed, checked, and true."""

import copy
import hashlib

import pytest
import yaml

import zoo
from zoo.checkpoints import get_checkpoint, parse_checkpoints, read_checkpoints
from zoo.errors import ZooError
from zoo.resources import list_configs, resource, weights_folder

BUNDLED = [entry for entry in read_checkpoints().values() if entry.availability == "bundled"]


@pytest.fixture
def document():
    return copy.deepcopy(yaml.safe_load(resource("checkpoints.yaml").read_text()))


def test_a_method_name_means_its_default():
    assert get_checkpoint("i2l_meshnet").name == "i2l_meshnet.open_tiny"
    assert zoo.info("i2l_meshnet")["method"] == "i2l_meshnet"
    assert "i2l_meshnet.open_tiny" in zoo.list_models()
    with pytest.raises(ZooError, match="there are cascaded_lifting, danet, hemlets, i2l_meshnet, nbf"):
        get_checkpoint("i2l")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"summary": None}, "i2l_meshnet.freihand: summary must be str"),
        ({"availability": "somewhere"}, "availability must be one of"),
        ({"default": True}, "exactly one entry"),
        ({"licences": {"weights": "MIT", "data": "x"}}, "licences: redistributable is missing"),
        ({"licences": {"weights": "MIT", "data": "x", "redistributable": "no"}}, "redistributable must be bool"),
        ({"requires": "MANO"}, "requires must be list"),
        ({"reported": {"p": {"mpjpe": "low"}}}, r"reported.p.mpjpe must be float"),
        ({"availability": "bundled"}, "file is missing"),
        ({"bytes": True}, "bytes must be int"),
        ({"method": "nbf"}, "the name must be the method"),
    ],
)
def test_errors_name_the_entry_and_the_field(document, change, message):
    document["i2l_meshnet.freihand"].update(change)
    with pytest.raises(ZooError, match=message):
        parse_checkpoints(document)


def test_no_default_and_no_mapping(document):
    document["i2l_meshnet.open_tiny"]["default"] = False
    with pytest.raises(ZooError, match="exactly one entry"):
        parse_checkpoints(document)
    with pytest.raises(ZooError, match="mapping"):
        parse_checkpoints({"a.b": 3})
    with pytest.raises(ZooError, match="mapping"):
        parse_checkpoints([])


def test_training_configurations_exist():
    for entry in read_checkpoints().values():
        if entry.training is not None and entry.training.config is not None:
            assert entry.training.config in list_configs()


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_bundled_facts_are_true(entry):
    content = (weights_folder() / entry.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    assert len(content) == entry.bytes <= 12_000_000
    model = zoo.load(entry.name)
    assert sum(weight.numel() for weight in model.parameters()) == entry.parameters
    assert not model.training
    assert not any(".body" in key or "regressor" in key or "faces" in key for key in model.state_dict())
