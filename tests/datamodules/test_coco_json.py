"""COCO-style files become columns, and what is wrong with a file is said."""

import json

import numpy as np
import pytest

from datamodules.readers.coco_json import read_coco, read_json, rows_of

CONTENT = {
    "images": [
        {"id": 9, "file_name": "a.jpg", "cam_param": {"focal": [1.0, 2.0]}},
        {"id": 4, "file_name": "b.jpg", "cam_param": {"focal": [3.0, 4.0]}},
    ],
    "annotations": [
        {"id": 70, "image_id": 4, "bbox": [1, 2, 3, 4.5], "pose": [[1, 2], [3, 4]]},
        {"id": 71, "image_id": 9, "bbox": [5, 6, 7, 8], "pose": [1, 2, 3, 4], "extra": 1},
        {"id": 72, "image_id": 4, "bbox": [9, 1, 2, 3], "pose": [[5, 6], [7, 8]], "extra": None},
    ],
}


def written(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_columns(tmp_path):
    content = json.loads(json.dumps(CONTENT))
    content["annotations"][1]["pose"] = [[1, 2], [3, 4]]
    images, annotations, rows = read_coco(written(tmp_path, content))
    assert images.texts("file_name") == ["a.jpg", "b.jpg"]
    np.testing.assert_array_equal(images.numbers("cam_param.focal", 2), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(rows, [1, 0, 1])
    np.testing.assert_array_equal(annotations.numbers("id", dtype=np.int64), [70, 71, 72])
    assert annotations.numbers("bbox", 4)[0, 3] == 4.5
    assert annotations.numbers("pose", 4).tolist() == [[1, 2, 3, 4], [1, 2, 3, 4], [5, 6, 7, 8]]
    assert annotations.has("extra").tolist() == [False, True, False]
    assert annotations.take(np.array([2, 0])).numbers("id").tolist() == [72, 70]
    assert annotations.take(np.array([False, False, False])).numbers("pose", 2, 2).shape == (0, 2, 2)


def test_some_annotations_keep_their_images(tmp_path):
    file = read_coco(written(tmp_path, CONTENT)).take(np.array([False, True, True]))
    assert file.annotations.numbers("id").tolist() == [71, 72]
    assert [file.images.texts("file_name")[row] for row in file.image_rows] == ["a.jpg", "b.jpg"]


def test_a_truncated_file_is_named(tmp_path):
    path = written(tmp_path, json.dumps(CONTENT)[:100])
    with pytest.raises(ValueError, match=r"file\.json is not whole JSON"):
        read_coco(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([1, 2], "has no images and no annotations"),
        ({"images": []}, "has no annotations"),
        ({"images": {"a": 1}, "annotations": []}, "images is not a list of objects"),
        ({"images": [{"file_name": "a"}], "annotations": []}, r"images, entry 0 has no 'id', only file_name"),
        ({"images": [{"id": 1}], "annotations": [{"image_id": 1}, {"image_id": 2}]}, "image 2 is annotated but not"),
        ({"images": [], "annotations": [{"image_id": 2}]}, "image 2 is annotated but not"),
    ],
)
def test_what_a_file_lacks_is_said(tmp_path, content, says):
    with pytest.raises(ValueError, match=says):
        read_coco(written(tmp_path, content))


def test_an_entry_of_the_wrong_size_is_named(tmp_path):
    content = json.loads(json.dumps(CONTENT))
    content["annotations"][1]["bbox"] = [1, 2, 3]
    annotations = read_coco(written(tmp_path, content)).annotations
    with pytest.raises(ValueError, match=r"entry 1 \(id 71\): 'bbox' is not 4 number"):
        annotations.numbers("bbox", 4)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "no.json")


def test_rows_are_those_of_a_dictionary(tmp_path):
    rng = np.random.default_rng(0)
    ids = rng.permutation(10_000)[:500]
    wanted = rng.choice(ids, 2000)
    position = {int(number): row for row, number in enumerate(ids)}
    assert rows_of(wanted, ids, tmp_path).tolist() == [position[int(number)] for number in wanted]
