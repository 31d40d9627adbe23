"""COCO keypoint AP against pycocotools run on files, and against numbers made by hand."""

import contextlib
import io
import json
import math

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from task_samples import coco_guess, coco_truth, feed_keypoints

from metrics import KeypointAP

SIGMA = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000


def test_numbers_are_those_of_pycocotools(tmp_path):
    count = 24
    (tmp_path / "truth.json").write_text(json.dumps({"info": {}, **coco_truth(count)}))
    detections = []
    for index in range(count):
        points, score, image = coco_guess(index)
        keypoints = np.concatenate([points.numpy(), np.ones((17, 1))], 1).flatten().tolist()
        detections.append({"image_id": int(image), "category_id": 1, "keypoints": keypoints, "score": float(score)})
    (tmp_path / "found.json").write_text(json.dumps(detections))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "truth.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "found.json")), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    metric = KeypointAP(tmp_path / "truth.json")
    feed_keypoints(metric, list(range(count)))
    report = metric.compute()
    names = ("ap", "ap50", "ap75", "ap_m", "ap_l")
    assert report == pytest.approx({**dict(zip(names, 100 * evaluation.stats[:5], strict=True)), "n": count}, abs=1e-9)
    assert 5 < report["ap"] < 95


def test_ap_by_hand():
    """One person, every joint off by as many of its own falloffs as give OKS 0.72: right at 5 thresholds of 10."""
    truth = coco_truth(1)
    person = truth["annotations"][0]
    points = torch.tensor(person["keypoints"], dtype=torch.float64).reshape(17, 3)[:, :2]
    scale = math.sqrt(person["area"] + np.spacing(1))
    points[:, 0] += torch.from_numpy(math.sqrt(-2 * math.log(0.72)) * scale * 2 * SIGMA)
    metric = KeypointAP(truth)
    metric.update(points[None], torch.ones(1), torch.tensor([100]), torch.tensor([0]))
    report = metric.compute()
    assert report == pytest.approx({"ap": 50, "ap50": 100, "ap75": 0, "ap_m": 50, "n": 1}, abs=1e-6)
    assert "ap_l" not in report, "nobody is that large"


def test_missing_people_count():
    truth = coco_truth(1)
    truth["annotations"].append({**truth["annotations"][0], "id": 2, "image_id": 101})
    truth["images"].append({"id": 101, "width": 640, "height": 480})
    points = torch.tensor(truth["annotations"][0]["keypoints"]).reshape(17, 3)[:, :2]
    metric = KeypointAP()
    metric.update(points[None], torch.ones(1), torch.tensor([100]), torch.tensor([0]))
    with pytest.raises(ValueError, match="annotation file"):
        metric.compute()
    metric.annotations = truth
    assert metric.compute()["ap"] == pytest.approx(100 * 51 / 101)  # precision 1 up to recall 0.5


def test_strange_images_are_refused():
    points, score, image = (value[None] for value in coco_guess(0))
    metric = KeypointAP(coco_truth(2))
    metric.update(points, score, image + 5, torch.tensor([0]))
    with pytest.raises(ValueError, match="image 105 is not in the annotations"):
        metric.compute()
