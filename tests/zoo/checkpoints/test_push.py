"""Publishing: what goes out, what must not, and that it comes back the same."""

import dataclasses
import io
import json
import re

import numpy as np
import pytest
import torch
import yaml
from hub_server import TOKEN
from huggingface_hub import ModelCard
from PIL import Image
from safetensors.torch import load_file, save_file

import zoo
import zoo.checkpoints.listing
from zoo.checkpoints.card_picture import card_picture
from zoo.checkpoints.files import read_metadata
from zoo.checkpoints.listing import parse_checkpoints
from zoo.checkpoints.model_card import model_card
from zoo.checkpoints.package import package_checkpoint
from zoo.checkpoints.publish import check_redistributable
from zoo.cli import main
from zoo.errors import ZooError
from zoo.results.files import write_result
from zoo.results.result import make_result

REPO = "someone/small"


@pytest.fixture
def hub(hub_server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return hub_server


def test_what_was_pushed_comes_back_the_same(listed, small_model, hub, tmp_path, capsys):
    done = zoo.push("i2l_meshnet.small", REPO)
    published = hub.repos[REPO].commits[done.commit]
    assert {name: len(content) for name, content in published.items()} == done.files
    assert set(published) == {"model.safetensors", "config.json", "README.md", "prediction.jpg"}
    assert Image.open(io.BytesIO(published["prediction.jpg"])).size == (768, 384)
    assert "](prediction.jpg)" in published["README.md"].decode()
    assert published["model.safetensors"] == listed.read_bytes()
    image = torch.rand(1, 3, 64, 64)
    expected = small_model(image).vertices
    model = zoo.load(REPO, cache_dir=tmp_path / "first")
    assert not model.training
    assert torch.equal(model(image).vertices, expected)
    moved = hub.repos[REPO].commit({"model.safetensors": b"other", "config.json": b"{}"})
    assert moved != done.commit
    assert torch.equal(zoo.load(REPO, revision=done.commit, cache_dir=tmp_path / "second")(image).vertices, expected)
    again = zoo.load(REPO, revision=done.commit, cache_dir=tmp_path / "second", offline=True)
    assert torch.equal(again(image).vertices, expected)

    assert main(["push", "i2l_meshnet.small", "--repo", REPO]) == 0
    url, call = capsys.readouterr().out.splitlines()
    assert call == f'zoo.load("{REPO}", revision="{hub.repos[REPO].branches["main"]}")'
    assert url.endswith(hub.repos[REPO].branches["main"])


def test_listed_weights_on_the_hub_load_at_their_commit(listed, small_model, hub, tmp_path, monkeypatch):
    commit = zoo.push("i2l_meshnet.small", REPO).commit
    document = yaml.safe_load((listed.parent / "checkpoints.yaml").read_text())
    entry = document["i2l_meshnet.small"]
    entry |= {"availability": "hub", "file": "model.safetensors", "source": {"repo": REPO, "revision": commit}}
    (tmp_path / "checkpoints.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setattr("zoo.checkpoints.listing.resource_path", lambda name: tmp_path / name)
    hub.repos[REPO].commit({"model.safetensors": b"other"})
    image = torch.rand(1, 3, 64, 64)
    model = zoo.load("i2l_meshnet", cache_dir=tmp_path / "cache")
    assert torch.equal(model(image).vertices, small_model(image).vertices)
    hub.damage = True
    with pytest.raises(ZooError, match="is not the listed file"):
        zoo.load("i2l_meshnet", cache_dir=tmp_path / "other")
    assert not list((tmp_path / "other").rglob("snapshots/*/*"))
    with pytest.raises(ZooError, match="the repository has no such revision"):
        zoo.load("i2l_meshnet", revision="v2", cache_dir=tmp_path / "other")
    assert main(["list"]) == 0


def test_branches_and_private_repositories(listed, hub, tmp_path, monkeypatch):
    zoo.push("i2l_meshnet.small", REPO, private=True)
    assert hub.repos[REPO].private
    first = hub.repos[REPO].branches["main"]
    done = zoo.push("i2l_meshnet.small", REPO, revision="trial")
    assert hub.repos[REPO].branches == {"main": first, "trial": done.commit}
    assert zoo.load(REPO, revision="trial", cache_dir=tmp_path).hparams["network"]["crop_size"] == 64
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ZooError, match="private; if so, log in with `hf auth login`"):
        zoo.load(REPO, cache_dir=tmp_path / "other")
    with pytest.raises(ZooError, match="hf auth login"):
        zoo.push("i2l_meshnet.small", REPO)


def test_a_dry_run_touches_no_network(listed, hub, capsys):
    assert main(["push", "i2l_meshnet.small", "--repo", REPO, "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert f"model.safetensors: {listed.stat().st_size:,} bytes" in text
    assert "license: apache-2.0" in text
    assert hub.log == []
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("licences", "message"),
    [
        ({"redistributable": False}, "its weights are not redistributable"),
        ({"weights": ""}, "its weights have no licence"),
        ({"weights": "none stated (code MIT)"}, "its weights have no licence"),
    ],
)
def test_weights_without_permission_stay_here(listed, hub, tmp_path, monkeypatch, capsys, licences, message):
    document = yaml.safe_load((listed.parent / "checkpoints.yaml").read_text())
    document["i2l_meshnet.small"]["licences"] |= licences
    (tmp_path / "checkpoints.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setattr("zoo.checkpoints.listing.resource_path", lambda name: tmp_path / name)
    for more in ([], ["--dry-run"]):
        assert main(["push", "i2l_meshnet", "--repo", REPO, *more]) == 2
        assert message in capsys.readouterr().err
    assert hub.log == []


def test_no_official_weights_can_be_published():
    from zoo.checkpoints.listing import read_checkpoints

    for entry in read_checkpoints().values():
        if entry.availability == "official":
            with pytest.raises(ZooError, match="is not published"):
                check_redistributable(entry)


def test_weights_of_ones_own(small_weights, small_model, hub, tmp_path):
    own = tmp_path / "mine"
    own.mkdir()
    (own / "model.safetensors").write_bytes(small_weights.read_bytes())
    with pytest.raises(ZooError, match=r"is not listed: give its licence \(--licence\)"):
        zoo.push(own, REPO)
    done = zoo.push(own, REPO, licence="CC-BY-4.0", data="my pictures, CC0")
    assert "license: cc-by-4.0" in done.card
    assert "- Data: my pictures, CC0" in done.card
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(zoo.load(REPO, cache_dir=tmp_path / "c")(image).vertices, small_model(image).vertices)
    tensors, facts = load_file(own / "model.safetensors"), {"method": "i2l_meshnet", "config": "{}"}
    for metadata, message in (
        ({**facts, "provenance": "{}"}, "converted from the authors' file and is not redistributable"),
        (facts, "does not fit i2l_meshnet"),
        ({**facts, "method": "nobody"}, "no method 'nobody'"),
        ({"config": "{}"}, "does not name a method"),
        ({**facts, "config": "[1]"}, "its config is not a mapping"),
    ):
        save_file(tensors, own / "model.safetensors", metadata)
        with pytest.raises(ZooError, match=message):
            zoo.push(own, REPO, licence="MIT", data="x")
    with pytest.raises(ZooError, match="only safetensors are published"):
        zoo.push("last.ckpt", REPO)


def test_the_picture_shows_a_body_on_the_person():
    picture = np.asarray(Image.open(io.BytesIO(card_picture(zoo.load("hemlets.open_tiny"))))).astype(int)
    crop, predicted = np.split(picture, 2, axis=1)
    drawn = np.abs(crop - predicted).max(-1) > 60
    rows, columns = np.nonzero(drawn)
    assert 0.02 < drawn.mean() < 0.5
    assert abs(columns.mean() - 192) < 80  # crops are centred on their person
    assert np.ptp(rows) > 96


def test_own_weights_carry_their_command_and_numbers(small_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_RESULTS", str(tmp_path / "results"))
    content = torch.load(small_checkpoint, weights_only=True)
    origin = {"command": "zoo fit --config run/mine --model.lr 1e-4", "config": "run/mine"}
    torch.save({**content, "zoo_training": origin}, tmp_path / "last.ckpt")
    sha256 = package_checkpoint(tmp_path / "last.ckpt", "i2l_meshnet.mine", tmp_path, None)["sha256"]
    file = tmp_path / "i2l_meshnet.mine.safetensors"
    for error, label, root_depth in ((90.5, str(file), "box"), (70.5, f"{file} (lr=1)", "box"), (60.5, "x", "given")):
        facts = {"method": "i2l_meshnet", "weights": label, "weights_sha256": sha256, "root_depth": root_depth}
        facts |= {
            "data": "open",
            "data_fingerprint": "0" * 64,
            "config": {"model": "x"},
            "device": "cpu",
            "precision": "32-true",
        }
        write_result(make_result("lsp-test-2d", {"pck": error, "n": 1000}, **facts, command="zoo test"))
    card = zoo.push(file, REPO, licence="CC-BY-4.0", data="my photographs", dry_run=True).card
    assert f"- Command: `{origin['command']}`" in card
    assert "- Configuration: run/mine" in card
    (result,) = ModelCard(card).data.eval_results
    assert (result.dataset_type, result.metric_type, result.metric_value) == ("lsp-test-2d", "pck", 90.5)


def test_words_that_are_not_ones_own(listed, hub):
    with pytest.raises(ZooError, match=r"are in checkpoints\.yaml"):
        zoo.push("i2l_meshnet.small", REPO, licence="MIT")
    with pytest.raises(ZooError, match="no Hub repository name"):
        zoo.push("i2l_meshnet.small", "a/b/c")


def test_the_card_says_what_a_reader_must_know():
    from zoo.checkpoints.listing import get_checkpoint

    entry = get_checkpoint("i2l_meshnet.open_tiny")
    entry = dataclasses.replace(entry, reported={"3dpw-test-14j-gendered": {"mpjpe": 93.15}})
    card = model_card(entry, "me/mine")
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "apache-2.0"
    assert "i2l_meshnet" in head["tags"]
    for text in (
        'zoo.load("me/mine")',
        "I2L-MeshNet: Image-to-Lixel Prediction Network",
        entry.training.command,
        entry.training.fingerprint,
        f"| open-v1 | mpjpe | {entry.results['open-v1']['mpjpe']:g} | mm |",
        "| 3dpw-test-14j-gendered | mpjpe | 93.15 | mm |",
        "not photographs",
        "## Intended use and limits",
        f"{entry.parameters:,}",
    ):
        assert text in card
    measured, reported = card.index("## Measured by"), card.index("## Reported by")
    assert measured < card.index("open-v1 | mpjpe") < reported < card.index("93.15")
    other = dataclasses.replace(entry.licences, weights="My Own Licence 1.0")
    head = yaml.safe_load(model_card(dataclasses.replace(entry, licences=other), "me/mine").split("---")[1])
    assert (head["license"], head["license_name"]) == ("other", "my own licence 1.0")


def test_hostile_fields_stay_text_in_the_card():
    from zoo.checkpoints.listing import get_checkpoint

    evil = "x\n---\nlicense: mit\n# Heading\n<script>alert(1)</script> | `a` | <img src=x onerror=y>\r\n```\n"
    entry = get_checkpoint("i2l_meshnet.open_tiny")
    training = dataclasses.replace(entry.training, data=evil, config=evil, command=evil, notes=evil, fingerprint=evil)
    licences = dataclasses.replace(entry.licences, weights=evil, data=evil)
    texts = {"summary": evil, "inputs": evil, "outputs": evil, "requires": (evil,)}
    numbers = {"results": {evil: {evil: 1.0}}, "reported": {evil: {evil: 1.0}}}
    hostile = dataclasses.replace(entry, training=training, licences=licences, **texts, **numbers)
    card, usual = model_card(hostile, "me/mine"), model_card(entry, "me/mine")
    head = yaml.safe_load(card.split("\n---\n")[0])
    assert head.keys() == yaml.safe_load(usual.split("\n---\n")[0]).keys() | {"license_name"}
    assert head["license"] == "other"
    text = card.partition("\n---\n\n")[2]
    assert not re.search("<script|<img|</", text)
    assert [line for line in text.splitlines() if line.startswith("# ")] == [f"# {entry.name}"]
    assert text.count("\n```") == usual.count("\n```")
    assert "\n---\n" not in text
    rows = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(rows) == {3, 5}


def test_the_published_configuration_is_complete(listed, hub):
    commit = zoo.push("i2l_meshnet.small", REPO).commit
    facts = json.loads(hub.repos[REPO].commits[commit]["config.json"])
    entry = parse_checkpoints(yaml.safe_load((listed.parent / "checkpoints.yaml").read_text()))["i2l_meshnet.small"]
    assert facts["config"]["network"]["crop_size"] == 64
    assert facts["config"] == json.loads(read_metadata(listed)["config"])
    assert (facts["sha256"], facts["bytes"], facts["parameters"]) == (entry.sha256, entry.bytes, entry.parameters)
    assert facts["licence"] == "Apache-2.0"


def test_the_hub_reads_the_results_of_a_card():
    """By the Hub's own reader; those that authors report are not ours to claim."""
    for entry in zoo.checkpoints.listing.read_checkpoints().values():
        card = ModelCard(model_card(entry, REPO, "prediction.jpg"))
        results = card.data.eval_results or []
        found = {(result.dataset_type, result.metric_type): result.metric_value for result in results}
        stated = {(protocol, name): value for protocol, row in entry.results.items() for name, value in row.items()}
        assert found == stated
        assert card.data.pipeline_tag == "keypoint-detection"
        assert "(prediction.jpg)" in card.text
        assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()  # as the Hub would write it again
    entry = zoo.checkpoints.listing.read_checkpoints()["danet.open_tiny"]
    card = ModelCard(model_card(entry, REPO))
    (citation,) = re.findall(r"```bibtex\n(.*?)```", card.content, re.S)
    assert citation.startswith("@article{danet,")
    assert citation.count("{") == citation.count("}")
    assert "Hongwen Zhang and Jie Cao and" in citation
