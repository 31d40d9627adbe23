"""Average precision against pycocotools and a slow loop."""

import contextlib
import io

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from metrics.functional import coco_precision, precision_recall, step_precision


def ranked(seed, count=40):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, generator=generator, dtype=torch.float64)
    return scores, torch.rand(count, generator=generator) < 0.6


def cocos_precision(scores, correct, truths):
    """AP50 of a box problem with these hits: one image per detection, its box on the true one or away from it."""
    empty = max(0, truths - len(scores))
    images = [{"id": k + 1} for k in range(len(scores) + empty)]
    box = {"category_id": 1, "iscrowd": 0, "area": 100.0}
    with_truth = [k for k in range(len(scores)) if correct[k]]
    missed = [k for k in range(len(images)) if k not in with_truth][: truths - len(with_truth)]
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": images,
        "categories": [{"id": 1}],
        "annotations": [
            {**box, "id": n + 1, "image_id": k + 1, "bbox": [0, 0, 10, 10]} for n, k in enumerate(with_truth + missed)
        ],
    }
    found = [
        {"image_id": k + 1, "category_id": 1, "score": float(scores[k]), "bbox": [0 if correct[k] else 50, 0, 10, 10]}
        for k in range(len(scores))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[1]


@pytest.mark.parametrize("truths", [24, 30, 60])
def test_coco_precision_is_pycocotools(truths):
    scores, correct = ranked(truths)
    correct[correct.nonzero().flatten()[truths:]] = False
    ours = coco_precision(*precision_recall(scores, correct, truths)).item()
    assert ours == pytest.approx(cocos_precision(scores, correct, truths), abs=1e-6)


def test_step_precision_against_a_loop():
    scores, correct = ranked(1)
    hits, area = 0, 0.0
    for rank, k in enumerate(np.argsort(-scores.numpy()), start=1):
        hits += int(correct[k])
        area += hits / rank * (1 / 50 if correct[k] else 0)
    assert step_precision(*precision_recall(scores, correct, 50)).item() == pytest.approx(area, abs=1e-12)


def test_perfect_empty_and_wrong():
    right = torch.tensor([True, True])
    scores = torch.tensor([0.3, 0.9])
    for area in (coco_precision, step_precision):
        assert area(*precision_recall(scores, right, 2)).item() == pytest.approx(1)
        assert area(*precision_recall(scores, ~right, 2)).item() == 0
        assert area(*precision_recall(scores[:0], right[:0], 2)).item() == 0


def test_equal_scores_keep_their_order():
    scores, correct = torch.ones(3), torch.tensor([True, False, True])
    precision, recall = precision_recall(scores, correct, 2)
    assert precision.tolist() == [1, 0.5, pytest.approx(2 / 3)]
    assert recall.tolist() == [0.5, 0.5, 1]
