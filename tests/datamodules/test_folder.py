"""A data set of one's own: COCO keypoints or CSV, splits by folder or list, SMPL archives, and every wrong file."""

import csv
import io
import json
import re
import warnings

import numpy as np
import pytest
import torch
import yaml
from fake.people import make_camera, make_image, make_people, write_image
from fake.run import fit_and_test
from fake.truthful import TruthfulModule
from PIL import Image

from body.camera import default_intrinsics
from body.joint_list import skeleton_of
from body.skeleton import COCO17, COCO19, SMPL24, get_skeleton
from datamodules.folder import FolderDataModule
from zoo.cli import main
from zoo.prediction.export.motion import Motion
from zoo.prediction.export.parameters import Camera, npz_bytes

CLASS = "datamodules.folder.FolderDataModule"
SPLITS = {"train": 2, "val": 1, "test": 2}
LIMBS = tuple(f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))
JOINTS = skeleton_of((*LIMBS, "neck", "head_top"))
OWN = {"left_hip": "LHip", "head_top": "crown"}
"""What the table calls some of them."""


def people_of(number):
    """The people of one image; there are two in the first."""
    return make_people(2 - (number > 0), make_camera((96, 128), seed=number), seed=number)


def archive(person, **changes):
    motion = Motion(person.pose[None], person.betas, person.transl[None], "open")
    content = npz_bytes(motion, "truth", Camera(person.camera.intrinsics, person.camera.size), "photo.png")
    if not changes:
        return content
    stream = io.BytesIO()
    np.savez(stream, **{**np.load(io.BytesIO(content)), **changes})
    return stream.getvalue()


def rows_of(name, people, boxes=True):
    for person in people:
        pixels = person.pixels(JOINTS)
        cells = {"file": name}
        cells |= dict(
            zip(("box_x", "box_y", "box_width", "box_height"), person.box if boxes else [""] * 4, strict=True)
        )
        for joint, (x, y) in zip(JOINTS.joints, pixels, strict=True):
            own = OWN.get(joint, joint)
            cells |= {f"{own}_x": x, f"{own}_y": y, f"{own}_v": 2}
        yield cells


def write_table(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """One table beside lists, with archives of everybody."""
    root, rows, number = tmp_path_factory.mktemp("own_csv"), [], 0
    (root / "smpl").mkdir()
    for split, count in SPLITS.items():
        names = [f"photos/{number + k}.png" for k in range(count)]
        (root / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            people = people_of(number)
            write_image(root / name, make_image(people))
            rows += rows_of(name, people, boxes=number > 0)
            for k, person in enumerate(people):
                stem = str(number) if len(people) == 1 else f"{number}_person{k}"
                (root / f"smpl/{stem}.npz").write_bytes(archive(person))
            number += 1
    write_table(root / "keypoints.csv", rows)
    return root


def coco(people_by_name, named=True):
    images, annotations = [], []
    for number, (name, people) in enumerate(people_by_name.items(), start=7):
        images.append({"id": number, "file_name": name})
        for person in people:
            keypoints = np.c_[person.pixels(COCO17), np.full(17, 2)].ravel().tolist()
            keypoints[2] = 0  # nobody's nose is labelled
            annotations.append({"id": len(annotations), "image_id": number, "keypoints": keypoints})
    categories = [{"id": 1, "name": "person", **({"keypoints": list(COCO17.joints)} if named else {})}]
    return {"images": images, "annotations": annotations, "categories": categories}


@pytest.fixture(scope="module")
def by_folder(tmp_path_factory):
    root, number = tmp_path_factory.mktemp("own_coco"), 0
    for split, count in SPLITS.items():
        people = {f"{number + k}.png": people_of(number + k) for k in range(count)}
        for name, some in people.items():
            write_image(root / split / name, make_image(some))
        (root / split / "keypoints.json").write_text(json.dumps(coco(people)))
        number += count
    return root


NAMES = {own: joint for joint, own in OWN.items()}


def test_a_table_beside_lists(listed):
    data = FolderDataModule(str(listed), parameters="smpl", joint_names=NAMES)
    assert {split: len(data.table(split)) for split in data.splits} == {"train": 3, "val": 1, "test": 2}
    table, (first, second) = data.table("train"), people_of(0)
    assert table.skeleton.joints == (*JOINTS.joints, "pelvis_coco", "thorax_mpii")
    assert table.skeleton == get_skeleton(table.skeleton.name)
    np.testing.assert_allclose(table.joints_2d[1][: len(JOINTS)], second.pixels(JOINTS), atol=1e-3)
    hips = first.pixels(SMPL24)[[SMPL24.index("left_hip"), SMPL24.index("right_hip")]]
    np.testing.assert_allclose(table.joints_2d[0][len(JOINTS)], hips.mean(0), atol=1e-3)
    pixels = first.pixels(JOINTS)  # nobody gave a box
    centre, extent = (pixels.max(0) + pixels.min(0)) / 2, 1.2 * np.ptp(pixels, axis=0)
    np.testing.assert_allclose(table.boxes[0], [*(centre - extent / 2), *extent], atol=1e-2)
    np.testing.assert_allclose(table.boxes[2], people_of(1)[0].box, atol=1e-2)
    np.testing.assert_allclose(table.transl[1], second.transl, atol=1e-6)
    np.testing.assert_allclose(table.intrinsics[1], second.camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-6)


def test_coco_keypoints_in_folders(by_folder):
    data = FolderDataModule(str(by_folder))
    table = data.table("train")
    assert table.skeleton == COCO19
    assert [table.images[row] for row in range(3)] == ["train/0.png", "train/0.png", "train/1.png"]
    np.testing.assert_allclose(table.joints_2d[2, 1:17], people_of(1)[0].pixels(COCO17)[1:], atol=1e-3)
    assert not table.joints_2d_valid[:, 0].any()
    assert table.joints_2d_valid[:, 1:].all()
    assert table.intrinsics[0][0] == pytest.approx(float(default_intrinsics(96, 128)[0, 0]))
    assert data.fingerprint("train") != data.fingerprint("test")


def test_perfect_predictions_score_100(listed, tmp_path, capsys):
    settings = {"says": "parameters", "body": "open", "skeleton": "smpl24", "protocol": "own-2d"}
    data = {"root": str(listed), "parameters": "smpl", "joint_names": NAMES, "num_workers": 0, "batch_size": 2}
    config = {
        "model": {"class_path": "fake.truthful.TruthfulModule", "init_args": settings},
        "data": {"class_path": CLASS, "init_args": data},
        "trainer": {"accelerator": "cpu", "default_root_dir": str(tmp_path), "enable_progress_bar": False},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config))
    weights = TruthfulModule(**settings)
    state = {"state_dict": weights.state_dict(), "hyper_parameters": dict(weights.hparams), "epoch": 0}
    torch.save(state | {"pytorch-lightning_version": "2.5.0", "global_step": 0}, tmp_path / "truth.ckpt")
    argv = ["--config", str(tmp_path / "run.yaml"), "--ckpt_path", str(tmp_path / "truth.ckpt")]
    assert main(["test", "--trust", *argv, "--results", str(tmp_path / "results")]) == 0
    [result] = (tmp_path / "results").rglob("*.json")
    stored = json.loads(result.read_text())
    values = stored["values"]
    assert stored["samples"] == 2
    assert [values[name] for name in ("within_box", "pck", "pckh")] == [100, 100, 100]
    assert values["box_error"] < 0.01


def test_the_base_configuration_trains_and_tests(by_folder, tmp_path):
    values = fit_and_test(CLASS, by_folder, tmp_path, "own-2d", crops={"same_joints": "by_name"})
    assert np.isfinite(values["train/loss"])
    assert values["test/n"] == 2
    assert 0 <= values["test/within_box"] <= 100


def test_data_check_and_its_sheet(by_folder, tmp_path, capsys):
    argv = ["data", "check", "folder", "--root", str(by_folder), "--plot", str(tmp_path / "sheet.png")]
    assert main(argv) == 0
    assert "2D joints for all" in " ".join(capsys.readouterr().out.split())
    assert Image.open(tmp_path / "sheet.png").size[0] > 700


def test_only_a_test_split(by_folder, tmp_path):
    (tmp_path / "test").symlink_to(by_folder / "test")
    data = FolderDataModule(str(tmp_path))
    assert data.splits == ("test",)
    assert main(["data", "check", "folder", "--root", str(tmp_path)]) == 0
    with pytest.raises(ValueError, match=r"no val split; it has test; --trainer\.limit_val_batches 0"):
        data.table("val")


def test_joints_that_a_file_does_not_name(tmp_path):
    people = {"a.png": people_of(1)}
    write_image(tmp_path / "pictures/a.png", make_image(people["a.png"]))
    (tmp_path / "test.json").write_text(json.dumps(coco(people, named=False)))
    options = {"labels": "{split}.json", "images": "pictures"}
    with pytest.raises(ValueError, match="name their joint set in `skeleton`, such as coco17"):
        FolderDataModule(str(tmp_path), **options).table("test")
    assert FolderDataModule(str(tmp_path), **options, skeleton="coco17").table("test").skeleton == COCO19


def test_images_that_exif_turns(tmp_path):
    people = {"a.jpg": people_of(1)}
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "test").mkdir()
    Image.fromarray(make_image(people["a.jpg"])).save(tmp_path / "test/a.jpg", exif=exif)
    (tmp_path / "test/keypoints.json").write_text(json.dumps(coco(people)))
    with pytest.warns(UserWarning, match=r"1 images are stored turned.*save these images upright"):
        FolderDataModule(str(tmp_path)).table("test")


def table_text(change):
    rows = list(rows_of("a.png", people_of(1)))
    lines = [",".join(rows[0]), ",".join(str(value) for value in rows[0].values())]
    return "\n".join(change(lines)) + "\n"


WRONG_TABLES = {
    "empty": (lambda lines: [], "is empty; its first line must be file, box_x"),
    "semicolons": (lambda lines: [line.replace(",", ";") for line in lines], "separate cells by commas"),
    "no file": (lambda lines: [lines[0].replace("file", "image"), lines[1]], "name the column with the images `file`"),
    "half a box": (lambda lines: [lines[0].replace("box_width", "w"), lines[1]], "a box needs box_x"),
    "no y": (lambda lines: [lines[0].replace("neck_y", "neck_q"), lines[1]], "no column neck_y beside neck_x; add it"),
    "odd column": (lambda lines: [lines[0] + ",age", lines[1] + ",7"], "column 'age' is no joint's x, y or v"),
    "twice": (lambda lines: [lines[0] + ",file", lines[1] + ",b"], "two columns are called 'file'; remove one"),
    "no number": (lambda lines: [lines[0], lines[1].replace(",2,", ",two,", 1)], "line 2: LHip_v is 'two', no number"),
    "short": (lambda lines: [lines[0], lines[1][:-2]], "line 2: 46 cells for 47 columns; mend the line"),
    "unknown joint": (lambda lines: [lines[0].replace("neck", "nek"), lines[1]], "did you mean neck"),
    "same joint": (lambda lines: [lines[0].replace("neck_", "right_hip2_"), lines[1]], "two columns are right_hip"),
}


@pytest.mark.parametrize("kind", WRONG_TABLES)
def test_a_wrong_table_is_one_line(kind, tmp_path):
    change, words = WRONG_TABLES[kind]
    (tmp_path / "test").mkdir()
    (tmp_path / "test/keypoints.csv").write_text(table_text(change))
    names = NAMES | ({"right_hip2": "right_hip"} if kind == "same joint" else {})
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        FolderDataModule(str(tmp_path), joint_names=names).table("test")
    assert "\n" not in str(caught.value)


def wrong_set(listed, root, kind):
    """A copy of the table and its lists with one thing wrong; the options it is read with."""
    for name in ("keypoints.csv", "photos", "train.txt"):
        if kind != "no labels" or name != "keypoints.csv":
            (root / name).symlink_to(listed / name)
    person, options = people_of(0)[0], {"joint_names": NAMES, "parameters": "smpl"}
    archives = {
        "pickled": b"\x80\x04no archive",
        "other body": archive(person, body=np.array("smpl")),
        "woman": archive(person, gender=np.array("female")),
        "other image": archive(person, image_size=np.array([1, 2])),
        "sequence": archive(person, poses=np.zeros((5, 72))),
    }
    (root / "smpl").mkdir()
    if kind in archives:
        (root / "smpl/0_person0.npz").write_bytes(archives[kind])
    if kind == "listed twice":
        (root / "train.txt").unlink()
        (root / "train.txt").write_text("photos/0.png\nphotos/77.png\n")
    if kind == "no list":
        (root / "train.txt").unlink()
    if kind == "no image":
        (root / "photos").unlink()
    changes = {
        "no such names": {"joint_names": {"LHop": "left_hip"}},
        "labels.txt": {"labels": "train.txt"},
        "skeleton": {"skeleton": "coco17"},
        "no such set": {"skeleton": "coco18"},
    }
    return options | changes.get(kind, {})


WRONG_SETS = {
    "no labels": "train/ , val/ and test/ with images and keypoints.json",
    "no list": "has no train.txt: is it the right folder?",
    "listed twice": "no image 'photos/77.png'; did you mean",
    "no image": "is not there, though a label names it; copy it there, or name the folder",
    "no archive": "has no archive of anybody, such as 0_person0.npz; write it with zoo predict --formats npz",
    "pickled": "is no numpy archive of plain arrays",
    "other body": "is of the body 'smpl' (neutral) and the model learns 'open'",
    "woman": "is of the body 'open' (female)",
    "other image": "is of an image of 1 x 2, not 96 x 128",
    "sequence": "poses must be numbers of shape (1, 72), and is (5, 72)",
    "no such names": "no joint 'LHop'; did you mean LHip",
    "labels.txt": "must end in .json (of COCO's form) or .csv",
    "skeleton": "names its joints itself; leave out `skeleton`",
    "no such set": "no skeleton 'coco18'; did you mean coco1",
}


@pytest.mark.parametrize("kind", WRONG_SETS)
def test_a_wrong_set_is_one_line(kind, listed, tmp_path):
    options = wrong_set(listed, tmp_path, kind)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        FolderDataModule(str(tmp_path), **options).table("train")
    assert WRONG_SETS[kind].replace(" ,", ",") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bodies_of_somebody_else_are_left_out(listed, tmp_path):
    for name in ("keypoints.csv", "photos", "train.txt"):
        (tmp_path / name).symlink_to(listed / name)
    (tmp_path / "smpl").mkdir()
    person = people_of(1)[0]
    away = archive(person, trans=person.transl[None] + [3.0, 0, 0])
    (tmp_path / "smpl/1.npz").write_bytes(away)
    with pytest.warns(UserWarning, match=r"1 bodies are not where their people are, the first one in 1\.npz"):
        table = FolderDataModule(str(tmp_path), parameters="smpl", joint_names=NAMES).table("train")
    assert not table.smpl_valid.any()


def test_labels_that_are_not_there(listed, tmp_path):
    """Empty cells and v = 0 are not labelled; who has no cell filled is left out of training."""
    rows = [row for row in rows_of("a.png", people_of(0), boxes=False) for _ in range(1)]
    rows[0]["neck_v"], rows[0]["crown_x"], rows[0]["LHip_v"] = 0, "", ""
    rows[1] = {key: value if key == "file" else "" for key, value in rows[1].items()}
    (tmp_path / "train").mkdir()
    write_image(tmp_path / "train/a.png", make_image(people_of(0)))
    write_table(tmp_path / "train/keypoints.csv", rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = FolderDataModule(str(tmp_path), joint_names=NAMES).table("train")
    assert len(table) == 1
    labelled = {joint for joint, there in zip(table.skeleton.joints, table.joints_2d_valid[0], strict=True) if there}
    assert labelled == {*JOINTS.joints, "pelvis_coco", "thorax_mpii"} - {"neck", "head_top"}
