"""Configurations that are based on others, and what the data take from the model."""

import pytest
import yaml

from zoo.cli import main
from zoo.cli.lightning_arguments import parse_run_options
from zoo.cli.lightning_cli import ZooCLI
from zoo.cli.links import linked_crops
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config, list_configs
from zoo.errors import ZooError

I2L = "lightning_modules.i2l_meshnet.module.I2LMeshNetModule"
OPEN = "datamodules.synthetic.SyntheticDataModule"


def write(folder, name, content):
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return folder / f"{name}.yaml"


def test_a_file_changes_what_it_is_based_on(tmp_path):
    one = {"model": {"class_path": "a.A", "init_args": {"x": 1, "net": {"w": 2, "d": [1, 2]}}}, "trainer": {"n": 1}}
    first = write(tmp_path, "first", one)
    second = write(tmp_path, "second", {"trainer": {"n": 2, "m": 3}})
    changes = {"model": {"init_args": {"net": {"d": [5]}}}}
    last = write(tmp_path, "last", {"base": [str(first), str(second)], **changes})
    init = {"x": 1, "net": {"w": 2, "d": [5]}}
    assert read_config(last) == {"model": {"class_path": "a.A", "init_args": init}, "trainer": {"n": 2, "m": 3}}
    other = write(tmp_path, "other", {"base": str(first), "model": {"class_path": "b.B", "init_args": {"y": 1}}})
    assert read_config(other)["model"] == {"class_path": "b.B", "init_args": {"y": 1}}


def test_wrong_bases_are_one_line(tmp_path):
    path = write(tmp_path, "a", {"base": [str(tmp_path / "b.yaml")]})
    write(tmp_path, "b", {"base": [str(path)]})
    with pytest.raises(ZooError, match="leads back to itself"):
        read_config(path)
    for content, message in (({"base": {"x": 1}}, "base is a list"), ({"base": ["nowhere"]}, "no configuration")):
        with pytest.raises(ZooError, match=message):
            read_config(write(tmp_path, "c", content))
    (tmp_path / "d.yaml").write_text("- 1")
    with pytest.raises(ZooError, match="a configuration is a mapping"):
        read_config(tmp_path / "d.yaml")
    (tmp_path / "d.yaml").write_text("a: [")
    with pytest.raises(ZooError, match="not a readable YAML file"):
        read_config(tmp_path / "d.yaml")


def test_every_bundled_configuration_says_nothing_twice():
    for name in list_configs():
        content = read_config(find_config(name))
        crops = content["data"].get("init_args", {}).get("crops", {})
        assert not {"size", "skeleton", "body"} & set(crops), name
        assert "base" not in content, name
    assert not any(name.startswith("_base") for name in list_configs())


def run(tmp_path, model, *arguments, data=None):
    content = {
        "model": {
            "class_path": I2L,
            "init_args": {"network": {"backbone": "resnet18_tiny", "head_channels": 8}} | model,
        },
        "data": {"class_path": OPEN, "init_args": data or {}},
        "trainer": {"accelerator": "cpu"},
    }
    return parse_run_options(["fit", "--config", str(write(tmp_path, "run", content)), *arguments])


def test_the_data_take_size_joints_and_protocol_from_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ZooCLI, "instantiate_trainer", lambda self, **_: None)
    monkeypatch.setattr(ZooCLI, "_run_subcommand", lambda *_: None)
    cli = ZooCLI(
        run(tmp_path, {"skeleton": "smpl24"}, "--model.network.crop_size", "96", "--model.protocol=open-v1-root")
    )
    crops = cli.datamodule.crops
    assert (crops.size, crops.skeleton, crops.body) == (96, "smpl24", "open")
    assert cli.datamodule.protocol == cli.model.protocol.id == "open-v1-root"


@pytest.mark.parametrize(
    ("arguments", "data", "named"),
    [
        (["--data.crops.size=64"], {}, "model.network.crop_size"),
        (["--data.init_args.protocol", "open-v1"], {}, "model.protocol"),
        ([], {"crops": {"skeleton": "smpl24"}}, "model.skeleton"),
        ([], {"crops": {"body": "open"}}, "model.body"),
    ],
)
def test_saying_it_for_the_data_is_refused(tmp_path, capsys, arguments, data, named):
    with pytest.raises(ZooError, match=f"is taken from the model; set {named} instead"):
        run(tmp_path, {}, *arguments, data=data)


def test_the_command_answers_in_one_line(tmp_path, capsys):
    path = write(tmp_path, "x", {"base": ["nowhere"]})
    assert main(["fit", "--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert "no configuration 'nowhere'" in error
    assert error.count("\n") == 1


def test_crops_of_a_configuration_without_a_command_line():
    model = {"class_path": I2L, "init_args": {"network": {"crop_size": 192}, "skeleton": "smpl24", "body": "none"}}
    assert linked_crops(model) == {"size": 192, "margin": 1.25, "skeleton": "smpl24", "body": "open"}
    assert linked_crops({"class_path": I2L, "init_args": {"crop_size": 8}}) == {
        "size": 8,
        "margin": 1.25,
        "body": "open",
    }
