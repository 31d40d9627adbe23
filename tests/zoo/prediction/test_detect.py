"""The detector of people: TensorFlow.js' numbers, closed forms, and files of boxes."""

import json

import numpy as np
import pytest
import torch
from skimage import data

from zoo.errors import ZooError
from zoo.prediction.detect.boxes_file import BoxesFile
from zoo.prediction.detect.movenet import DetectorMaps, decode_boxes, joint_evidence
from zoo.prediction.detect.people import find_people
from zoo.prediction.detect.weights_file import load_detector, save_weights

PORTRAIT = np.array([0.034435, 0.021711, 0.705491, 0.994305]) * 512
"""Left, top, right, bottom of the NASA portrait's person as the published graph finds it under TensorFlow.js."""


def corners(person) -> np.ndarray:
    x, y, width, height = person.box
    return np.array([x, y, x + width, y + height])


def test_the_portrait_as_tensorflow_js_finds_it():
    """Eight bits per weight move the edges by little: 8 of 512 pixels are 4 of the network's 256."""
    (found,) = find_people([data.astronaut()])
    assert len(found) == 1
    assert np.abs(corners(found[0]) - PORTRAIT).max() < 8
    assert find_people([data.coffee(), data.brick()[..., None].repeat(3, 2)]) == [[], []]
    assert find_people([]) == []


def test_boxes_follow_the_picture():
    """Wide, tall and small pictures: the person is found where the picture holds it."""
    portrait = data.astronaut()
    wide = np.full((512, 900, 3), 127, np.uint8)
    wide[:, 300:812] = portrait
    tall = np.full((900, 512, 3), 127, np.uint8)
    tall[380:892] = portrait
    for (found, *_), offset in zip(find_people([wide, tall]), ((300, 0), (0, 380)), strict=True):
        assert np.abs(corners(found) - PORTRAIT - [*offset, *offset]).max() < 25
    ((half, *_),) = find_people([np.ascontiguousarray(portrait[::2, ::2])])
    assert np.abs(corners(half) * 2 - PORTRAIT).max() < 16


def test_decoding_of_two_people():
    """Peaks at (row 3, column 10) and (12, 4); a lower neighbour of a peak is no person."""
    center, scale, offset = torch.zeros(1, 1, 16, 16), torch.zeros(1, 2, 16, 16), torch.zeros(1, 2, 16, 16)
    center[0, 0, 3, 10], center[0, 0, 4, 11], center[0, 0, 12, 4] = 0.9, 0.8, 0.6
    scale[0, :, 3, 10], offset[0, :, 3, 10] = torch.tensor([4.0, 2.0]), torch.tensor([0.5, 0.25])
    scale[0, :, 12, 4] = torch.tensor([20.0, 2.0])
    boxes, scores = decode_boxes(DetectorMaps(center, scale, offset, torch.zeros(1, 17, 16, 16)), 3)
    torch.testing.assert_close(scores[0], torch.tensor([0.9, 0.6, 0.0]))
    torch.testing.assert_close(boxes[0, 0], torch.tensor([9.25, 1.5, 11.25, 5.5]) * 4)
    torch.testing.assert_close(boxes[0, 1], torch.tensor([3.0, 2.0, 5.0, 16.0]) * 4)


def test_evidence_is_the_mean_of_the_eight_clearest_joints_inside():
    heatmap = torch.zeros(17, 16, 16)
    for joint in range(17):
        heatmap[joint, 5, 3] = joint / 16
    heatmap[:, 9, 9] = 1.0  # outside
    assert joint_evidence(heatmap, torch.tensor([8.0, 16.0, 24.0, 32.0])) == pytest.approx(12.5 / 16)
    assert joint_evidence(heatmap, torch.tensor([8.0, 24.0, 24.0, 32.0])) == 0
    assert joint_evidence(heatmap, torch.tensor([0.0, 0.0, 0.0, 0.0])) == 0


def test_a_cat_is_no_person():
    """Its centre alone has a score of 0.68."""
    assert find_people([data.chelsea()]) == [[]]


def test_weights_are_kept_within_half_a_step_of_eight_bits(tmp_path):
    state = load_detector().state_dict()
    path = tmp_path / "again.safetensors"
    noisy = {name: value + 0.01 * torch.rand_like(value) for name, value in state.items()}
    save_weights(noisy, path)
    again = load_detector(path).state_dict()
    for name, value in noisy.items():
        step = value.flatten(1).abs().amax(1) / 127 if value.ndim == 4 else value.abs().amax() / 127
        assert ((again[name] - value).abs().flatten(1 if value.ndim == 4 else 0).amax(-1) <= 0.51 * step).all(), name
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ZooError, match="damaged"):
        load_detector(path)


COCO = {
    "images": [{"id": 7, "file_name": "a/one.jpg"}, {"id": 8, "file_name": "two.jpg"}],
    "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"image_id": 7, "category_id": 1, "bbox": [5, 6, 7, 8], "iscrowd": 1},
        {"image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9]},
        {"image_id": 8, "category_id": 1, "bbox": [10, 20.5, 30, 40]},
    ],
}


def test_boxes_from_coco_and_from_a_table(tmp_path):
    from pathlib import Path

    (tmp_path / "coco.json").write_text(json.dumps(COCO))
    coco = BoxesFile(tmp_path / "coco.json")
    assert coco.of(Path("/data/a/one.jpg")) == [(1, 2, 3, 4)]
    assert coco.of(Path("anywhere/two.jpg")) == [(10, 20.5, 30, 40)]
    assert coco.of(Path("b/one.jpg")) == []
    (tmp_path / "boxes.csv").write_text("score,file,x,y,width,height\n1,a\\one.jpg,1,2,3,4\n1,a\\one.jpg,5,6,7,8\n")
    assert BoxesFile(tmp_path / "boxes.csv").of(Path("a/one.jpg")) == [(1, 2, 3, 4), (5, 6, 7, 8)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "[1, 2]"),
        ("a.json", "{"),
        ("a.json", '{"images": [], "annotations": [{"image_id": 3, "bbox": [1, 2, 3, 4]}]}'),
        ("a.csv", "name,left\nx,1\n"),
        ("a.csv", "file,x,y,width,height\nx,1,2,3,four\n"),
        ("a.csv", "file,x,y,width,height\nx,1,2,0,4\n"),
        ("a.csv", "file,x,y,width,height\nx,nan,2,3,4\n"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ZooError) as refused:
        BoxesFile(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_a_missing_file_of_boxes(tmp_path):
    with pytest.raises(ZooError, match="no such file of boxes"):
        BoxesFile(tmp_path / "none.csv")
