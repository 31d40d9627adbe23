"""`checkpoints.yaml`: typed, checked, and true."""

import copy
import hashlib
import json
from pathlib import Path

import pytest
import yaml

import zoo
from metrics import METRIC_UNITS, PROTOCOLS
from zoo.checkpoints.files import read_metadata
from zoo.checkpoints.listing import get_checkpoint, parse_checkpoints, read_checkpoints
from zoo.cli.lightning_arguments import parse_run_options
from zoo.documents.configs import flatten, read_config
from zoo.documents.resources import find_config, list_configs, resource_path, weights_folder
from zoo.errors import ZooError
from zoo.results.files import read_results

HUB = {"page": "x", "reason": "y", "file": "z"}
BUNDLED = [entry for entry in read_checkpoints().values() if entry.availability == "bundled"]


@pytest.fixture
def document():
    return copy.deepcopy(yaml.safe_load(resource_path("checkpoints.yaml").read_text()))


def test_a_method_name_means_its_default():
    assert get_checkpoint("i2l_meshnet").name == "i2l_meshnet.open"
    assert zoo.info("i2l_meshnet")["method"] == "i2l_meshnet"
    assert "i2l_meshnet.open" in zoo.list_models()
    with pytest.raises(ZooError, match="did you mean i2l_meshnet"):
        get_checkpoint("i2l")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "no field 'colour'"),
        ({"summary": None}, "i2l_meshnet.freihand: summary must be str"),
        ({"availability": "somewhere"}, "availability must be one of"),
        ({"default": True}, "exactly one entry"),
        ({"licences": {"weights": "MIT", "data": "x"}}, "licences: redistributable is missing"),
        ({"licences": {"weights": "MIT", "data": "x", "redistributable": "no"}}, "redistributable must be bool"),
        ({"requires": "MANO"}, "requires must be list"),
        ({"reported": {"p": {"mpjpe": "low"}}}, r"reported.p.mpjpe must be float"),
        ({"availability": "bundled"}, "file is missing"),
        ({"availability": "hub"}, "file is missing, which availability 'hub' needs"),
        ({"availability": "none"}, "source.date is missing, which availability 'none' needs"),
        ({"source": {"page": "x", "reason": "y"}}, "source.file is missing, which availability 'official' needs"),
        ({"source": None}, "source.page is missing"),
        ({"sha256": "abc"}, "sha256 'abc' is not of the form"),
        ({"source": HUB | {"revision": "main"}}, "source.revision 'main' is not of the form"),
        ({"source": HUB | {"repo": "model"}}, "source.repo 'model' is not of the form"),
        ({"source": HUB | {"date": "yesterday"}}, "source.date 'yesterday' is not of the form"),
        ({"source": HUB | {"colour": "red"}}, "source: no field 'colour'"),
        ({"body": "ghost"}, "body must be one of open, smpl, mano, none"),
        ({"bytes": True}, "bytes must be int"),
        ({"method": "nbf"}, "the name must be the method"),
    ],
)
def test_errors_name_the_entry_and_the_field(document, change, message):
    document["i2l_meshnet.freihand"].update(change)
    with pytest.raises(ZooError, match=message):
        parse_checkpoints(document)


def test_no_default_and_no_mapping(document):
    document["i2l_meshnet.open"]["default"] = False
    with pytest.raises(ZooError, match="exactly one entry"):
        parse_checkpoints(document)
    with pytest.raises(ZooError, match="mapping"):
        parse_checkpoints({"a.b": 3})
    with pytest.raises(ZooError, match="mapping"):
        parse_checkpoints([])


def test_what_a_hub_entry_needs(document):
    facts = {"file": "model.safetensors", "sha256": "0" * 64, "bytes": 1, "parameters": 1}
    source = {"repo": "user/name", "revision": "0" * 40}
    document["i2l_meshnet.freihand"] |= {"availability": "hub", **facts, "source": source}
    assert parse_checkpoints(document)["i2l_meshnet.freihand"].source.revision == "0" * 40
    for name in source:
        document["i2l_meshnet.freihand"]["source"] = {key: value for key, value in source.items() if key != name}
        with pytest.raises(ZooError, match=rf"source\.{name} is missing"):
            parse_checkpoints(document)


def test_every_paper_is_listed_and_every_claim_has_its_evidence():
    entries = read_checkpoints().values()
    assert {entry.method for entry in entries} >= {"i2l_meshnet", "hemlets", "nbf", "danet", "cascaded_lifting"}
    golden = Path(__file__).parents[2] / "golden"
    for entry in entries:
        assert entry.golden is None or (golden / entry.golden).is_file(), entry.name
        assert set(entry.results) | set(entry.reported) <= set(PROTOCOLS), entry.name
        for values in (*entry.results.values(), *entry.reported.values()):
            assert set(values) <= set(METRIC_UNITS), entry.name
        assert entry.availability != "bundled" or entry.licences.redistributable
        assert not (entry.availability == "official" and entry.licences.redistributable), "then it could be bundled"


def test_training_configurations_exist():
    """`zoo test --weights NAME` needs no other: its method, body and crops are those of the weights."""
    for entry in read_checkpoints().values():
        if entry.training is None or entry.training.config is None:
            continue
        config = entry.training.config
        assert config in list_configs()
        assert parse_run_options(["test", "--weights", entry.name]).config == config
        stated = flatten(read_config(find_config(config))["model"])
        assert stated["class_path"].split(".")[1] == entry.method
        own = {name: stated.get(f"init_args.{name}") for name in ("body", "network.crop_size", "network.crop_margin")}
        if entry.availability == "official":
            listed = flatten(entry.config)
            assert {name: listed.get(name) for name in own} == own, entry.name
        elif entry.availability == "bundled":
            network = json.loads(read_metadata(weights_folder() / entry.file)["config"])["network"]
            assert (network["crop_size"], network.get("crop_margin")) == tuple(own.values())[1:], entry.name


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_bundled_facts_are_true(entry):
    content = (weights_folder() / entry.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    assert len(content) == entry.bytes <= 16_000_000
    model = zoo.load(entry.name)
    assert sum(weight.numel() for weight in model.parameters()) == entry.parameters
    assert not model.training
    assert not any(".body" in key or "joint_regressor" in key or "faces" in key for key in model.state_dict())


def test_shipped_results_are_those_of_the_listed_weights(tmp_path):
    shipped = read_results(tmp_path)
    measured = {name for name, entry in read_checkpoints().items() if entry.results}
    assert {result.weights for result in shipped} == measured
    depths = {
        name: {r.root_depth for r in shipped if (r.weights, r.protocol) == (name, "open-v1")}
        for name in measured
        if name.endswith(".open_tiny")
    }
    assert len(depths) == 5
    assert all("given" in found and len(found) == 2 for found in depths.values()), depths  # measured both ways
    for result in shipped:
        entry = read_checkpoints()[result.weights]
        assert result.weights_sha256 == entry.sha256
        if result.root_depth == "given":  # the list, as the front page, shows what needs no label
            continue
        assert entry.results[result.protocol] == {key: round(value, 1) for key, value in result.values.items()}
