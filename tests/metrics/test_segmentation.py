"""Label images: closed forms, the DaNet release's numbers, and slow loops over pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from task_samples import labels

from metrics import PartSegmentation
from metrics.functional import accuracy, confusion_matrix, f1, iou, miou

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "metrics_danet.npz")


def scored(prediction, target, classes, **masks):
    metric = PartSegmentation(classes)
    metric.update(prediction, target, torch.arange(len(target)), **masks)
    return metric.compute()


def test_matches_danet_release():
    """Its parts hold label 255; its silhouettes are images of their own."""
    target, prediction = (torch.from_numpy(GOLDEN[f"seg_part_{side}"]) for side in ("gt", "pred"))
    mask, true_mask = (torch.from_numpy(GOLDEN[f"seg_mask_{side}"]) for side in ("pred", "gt"))
    assert 255 in target
    report = scored(prediction, target, 7, foreground=mask, true_foreground=true_mask)
    found = [report["part_accuracy"] / 100, report["part_f1"], report["fb_accuracy"] / 100, report["fb_f1"]]
    np.testing.assert_allclose(found, [*GOLDEN["seg_part_acc_f1"], *GOLDEN["seg_mask_acc_f1"]], atol=1e-9)
    assert report["n"] == len(target)


def test_scores_against_loops_over_classes():
    guess, target, silhouette, true_silhouette = (torch.stack(x) for x in zip(*map(labels, range(9)), strict=True))
    report = scored(guess, target, 7, foreground=silhouette, true_foreground=true_silhouette)
    guess, target, silhouette, true_silhouette = (x.numpy() for x in (guess, target, silhouette, true_silhouette))
    counted = target != 255
    ious, f1s = [], []
    for label in range(7):
        ours, theirs = (guess == label) & counted, target == label
        both = np.sum(ours & theirs)
        ious.append(both / np.sum(ours | theirs))
        precision, recall = both / ours.sum(), both / theirs.sum()
        f1s.append(2 / (1 / precision + 1 / recall))
    masks = []
    for side in (False, True):
        both = np.sum((silhouette == side) & (true_silhouette == side))
        masks.append(2 * both / (np.sum(silhouette == side) + np.sum(true_silhouette == side)))
    expected = {
        "miou": 100 * np.mean(ious),
        "part_accuracy": 100 * np.mean(np.where(counted, target, 0) == guess),
        "part_f1": np.mean(f1s),
        "fb_accuracy": 100 * np.mean(silhouette == true_silhouette),
        "fb_f1": np.mean(masks),
        "n": 9,
    }
    assert report == pytest.approx(expected, abs=1e-9)


def test_silhouettes_follow_from_the_labels():
    target = torch.tensor([[[0, 1], [2, 255]]])
    prediction = torch.tensor([[[0, 0], [1, 1]]])
    report = scored(prediction, target, 3)
    assert report["fb_accuracy"] == pytest.approx(200 / 3)  # the ignored pixel does not count
    assert report["fb_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert report["part_accuracy"] == pytest.approx(25)  # here it does, as background


def test_background_may_stay_out_of_the_mean():
    guess, target, _, _ = (torch.stack(x) for x in zip(*map(labels, range(5)), strict=True))
    metric = PartSegmentation(7, background=False)
    metric.update(guess, target, torch.arange(5))
    assert metric.compute()["miou"] == pytest.approx(metric.per_class()[1:].mean().item(), rel=1e-12)
    assert metric.compute()["miou"] == pytest.approx(miou(guess, target, 7, background=False).item(), rel=1e-12)
    assert len(metric.per_class()) == 7


def test_confusion_matrix_by_hand():
    target = torch.tensor([[[0, 1], [2, 255]], [[1, 1], [1, 1]]])
    prediction = torch.tensor([[[0, 2], [2, 1]], [[1, 0], [1, 1]]])
    counts = confusion_matrix(prediction, target, 3)
    assert counts[0].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert counts[1].tolist() == [[0, 0, 0], [1, 3, 0], [0, 0, 0]]
    # pooled: class 0: 1 / 2, class 1: 3 / 5, class 2: 1 / 2
    np.testing.assert_allclose(iou(counts.sum(0)), [0.5, 0.6, 0.5])
    np.testing.assert_allclose(f1(counts.sum(0)), [2 / 3, 6 / 8, 2 / 3])
    assert accuracy(counts.sum(0)).item() == pytest.approx(500 / 7)
    assert miou(prediction, target, 3).item() == pytest.approx(100 * 1.6 / 3)
    assert miou(prediction, target, 3, background=False).item() == pytest.approx(55)


def test_absent_classes_are_left_out():
    image = torch.tensor([[[0, 1, 1, 0]]])
    assert miou(image, image, 7).item() == 100
    assert iou(confusion_matrix(image, image, 7))[0].isnan().sum() == 5
    assert scored(image, image, 7)["part_f1"] == 1


def test_images_of_several_sizes():
    metric = PartSegmentation(2)
    metric.update(torch.zeros(1, 2, 2, dtype=torch.int64), torch.zeros(1, 2, 2, dtype=torch.int64), torch.tensor([0]))
    metric.update(torch.ones(1, 1, 4, dtype=torch.int64), torch.zeros(1, 1, 4, dtype=torch.int64), torch.tensor([1]))
    assert metric.compute()["part_accuracy"] == 50


def test_labels_are_checked():
    with pytest.raises(ValueError, match="labels must be"):
        confusion_matrix(torch.tensor([[7]]), torch.tensor([[1]]), 7)
    with pytest.raises((ValueError, TypeError), match=r"one shape|Type-check"):
        confusion_matrix(torch.tensor([[1]]), torch.tensor([[1, 1]]), 7)
