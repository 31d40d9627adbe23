"""`zoo data` on small benchmarks: what it says of whole ones, and of every way in which one can be wanting."""

import warnings
from dataclasses import replace
from typing import ClassVar

import cv2
import numpy as np
import pytest
from fake.people import make_camera, make_image, make_people, write_image
from fake.work import write_number

import datamodules
from body.skeleton import SMPL24
from datamodules import BENCHMARKS, PREPARATIONS, get_benchmark, get_preparation
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.files import FileDataModule
from datamodules.jobs import Job
from metrics import PROTOCOLS
from zoo.cli import main

PEOPLE = make_people(3, make_camera((160, 120)))


class ToyDataModule(FileDataModule):
    """Labels are where the test wants them: `damage` changes a table."""

    folder = "toy"
    protocols = ("open-v1",)
    splits = ("train", "test")
    expected: ClassVar = {"train": 3}
    how_to_get = "Draw it yourself"
    damage = staticmethod(lambda table: table)

    def __init__(self, root=None, protocol=None, batch_size=2, num_workers=0, noisy: bool = False):
        super().__init__(root, protocol, batch_size=batch_size, num_workers=num_workers)
        self.noisy = noisy

    def annotations(self, split):
        self.require(f"{split}.txt")
        if self.noisy:
            warnings.warn("2 samples without a face were left out", stacklevel=1)
        columns = {name: np.stack([getattr(person, name) for person in PEOPLE]) for name in ("pose", "betas", "transl")}
        camera = PEOPLE[0].camera.intrinsics
        return self.damage(
            Annotations(
                skeleton=SMPL24,
                images=StringColumn.of([f"{split}/{number}.png" for number in range(3)]),
                intrinsics=np.tile(camera[[0, 1, 0, 1], [0, 1, 2, 2]], (3, 1)),
                boxes=np.stack([person.box for person in PEOPLE]),
                joints=np.stack([person.joints(SMPL24) for person in PEOPLE]),
                joints_valid=np.ones((3, 24), bool),
                smpl_valid=np.array([True, True, False]),
                **columns,
            )
        )


def prepare_toy(root, numbers=(1, 2)):
    return [Job(f"number {n}", (root / f"{n}.txt",), write_number, (root / f"{n}.txt", n)) for n in numbers]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ZOO_ASSETS", raising=False)
    monkeypatch.setitem(BENCHMARKS, "toy", f"{__name__}.ToyDataModule")
    monkeypatch.setitem(PREPARATIONS, "toy", f"{__name__}.prepare_toy")
    for split in ToyDataModule.splits:
        (tmp_path / f"{split}.txt").touch()
        for number, person in enumerate(PEOPLE):
            write_image(tmp_path / split / f"{number}.png", make_image([person]))
    return tmp_path


def check(toy, *words):
    return main(["data", "check", "toy", "--root", str(toy), *words])


def test_every_benchmark_is_named_by_its_folder_and_reads_known_protocols():
    for name in BENCHMARKS:
        kind = get_benchmark(name)
        assert issubclass(kind, FileDataModule)
        assert kind.folder == name
        assert set(kind.protocols) <= set(PROTOCOLS)
        assert kind().protocol == (kind.protocols[0] if kind.protocols else "")
        assert get_preparation(name) is None or callable(get_preparation(name))
    evaluated = [protocol for name in BENCHMARKS for protocol in get_benchmark(name).protocols]
    assert len(set(evaluated)) == len(evaluated)


def test_every_protocol_has_a_benchmark():
    read = {protocol for name in BENCHMARKS for protocol in get_benchmark(name).protocols}
    assert {name for name in PROTOCOLS if not name.startswith("open-")} == read


def test_a_whole_benchmark(toy, capsys):
    assert check(toy, "--option", "noisy=true") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if str(toy) not in line) <= 80
    out = " ".join(" ".join(lines).split())
    assert "train 3 of 3 samples" in out
    assert "test 3 samples" in out
    assert "3D joints smpl24 for all" in out
    assert "SMPL for 66.7 %" in out
    assert "note: 2 samples without a face were left out" in out
    assert "wanting" not in out


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda table: table.take(np.arange(2)), "1 samples are missing"),
        (lambda table: replace(table, joints=1000 * table.joints), "another unit"),
    ],
)
def test_wrong_labels_are_found(toy, capsys, monkeypatch, damage, message):
    monkeypatch.setattr(ToyDataModule, "damage", staticmethod(damage))
    assert check(toy) == 1
    assert message in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("factor", "status"), [(1, 0), (4, 1)])
def test_labels_of_another_resolution_are_found(toy, capsys, monkeypatch, factor, status):
    """Joints counted by hand: those beyond the image's edges, of all that are labelled."""

    def damage(table):
        pixels = factor * np.stack([person.pixels(SMPL24) for person in PEOPLE])
        valid = np.ones((3, 24), bool)
        valid[0, :5] = False
        return replace(table, joints_2d=pixels.astype(np.float32), joints_2d_valid=valid)

    monkeypatch.setattr(ToyDataModule, "damage", staticmethod(damage))
    assert check(toy) == status
    table = damage(ToyDataModule(str(toy)).annotations("train"))
    x, y = table.joints_2d[table.joints_2d_valid].T
    share = ((x < -0.5) | (y < -0.5) | (x > 159.5) | (y > 119.5)).mean()
    out = " ".join(capsys.readouterr().out.split())
    assert out.count(f"{100 * share:.3g} % of the 2D joints outside their images") == 2
    assert ("are the labels of another resolution?" in out) == bool(status)


def test_genders_are_counted(toy, capsys, monkeypatch):
    gendered = staticmethod(lambda table: replace(table, gender=np.array([1, 2, 1], np.int8)))
    monkeypatch.setattr(ToyDataModule, "damage", gendered)
    assert check(toy) == 0
    assert "SMPL for 66.7 % (male 50 %, female 50 %)" in " ".join(capsys.readouterr().out.split())


def test_empty_boxes_are_drawn_anew_and_named(toy, capsys, monkeypatch):
    empty = staticmethod(lambda table: replace(table, boxes=table.boxes * [1, 1, 0, 1]))
    monkeypatch.setattr(ToyDataModule, "damage", empty)
    assert check(toy) == 0
    assert "3 empty boxes, drawn anew around the joints" in " ".join(capsys.readouterr().out.split())


def test_missing_and_truncated_files_are_found(toy, capsys):
    (toy / "test.txt").unlink()
    (toy / "train" / "1.png").unlink()
    content = (toy / "train" / "2.png").read_bytes()
    (toy / "train" / "2.png").write_bytes(content[: len(content) // 2])
    assert check(toy, "--plot", str(toy / "sheet.png")) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "test cannot be read" in out
    assert "has no test.txt: is it the right folder? Draw it yourself" in out
    assert "samples cannot be read" in out
    assert cv2.imread(str(toy / "sheet.png")).shape == (276, 768, 3)  # the one sample that can be read
    for path in (toy / "train").iterdir():
        path.unlink()
    (toy / "sheet.png").unlink()
    assert check(toy, "--plot", str(toy / "sheet.png")) == 1
    assert "no image written: no sample can be read" in capsys.readouterr().out
    assert not (toy / "sheet.png").exists()


def test_the_picture_shows_what_is_labelled(toy, capsys):
    assert check(toy, "--plot", str(toy / "sheet.png")) == 0
    sheet = cv2.imread(str(toy / "sheet.png"))[..., ::-1]
    rows, cells = 3, 2 * 3  # two splits side by side, three samples, three views
    assert sheet.shape == (rows * (256 + 20), cells * 256, 3)
    view = [sheet[20:276, 256 * n : 256 * (n + 1)].astype(int) for n in range(3)]
    assert (np.abs(view[0] - [250, 220, 60]).sum(-1) < 40).sum() > 300  # the box
    assert (np.abs(view[1] - [240, 60, 200]).sum(-1) < 3).sum() > 150  # the outline
    assert (np.abs(view[2] - view[1]).sum(-1) > 60).sum() > 2000  # surface labels on the person
    third = sheet[2 * 276 + 20 : 3 * 276, 256:768]
    assert (third == 255).all()  # no fit, no mesh


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--protocol", "h36m-p1-17j"], "toy has no protocol"),
        (["--option", "size=3"], "'size=3' is not an option of the form NAME=VALUE; there are noisy"),
        (["--option", "noisy"], "'noisy' is not an option"),
        (["--plot", "a.gif"], "must end in .png or .jpg"),
        (["--root", "/nowhere"], "/nowhere: no such folder. Draw it yourself"),
    ],
)
def test_wrong_words_are_explained(toy, capsys, words, message):
    assert check(toy, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_prepare_does_what_is_left_to_do(toy, capsys):
    argv = ["data", "prepare", "toy", "--root", str(toy), "--workers", "1"]
    assert main(argv) == 0
    assert "2 done, 0 done earlier, 0 failed" in capsys.readouterr().out
    assert main([*argv, "--option", "numbers=[1, 2, 13]"]) == 1
    out = capsys.readouterr().out
    assert "0 done, 2 done earlier, 1 failed" in out
    assert f"number 13: {toy}/13.txt: an unlucky number" in out
    assert main(["data", "prepare", "lsp"]) == 0
    assert "needs no preparation" in capsys.readouterr().out


def test_all_benchmarks_are_listed(toy, capsys):
    assert main(["data", "check"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in datamodules.BENCHMARKS)
    assert max(map(len, out.splitlines())) <= 80
