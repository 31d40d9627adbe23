"""RootNet's result files, as its authors' program writes them."""

import json

import numpy as np
import pytest

from body.skeleton import SMPL24
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.augment import NO_CHANGE
from datamodules.columns import StringColumn
from datamodules.crop import RestRoot, make_crop
from datamodules.readers.root_file import RootResult, read_root_file, root_file_name, with_root_file, write_root_file
from datamodules.settings import CropSettings

AUTHORS = [
    {"image_id": 7, "bbox": [10.5, 20.0, 300.0, 300.0], "root_cam": [-120.0, 35.5, 4250.0]},
    {"image_id": 9, "bbox": [0, 0, 100, 100], "root_cam": [1, 2, 3], "score": 0.75},
]


def test_millimetres_become_metres_and_back(tmp_path):
    path = tmp_path / "bbox_root_human36m_output.json"
    path.write_text(json.dumps(AUTHORS))
    results = read_root_file(path, "human36m")
    assert results[0].root == pytest.approx((-0.12, 0.0355, 4.25))
    assert results[0].box == (10.5, 20.0, 300.0, 300.0)
    assert (results[0].annotation_id, results[0].score, results[1].score) == (None, None, 0.75)
    again = tmp_path / "deep" / "again.json"
    write_root_file(again, results, "human36m")
    for ours, theirs in zip(json.loads(again.read_text()), AUTHORS, strict=True):
        assert ours.keys() == theirs.keys()
        assert ours["root_cam"] == pytest.approx(theirs["root_cam"])
    assert list(again.parent.iterdir()) == [again]


def test_3dpw_is_in_metres_and_names_people(tmp_path):
    path = tmp_path / root_file_name("pw3d")
    assert path.name == "bbox_root_pw3d_output.json"
    result = RootResult(3, (1.0, 2.0, 30.0, 30.0), (0.1, 0.2, 5.0), annotation_id=44)
    write_root_file(path, [result], "pw3d")
    assert json.loads(path.read_text()) == [
        {"image_id": 3, "bbox": [1.0, 2.0, 30.0, 30.0], "root_cam": [0.1, 0.2, 5.0], "ann_id": 44}
    ]
    assert read_root_file(path, "pw3d") == [result]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{]", "is not JSON"),
        ("{}", "not a list of people"),
        ('[{"image_id": 1, "bbox": [1, 2, 3], "root_cam": [1, 2, 3]}]', "entry 0: needs image_id, bbox of 4"),
        ('[{"bbox": [1, 2, 3, 4], "root_cam": [1, 2, 3]}]', "KeyError"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, NaN], "root_cam": [1, 2, 3]}]', "not finite"),
    ],
)
def test_other_files_are_explained(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_root_file(path, "coco")


def test_nothing_is_written_of_a_bad_number_or_for_an_unknown_benchmark(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_root_file(path, [RootResult(1, (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, float("nan")))], "pw3d")
    with pytest.raises(ValueError, match="no root files for 'lsp'; there are human36m"):
        read_root_file(path, "lsp")
    assert not path.exists()


def people(count=3):
    """Rows without labels, of one person per image."""
    return Annotations(
        skeleton=SMPL24,
        images=StringColumn.of([f"{row}.jpg" for row in range(count)]),
        intrinsics=np.tile(np.float32([500, 500, 50, 50]), (count, 1)),
        boxes=np.tile(np.float32([1, 2, 3, 4]), (count, 1)),
        image_ids=np.arange(count),
        annotation_ids=10 + np.arange(count),
    )


def test_results_replace_boxes_and_depths_by_the_photographs_number():
    table = with_root_file(people(), [RootResult(2, (10.0, 20.0, 50.0, 50.0), (0.0, 0.0, 3.5))])
    np.testing.assert_allclose(table.boxes, [[1, 2, 3, 4], [1, 2, 3, 4], [15, 25, 40, 40]])
    np.testing.assert_array_equal(table.root_depths, [np.nan, np.nan, 3.5])


def test_results_with_numbers_of_people_go_by_those():
    result = RootResult(2, (10.0, 20.0, 50.0, 50.0), (0.0, 0.0, 3.5), annotation_id=11)
    np.testing.assert_array_equal(with_root_file(people(), [result]).root_depths, [np.nan, 3.5, np.nan])


@pytest.mark.parametrize("results", [[], [RootResult(77, (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0))]])
def test_results_of_other_people_are_refused(results):
    with pytest.raises(ValueError, match="another split"):
        with_root_file(people(), results)


def test_an_estimated_depth_is_no_label(tmp_path):
    table = with_root_file(people(), [RootResult(0, (0.0, 0.0, 40.0, 40.0), (0.0, 0.0, 3.5))])
    source = AnnotatedSource(table, tmp_path, read=lambda path: np.zeros((100, 100, 3), np.uint8))
    rows = [make_crop(source[row], CropSettings("smpl24"), NO_CHANGE, RestRoot(np.zeros(3), np.zeros((10, 3))))
            for row in range(2)]  # fmt: skip
    assert [bool(row["estimated_root_depth_valid"]) for row in rows] == [True, False]
    assert rows[0]["estimated_root_depth"] == 3.5
    assert not any(row["root_depth_valid"] for row in rows)
    assert not rows[0]["joints_valid"].any()
