"""The picture of a whole run: each result at its place, failures in words, the middle of a video."""

import io

import numpy as np
import pytest
from PIL import Image

from zoo.cli import main
from zoo.prediction.contact_sheet import Tile, draw_contact_sheet

WIDTH, HEIGHT, STEP = 264, 200, (272, 230)
"""Of a picture, and from one to the next."""


def sheet_of(tiles):
    return np.asarray(Image.open(io.BytesIO(draw_contact_sheet(tiles)))).astype(int)


def cell(sheet, number, columns=6):
    row, column = divmod(number, columns)
    return sheet[8 + row * STEP[1] :, 8 + column * STEP[0] :][:HEIGHT, :WIDTH]


def test_pictures_are_in_their_order_and_failures_are_words(tmp_path):
    colours = [(200, 30, 40), (30, 180, 60), (40, 60, 200)]
    for number, colour in enumerate(colours):
        Image.new("RGB", (264, 200), colour).save(tmp_path / f"{number}.png")
    tiles = [Tile(f"{number}.png", "1 person", tmp_path / f"{number}.png") for number in range(3)]
    sheet = sheet_of([*tiles, Tile("b\udce2d.jpg", "is damaged", None), *tiles])
    assert sheet.shape == (2 * STEP[1] + 8, 6 * STEP[0] + 8, 3)
    for place, number in ((0, 0), (1, 1), (2, 2), (4, 0), (5, 1), (6, 2)):
        np.testing.assert_allclose(cell(sheet, place)[20:-20, 20:-20].mean((0, 1)), colours[number], atol=6)
    failed = cell(sheet, 3)
    red = (failed[..., 0] > failed[..., 1] + 60).mean()
    assert 0.0005 < red < 0.2
    assert len(sheet_of(tiles * 50)) == 10 * STEP[1] + 8  # not more than sixty


def test_a_video_is_shown_by_its_middle(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "clip_overlay.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 264, 200, "yuv420p"
        for grey in range(0, 250, 10):
            frame = np.full((200, 264, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    middle = cell(sheet_of([Tile("clip.mp4", "", path)]), 0, 1)[20:100, 100:]
    assert 100 < middle.mean() < 150


def test_an_interrupted_run_says_how_to_go_on(listed, tmp_path, capsys, monkeypatch):
    for name in "abc":
        Image.new("RGB", (80, 90), (90, 120, 90)).save(tmp_path / f"{name}.png")
    command = ["predict", str(tmp_path), "--whole", "--out", str(tmp_path / "out"), "--batch-size", "1"]
    from zoo.prediction import folder

    write = folder.write_prediction

    def stop(*arguments, **options):
        if arguments[5] == "b":
            raise KeyboardInterrupt
        return write(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "write_prediction", stop)
        assert main(command) == 130
    assert "zoo: 1 of 3 files are done; the same command goes on from there\n" in capsys.readouterr().err
    assert not (tmp_path / "out" / "sheet.jpg").exists()
    assert main([*command, "--formats", "sheet", "overlay", "json"]) == 0
    assert main(command) == 0
    assert "2 predicted (2 people), 1 done before" in capsys.readouterr().out
    assert Image.open(tmp_path / "out" / "sheet.jpg").size == (3 * STEP[0] + 8, STEP[1] + 8)
