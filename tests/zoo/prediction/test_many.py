"""Many images in one run: which files are meant, batches against single predictions, the journal, the summary."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import zoo
from zoo.cli import main
from zoo.errors import ZooError
from zoo.prediction.detect.finders import GivenBoxes, ListedBoxes, whole_frames
from zoo.prediction.many import predict_files
from zoo.prediction.sources import find_sources


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one of them in a folder below, a damaged one, and a text."""
    photo = data.astronaut()[:120, 150:310]
    root = tmp_path / "in"
    (root / "below").mkdir(parents=True)
    Image.fromarray(photo).save(root / "a.png")
    Image.fromarray(np.ascontiguousarray(photo[:, :100])).save(root / "a.bmp")
    Image.fromarray(np.ascontiguousarray(photo[:90])).save(root / "below" / "b.png")
    (root / "broken.jpg").write_text("no picture")
    (root / "notes.txt").write_text("no picture")
    return root


def names(images):
    return [image.path.name for image in images]


def test_files_folders_patterns_and_lists(folder, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    assert names(find_sources([str(folder)])) == ["a.bmp", "a.png", "broken.jpg"]
    everything = find_sources([str(folder)], recursive=True)
    assert sorted(names(everything)) == ["a.bmp", "a.png", "b.png", "broken.jpg"]
    places = {image.path.name: (image.output, image.stem) for image in everything}
    assert places["b.png"] == (Path("below"), "b")
    assert {places["a.png"][1], places["a.bmp"][1]} == {"a_png", "a_bmp"}
    assert names(find_sources([str(folder / "*.png"), str(folder / "a.png")])) == ["a.png"]
    listed = io.BytesIO(f"{folder}/a.png\n\n{folder}/below\n".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(listed))
    assert names(find_sources(["-"])) == ["a.png", "b.png"]
    (folder / "x").mkdir()
    (folder / "x" / "a.png").write_bytes((folder / "a.png").read_bytes())
    same = find_sources([str(folder / "a.png"), str(folder / "x" / "a.png")])
    assert len({image.stem for image in same}) == 2
    with pytest.raises(ZooError, match="no images or videos in"):
        find_sources([str(tmp_path / "empty")])
    with pytest.raises(ZooError, match="no such file"):
        find_sources([str(folder / "*.webp")])
    with pytest.raises(ZooError, match=r"https://x.org/a.jpg is an address; download it first"):
        find_sources(["https://x.org/a.jpg"])


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_batches_over_people_and_images_equal_single_predictions(small_model, folder, batch_size):
    boxes = [[10, 5, 60, 80], [30, 0, 60, 90]]
    images = find_sources([str(folder)], recursive=True)
    results = list(predict_files(small_model, images, GivenBoxes(boxes), 200.0, batch_size))
    assert [one.file for one in results] == images
    for one in results:
        if one.file.path.name == "broken.jpg":
            assert "is not an image" in one.error
            assert not one.people
            continue
        alone = zoo.predict(small_model, one.file.path, boxes, one.source.intrinsics)
        assert [box for _, box in one.people] == [tuple(box) for box in boxes]
        together = torch.cat([person.joints for person, _ in one.people])
        torch.testing.assert_close(together, alone.joints, atol=1e-4, rtol=1e-4)


def test_a_box_outside_of_one_image_spares_the_others(small_model, folder):
    (folder / "boxes.csv").write_text("file,x,y,width,height\na.png,500,0,10,10\na.bmp,1,2,50,60\n")
    listed = ListedBoxes(folder / "boxes.csv")
    results = {
        one.file.path.name: one for one in predict_files(small_model, find_sources([str(folder)]), listed, None, 8)
    }
    assert "outside of the image" in results["a.png"].error
    assert len(results["a.bmp"].people) == 1
    assert results["broken.jpg"].error is not None


def test_an_image_that_nobody_is_listed_in_has_no_people(small_model, folder):
    (folder / "boxes.csv").write_text("file,x,y,width,height\n")
    images = find_sources([str(folder / "a.png")])
    (one,) = predict_files(small_model, images, ListedBoxes(folder / "boxes.csv"), None, 8)
    assert (one.error, len(one.people)) == (None, 0)
    (whole,) = predict_files(small_model, images, whole_frames, None, 8)
    torch.testing.assert_close(whole.people[0][0].joints, zoo.predict(small_model, images[0].path).joints)


def test_a_run_is_reported_and_goes_on_where_it_ended(folder, listed, capsys, tmp_path):
    out = tmp_path / "out"
    command = ["predict", str(folder), "--recursive", "--whole", "--out", str(out), "--batch-size", "2"]
    assert main(command) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"4 images: 3 predicted (3 people), 1 failed; results in {out}; sheet.jpg shows them"
    ]
    assert printed.err.count("\n") == 1
    assert "broken.jpg is not an image" in printed.err
    assert (out / "below" / "b.json").is_file()
    assert json.loads((out / "a_png.json").read_text())["image"]["file"] == "a.png"
    (folder / "broken.jpg").unlink()
    with (out / "predicted.jsonl").open("a") as stream:
        stream.write('{"key": ["cut')
    (out / "below" / "b.json").unlink()
    assert main(command) == 0
    assert "3 done before" in capsys.readouterr().out
    assert not (out / "below" / "b.json").exists()
    Image.new("RGB", (80, 90)).save(folder / "a.png")  # another picture under the name
    assert main(command) == 0
    assert "1 predicted (1 person), 2 done before" in capsys.readouterr().out
    assert main([*command, "--focal", "300"]) == 0
    assert "3 predicted" in capsys.readouterr().out


def test_a_name_that_is_too_long_for_its_files_spares_the_others(folder, listed, capsys, tmp_path):
    Image.new("RGB", (80, 90)).save(folder / f"{'m' * 250}.png")
    out = tmp_path / "out"
    assert main(["predict", str(folder), "--recursive", "--whole", "--out", str(out), "--formats", "coco"]) == 1
    printed = capsys.readouterr()
    assert "5 images: 3 predicted (3 people), 2 failed" in printed.out
    assert f"{'m' * 250}.png: the names of files in {out} would be too long; rename the input" in printed.err
    assert len(list(out.rglob("*_coco.json"))) == 3


def test_people_are_found_without_a_box(listed, tmp_path, capsys):
    portrait = data.astronaut()
    Image.fromarray(np.concatenate([portrait, portrait[:, ::-1]], 1)).save(tmp_path / "two.png")
    Image.fromarray(data.brick()).save(tmp_path / "wall.png")
    out = tmp_path / "out"
    assert main(["predict", str(tmp_path / "two.png"), str(tmp_path / "wall.png"), "--out", str(out)]) == 0
    assert "1 predicted (2 people), 1 without people" in capsys.readouterr().out
    lefts = sorted(json.loads((out / f"two_person{k}.json").read_text())["box"]["xywh"][0] for k in (0, 1))
    assert lefts[0] < 60
    assert 620 < lefts[1] < 720
    assert main(["predict", str(tmp_path / "wall.png"), "--out", str(out)]) == 2
    assert "no person found; give --box X Y W H, or --whole" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--box", "1", "2", "30", "40"], "--box is for a single image or video; give --boxes FILE"),
        (["--boxes", "none.csv"], "no such file of boxes"),
        (["--min-score", "2"], "between 0 and 1"),
        (["--batch-size", "0"], "at least 1"),
        (["--focal", "-300"], "--focal is above 0"),
    ],
)
def test_wrong_options_are_one_line(folder, listed, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    assert main(["predict", ".", "--out", "out", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert not (folder / "out").exists()


def test_rows_of_a_prediction(small_model):
    both = zoo.predict(small_model, data.astronaut(), [[10, 10, 100, 200], [150, 20, 100, 150]])
    assert len(both) == 2
    assert torch.equal(both[1].joints, both.joints[1:])
    assert torch.equal(both[-2].vertices, both.vertices[:1])
    assert len(both[:0]) == 0
    assert repr(both).startswith("Prediction(2 people: smpl29, meshes of")
    assert len(repr(both)) < 120
    with pytest.raises(IndexError, match="no person 2; there are 2"):
        both[2]
    assert len(list(both)) == 2
