"""Classes that other packages bring by entry points."""

import collections
import json

import pytest

from body.installed import import_class, name_of, with_installed

GROUP = "human_mesh_zoo.for_the_tests"
POINTS = {
    "toy": "toy_lab:Toy",
    "broken": "toy_broken:Toy",
    "away": "toy_lab:Gone",
    "word": "toy_lab:WORD",
    "own": "toy_lab:Toy",
}


@pytest.fixture
def named(tmp_path, monkeypatch):
    (tmp_path / "toy_lab.py").write_text("class Toy(dict): ...\nWORD = 'word'\n")
    (tmp_path / "toy_broken.py").write_text("raise RuntimeError('two\\nlines')\n")
    info = tmp_path / "toy_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-lab\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {value}" for name, value in POINTS.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match="toy_lab:Toy is ignored: there is another 'own'"):
        return with_installed({"own": "collections.OrderedDict"}, GROUP)


def test_names_of_other_packages_come_after_the_own_and_never_replace_one(named):
    assert list(named) == ["own", "toy", "broken", "away", "word"]
    assert import_class("method", "own", named, dict) is collections.OrderedDict
    toy = import_class("method", "toy", named, dict)
    assert toy.__module__ == "toy_lab"
    assert name_of(toy, named) == "toy"
    assert name_of(json.JSONDecoder, named) is None


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nope", KeyError, "no method 'nope'; there are own, toy"),
        ("broken", ValueError, "method 'broken' cannot be loaded, .* toy_broken: RuntimeError: two lines$"),
        ("away", ValueError, "method 'away' cannot be loaded, .* no attribute 'Gone'$"),
        ("word", ValueError, "method 'word': toy_lab.WORD is no subclass of builtins.dict"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(named, name, error, message):
    with pytest.raises(error, match=message):
        import_class("method", name, named, dict)
