"""The `zoo` command as a user meets it: files that are there, one line when something is wrong, never a traceback."""

import json

import numpy as np
import pytest
import trimesh
from PIL import Image
from skimage import data

from zoo.cli import main
from zoo.cli.dispatch import COMMANDS, LIGHTNING

ENDINGS = ("_overlay.png", "_skeleton.png", ".obj", ".glb", ".html", ".json")


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:120, 150:310]


@pytest.fixture
def images(photo, tmp_path):
    """One file of every kind that a user may hand over, by what it is."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate clockwise to see it upright
    grey = Image.fromarray(photo[..., 1])
    save = {
        "plain.png": (Image.fromarray(photo), {}),
        "grey.png": (grey, {}),
        "deep.png": (Image.fromarray(photo[..., 1].astype(np.uint16) * 257), {}),
        "alpha.png": (Image.fromarray(np.dstack([photo, photo[..., :1] * 0 + 200])), {}),
        "turned.jpg": (Image.fromarray(np.ascontiguousarray(np.rot90(photo))), {"exif": exif}),
        "pixel.png": (Image.new("RGB", (1, 1)), {}),
    }
    for name, (image, options) in save.items():
        image.save(tmp_path / name, **options)
    (tmp_path / "text.jpg").write_text("not a picture")
    return tmp_path


@pytest.mark.parametrize("name", ["plain.png", "grey.png", "deep.png", "alpha.png", "turned.jpg"])
def test_every_kind_of_image_gives_every_file(images, listed, capsys, name):
    out = images / "out"
    assert main(["predict", str(images / name), "--whole", "--out", str(out)]) == 0
    stem = name.split(".")[0]
    assert {path.name for path in out.iterdir()} == {stem + ending for ending in ENDINGS}
    assert len(capsys.readouterr().out.splitlines()) == len(ENDINGS)
    record = json.loads((out / f"{stem}.json").read_text())
    assert (record["image"]["width"], record["image"]["height"]) == (160, 120)  # upright
    assert record["model"] == "i2l_meshnet.small"
    assert trimesh.load(out / f"{stem}.obj", process=False).vertices.shape == (6900, 3)


def test_boxes_and_focal_length(images, listed):
    out = images / "out"
    argv = ["predict", str(images / "plain.png"), "--out", str(out), "--focal", "300"]
    assert main([*argv, "--box", "10", "5", "60", "110", "--box", "80", "0", "300", "90"]) == 0
    records = [json.loads((out / f"plain_person{k}.json").read_text()) for k in (0, 1)]
    assert [r["box"]["xywh"] for r in records] == [[10, 5, 60, 110], [80, 0, 80, 90]]  # cut to the image
    assert records[0]["camera"] == {"intrinsics": [[300, 0, 79.5], [0, 300, 59.5], [0, 0, 1]], "source": "given"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jpg"], "missing.jpg: no such file"),
        (["text.jpg"], "is not an image"),
        (["pixel.png"], "1 x 1 pixels"),
        (["missing"], "missing: no such file"),
        (["plain.png", "--box", "500", "500", "10", "10"], "lies outside of the image of 160 x 120"),
        (["plain.png", "--box", "5", "5", "0", "10"], "is empty"),
        (["plain.png", "--whole", "--model", "nobody"], "no model 'nobody'; there are i2l_meshnet"),
        (["plain.png", "--whole", "--focal", "-3"], "--focal is above 0"),
        (["plain.png", "--whole", "--device", "toaster"], "device 'toaster' cannot be used"),
        (["plain.png", "--whole", "--out", "text.jpg"], "text.jpg cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(images, listed, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(images)
    before = sorted(path.name for path in images.iterdir())
    assert main(["predict", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert sorted(path.name for path in images.iterdir()) == before


def test_help_names_every_command_and_fits_the_terminal(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in (*COMMANDS, *LIGHTNING):
        assert f"\n  {name} " in text
    assert max(map(len, text.splitlines())) <= 100
    for name in COMMANDS:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code == 0
    assert main(["nonsense"]) == 2
    assert "no command 'nonsense'" in capsys.readouterr().err


def test_list_and_info(listed, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert "i2l_meshnet.small" in text
    assert max(map(len, text.splitlines())) <= 80
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["i2l_meshnet.small"]["availability"] == "bundled"
    assert main(["info", "i2l_meshnet"]) == 0
    assert "Apache-2.0" in capsys.readouterr().out
    assert main(["info", "i2l_meshnet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["network"]["crop_size"] == 64
    assert main(["info", "nobody"]) == 2


def test_leaderboard_in_every_format(capsys):
    for form in ("table", "markdown", "csv", "json"):
        assert main(["leaderboard", "3dpw-test-14j-gendered", "--format", form]) == 0
        assert "93.2" in capsys.readouterr().out.replace("93.15", "93.2")
    assert main(["leaderboard", "nonsense"]) == 2
    assert "there are open-v1" in capsys.readouterr().err


def test_doctor_finds_what_is_broken(listed, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path / "nothing"))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    assert main(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["ray casting"]["state"] == "ok"
    assert checks["i2l_meshnet.small"]["state"] == "ok"
    assert checks["SMPL"]["state"] == "missing"
    assert "register at smplify.is.tue.mpg.de" in checks["SMPL"]["detail"]
    assert "$ZOO_ASSETS/body_models/smpl" in checks["SMPL"]["detail"]
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").write_text("in the way")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / listed.name).write_bytes(listed.read_bytes()[:-1] + b"x")
    monkeypatch.setattr("zoo.checkpoints.files.weights_folder", lambda: tmp_path / "w")
    assert main(["doctor"]) == 1
    assert "Broken: cache, i2l_meshnet.small" in capsys.readouterr().out
