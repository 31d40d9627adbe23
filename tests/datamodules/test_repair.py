"""Annotations that mean nothing: invalid labels with a count through the public datamodules, never NaN in a batch."""

import json

import numpy as np
import pytest
import torch
from fake import coco, pw3d
from fake.smpl_truth import write_bodies

from body.atomic import atomic_file
from datamodules.coco import CocoDataModule
from datamodules.pw3d import Pw3dDataModule
from datamodules.repair import repair
from datamodules.settings import CropSettings

SMALL = CropSettings(size=32)
BAD = [float("nan"), float("inf"), -float("inf"), 1e111]


def batches(data, split="test"):
    """All of a split in one batch, every number of it checked."""
    dataset = data.dataset(split)
    data.batch_size = len(dataset)
    batch = data.on_after_batch_transfer(next(iter(data.loader(dataset))), 0)
    for key, value in batch.items():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            assert value.isfinite().all(), key
    return batch


@pytest.fixture
def keypoints(tmp_path):
    coco.write(tmp_path, ("train2014", "val2014"))

    def change(part, edit):
        path = tmp_path / f"annotations/person_keypoints_{part}.json"
        content = json.loads(path.read_text())
        edit(content)
        with atomic_file(path) as partial:
            partial.write_text(json.dumps(content))
        return CocoDataModule(str(tmp_path), crops=SMALL, num_workers=0)

    return change


@pytest.mark.parametrize("bad", BAD)
def test_a_keypoint_of_coco_that_is_no_number(keypoints, bad):
    def edit(content):
        content["annotations"][0]["keypoints"][0] = bad  # x of the nose

    clean = keypoints("val2014", lambda content: None).table("test")
    data = keypoints("val2014", edit)
    with pytest.warns(UserWarning, match=r"coco, test: 1 joints_2d that are no numbers: treated as not annotated"):
        table = data.table("test")
    assert not table.joints_2d_valid[0, 0]
    wanted = clean.joints_2d_valid.copy()
    wanted[0, 0] = False
    np.testing.assert_array_equal(table.joints_2d_valid, wanted)
    batches(data)


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [5, 5, -3, 10], [float("nan")] * 4])
def test_an_empty_box_in_a_test_split_is_drawn_around_the_keypoints(keypoints, box):
    data = keypoints("val2014", lambda content: content["annotations"][0].update(bbox=box))
    with pytest.warns(UserWarning, match="1 empty boxes, drawn anew around the joints"):
        table = data.table("test")
    points = table.joints_2d[0][table.joints_2d_valid[0]]
    low, high = points.min(0), points.max(0)
    np.testing.assert_allclose(table.boxes[0], [*low, *(high - low)], rtol=1e-5)
    batches(data)


def test_ids_as_text_and_backslashes_are_read(keypoints):
    def edit(content):
        for image in content["images"]:
            image |= {"id": str(image["id"]), "file_name": "sub\\" + image["file_name"]}
        for person in content["annotations"]:
            person |= {"id": str(person["id"]), "image_id": float(person["image_id"])}

    plain = keypoints("val2014", lambda content: None)
    names = [plain.table("test").images[row] for row in range(3)]
    table = keypoints("val2014", edit).table("test")
    assert [table.images[row] for row in range(3)] == [name.replace("val2014/", "val2014/sub/") for name in names]
    assert table.fingerprint() == plain.fingerprint("test")


@pytest.mark.parametrize("value", ["x", 1.5, float("nan"), float("inf")])
def test_ids_that_are_no_whole_numbers_are_refused(keypoints, value):
    data = keypoints("val2014", lambda content: content["annotations"][1].update(id=value))
    with pytest.raises(ValueError, match=r"entry 1 .*'id' is not 1 number"):
        data.table("test")


@pytest.mark.parametrize("bad", BAD[:2])
@pytest.mark.parametrize("key", ["poses", "trans", "jointPositions", "cam_poses"])
def test_numbers_of_3dpw_that_are_none(tmp_path, monkeypatch, key, bad):
    write_bodies(tmp_path / "assets", monkeypatch, ("neutral", "male", "female"))
    pw3d.write(tmp_path / "3dpw", change=lambda data: _spoil(data, key, bad))
    data = Pw3dDataModule(str(tmp_path / "3dpw"), crops=CropSettings(size=32, body="smpl"), num_workers=0)
    with pytest.warns(UserWarning, match="no numbers") if key != "cam_poses" else _nothing():
        batch = batches(data)
    if key in ("poses", "trans"):
        assert not batch["smpl_valid"].all()
        assert batch["smpl_valid"].any()


def _spoil(data, key, bad):
    """The first frame's numbers of the first person, or of the camera."""
    values = data[key] if key == "cam_poses" else data[key][0]
    np.asarray(values).reshape(len(values), -1)[0, 0] = bad


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_spin_files_with_numbers_that_are_none(tmp_path):
    rng = np.random.default_rng(0)
    part = np.concatenate([rng.uniform(0, 100, (3, 24, 2)), np.ones((3, 24, 1))], -1)
    arrays = {
        "imgname": np.array([f"imageFiles\\s_00\\image_{row:05d}.jpg" for row in range(3)]),
        "center": np.full((3, 2), 50.0), "scale": np.ones(3), "part": part, "gender": np.array(["m", "f", "m"]),
        "pose": 0.1 * rng.normal(size=(3, 72)), "shape": np.zeros((3, 10)),
    }  # fmt: skip
    arrays["part"][0, 5, 0], arrays["pose"][1, 3] = np.nan, np.inf
    np.savez(tmp_path / "3dpw_test.npz", **arrays)
    data = Pw3dDataModule(str(tmp_path), layout="spin", crops=SMALL, num_workers=0)
    with pytest.warns(UserWarning, match="2 joints or fits are no numbers"):
        table = data.table("test")
    assert table.smpl_valid.tolist() == [True, False, True]
    assert not table.joints_2d_valid[0, 5]
    assert table.joints_2d_valid.sum() == 3 * 24 - 1
    assert np.isfinite(table.transl).all()
    assert np.isfinite(table.boxes).all()
    assert table.images[0] == "imageFiles/s_00/image_00000.jpg"
    assert len(repair(table.take(np.zeros(3, bool)), "nobody", train=True)) == 0
    np.savez(tmp_path / "3dpw_test.npz", **arrays | {"center": np.where([[0], [1], [0]], np.nan, 50.0) * np.ones(2)})
    with pytest.raises(ValueError, match=r"1 people have no usable box or camera, the first in .*image_00001\.jpg"):
        Pw3dDataModule(str(tmp_path), layout="spin", crops=SMALL, num_workers=0).table("test")
