"""`zoo predict` of videos: with pictures in one run, resumed, damaged, from standard input and from a camera."""

import copy
import csv
import io
import json
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import picture, write_clip
from PIL import Image
from skimage import data

import zoo
from zoo.cli import main
from zoo.prediction.detect.finders import GivenBoxes, ListedBoxes
from zoo.prediction.video.motions import resample
from zoo.prediction.video.predict import VideoSettings, predict_video
from zoo.prediction.video.reader import VideoReader
from zoo.prediction.video.source import VideoSource, file_source

BOX = [4, 2, 50, 44]
BOXES = GivenBoxes([BOX])


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_frames_are_predicted_as_pictures_are(small_model, tmp_path):
    """Without smoothing: what `zoo.predict` gives for the decoded pictures, in batches and with their times."""
    path = write_clip(tmp_path / "a.mp4", 5, times=[0, 100, 150, 400, 500])
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    settings = VideoSettings(focal=80.0, batch_size=2, smoothing=None)
    with VideoReader(file_source(path)) as reader:
        frames = list(predict_video(small_model, reader, BOXES, settings))
    assert [round(frame.time * 1000) for frame in frames] == [0, 100, 150, 400, 500]
    for frame, pixels in zip(frames, pictures, strict=True):
        alone = zoo.predict(small_model, pixels, [BOX], frame.canvas.intrinsics)
        torch.testing.assert_close(frame.people[0].prediction.joints, alone.joints, atol=1e-3, rtol=1e-3)
        assert frame.people[0].track == 0


def test_a_video_does_without_the_mirrored_crop(small_model, tmp_path):
    """The frames of weights with a flip test are those of the same weights without one; pictures keep theirs."""
    path = write_clip(tmp_path / "a.mp4", 2)
    settings = VideoSettings(focal=80.0, smoothing=None)
    mirrored = copy.copy(small_model)
    mirrored.flip_test = True
    found = []
    for model in (small_model, mirrored):
        with VideoReader(file_source(path)) as reader:
            found.append([frame.people[0].prediction.joints for frame in predict_video(model, reader, BOXES, settings)])
    torch.testing.assert_close(found[1], found[0], atol=0, rtol=0)
    one, two = (zoo.predict(model, picture(0), [BOX]).joints for model in (small_model, mirrored))
    assert (one - two).abs().max() > 1e-4


def test_pictures_and_videos_in_one_run(listed, tmp_path, capsys):
    """A broken file of each kind; results of all; started again, nothing is done twice; half files never stay."""
    root, out = tmp_path / "in", tmp_path / "out"
    (root / "below").mkdir(parents=True)
    write_clip(root / "a.mp4", 6, sound="aac")
    write_clip(root / "below" / "b.mkv", 4)
    Image.fromarray(picture(0)).save(root / "c.png")
    (root / "d.mp4").write_text("no video")
    (root / "e.jpg").write_text("no picture")
    command = ["predict", str(root), "--recursive", "--whole", "--out", str(out)]
    command += ["--formats", "overlay", "json", "csv", "coco"]
    assert main(command) == 1
    printed = capsys.readouterr()
    expected = "2 images, 3 videos: 1 predicted (1 person), 10 frames of 2 videos (2 people), 2 failed; results in"
    assert printed.out.startswith(expected)
    assert sorted(line.rpartition("/")[2] for line in printed.err.splitlines()) == [
        "d.mp4 is no video that can be read (Invalid data found when processing input)",
        "e.jpg is not an image in a format that can be read (JPEG, PNG, TIFF, WebP, ...)",
    ]
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    endings = ("_overlay.mp4", ".jsonl", ".csv", "_coco.json")
    videos = {stem + ending for stem in ("a", "below/b") for ending in endings}
    assert files == videos | {"predicted.jsonl", "c_overlay.png", "c.json", "c.csv", "c_coco.json"}
    check_tables(out)
    with av.open(str(out / "a_overlay.mp4")) as container:
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == 6
    (root / "d.mp4").unlink()
    (root / "e.jpg").unlink()
    assert main(command) == 0
    assert "1 image" in capsys.readouterr().out


def check_tables(out: Path) -> None:
    """The three tables of the first video agree."""
    header, *frames = lines(out / "a.jsonl")
    assert header["video"].endswith("a.mp4")
    assert header["size"] == [64, 48]
    assert [frame["time"] for frame in frames] == [k / 10 for k in range(6)]
    with (out / "a.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6 * len(header["joints"])
    for row in rows:
        (person,) = frames[int(row["frame"])]["people"]
        number = header["joints"].index(row["joint"])
        assert [float(row[axis]) for axis in "xyz"] == pytest.approx(person["metres"][number], abs=1e-5)
    results = json.loads((out / "a_coco.json").read_text())
    assert [row["image_id"] for row in results] == list(range(6))
    assert {row["track_id"] for row in results} == {0}


def test_an_interrupted_video_leaves_nothing(listed, tmp_path, monkeypatch):
    path, out = write_clip(tmp_path / "a.mp4", 8), tmp_path / "out"

    def draw(frame, mesh):
        if frame.index == 3:
            raise KeyboardInterrupt
        return frame.canvas.pixels

    monkeypatch.setattr("zoo.prediction.video.files.draw_frame", draw)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        raise SystemExit(main(["predict", str(path), "--whole", "--out", str(out)]))
    assert [item.name for item in out.iterdir()] == []


def test_people_of_a_video_are_found_and_listed(listed, tmp_path, capsys):
    """The portrait, moved by a pixel a frame: one person, drawn where it is; boxes by frame and by video."""
    portrait = data.astronaut()[::2, ::2]
    pictures = [np.roll(portrait, k, 1) for k in range(4)]
    path, out = write_clip(tmp_path / "a.mp4", 4, pictures=pictures, size=(256, 256)), tmp_path / "out"
    assert main(["predict", str(path), "--out", str(out), "--no-smooth"]) == 0
    assert "1 video: 4 frames of 1 video (1 person)" in capsys.readouterr().out
    _, *frames = lines(out / "a.jsonl")
    assert all(frame["people"][0]["score"] > 0.5 for frame in frames)
    (tmp_path / "boxes.csv").write_text("file,x,y,width,height\na.mp4,1,2,60,70\na.mp4/000002,5,6,70,80\n")
    listed_boxes = ListedBoxes(tmp_path / "boxes.csv")
    found = listed_boxes([(path / f"{k:06d}", portrait) for k in (1, 2)])
    assert [people[0].box for people in found] == [(1, 2, 60, 70), (5, 6, 70, 80)]


def test_standard_input_is_a_picture_a_video_or_a_list(listed, tmp_path, monkeypatch, capsys):
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    write_clip(tmp_path / "b.mp4", 3)
    for name, file in (("a.png", "stdin.json"), ("b.mp4", "stdin.jsonl")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / name).read_bytes())))
        assert main(["predict", "-", "--whole", "--out", str(tmp_path / "out"), "--formats", "json"]) == 0
        assert (tmp_path / "out" / file).is_file()
    capsys.readouterr()


def test_a_camera_by_number(listed, tmp_path, monkeypatch, capsys):
    """A test picture of libavfilter instead of the device; its run is never skipped."""
    source = VideoSource("testsrc=size=64x48:rate=10", "camera0", "lavfi")
    monkeypatch.setattr("zoo.prediction.folder.camera_source", lambda number: source)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["predict", "0", "--whole", "--seconds", "0.5", "--out", "out", "--formats", "overlay"]) == 0
        assert "1 video: 5 frames of 1 video (1 person)" in capsys.readouterr().out
    assert (tmp_path / "out" / "camera0_overlay.mp4").is_file()


def test_wrong_input_is_one_line(listed, tmp_path, monkeypatch, capsys):
    path = write_clip(tmp_path / "a.mp4", 2)
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(path), "--seconds", "0"]) == 2
    assert "--seconds is above 0" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["predict", str(path)]) == 2
    assert "av is not installed: pip install 'human-mesh-zoo[video]'" in capsys.readouterr().err
    assert not (tmp_path / "prediction").exists()


def test_motions_of_a_video(listed, tmp_path, capsys):
    """Fitted parameters as a sequence at the video's rate, whose joints are those of the frames' rows."""
    path, out = write_clip(tmp_path / "a.mp4", 4), tmp_path / "out"
    command = ["predict", str(path), "--whole", "--out", str(out), "--formats", "npz", "bvh", "json"]
    assert main(command) == 1
    assert "--fit-parameters estimates them" in capsys.readouterr().err
    assert main([*command, "--fit-parameters"]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["a.bvh", "a.jsonl", "a.npz", "predicted.jsonl"]
    motion = np.load(out / "a.npz")
    _, *frames = lines(out / "a.jsonl")
    assert motion["mocap_framerate"] == 10
    poses = [frame["people"][0]["pose"] for frame in frames]
    np.testing.assert_allclose(motion["poses"].reshape(4, 24, 3), poses, atol=1e-4)
    assert motion["betas"].shape == (10,)


def test_motions_are_resampled_to_a_fixed_rate():
    """Turns about one axis at 0, 0.1 and 0.4 s: halfway of the gap, half of the turn; scalars on a line."""
    rows = np.zeros((3, 87), np.float32)
    rows[:, 0], rows[:, 1], rows[:, 80] = (2, 2.1, 2.4), np.radians((0, 30, 150)), (0, 1, 4)
    found = resample(rows, 10.0)
    np.testing.assert_allclose(found[:, 0], 2 + np.arange(5) / 10, atol=1e-6)
    np.testing.assert_allclose(np.degrees(found[:, 1]), (0, 30, 70, 110, 150), atol=1e-3)
    np.testing.assert_allclose(found[:, 80], range(5), atol=1e-5)
    assert resample(found, 10.0) is found
