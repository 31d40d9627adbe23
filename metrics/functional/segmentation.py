"""Confusion matrix of label images, and the scores that follow from it."""

from __future__ import annotations

import torch
from jaxtyping import Float64, Integer
from torch import Tensor

IGNORE = 255


def confusion_matrix(
    prediction: Integer[Tensor, " batch *space"], target: Integer[Tensor, " batch *space"], classes: int
) -> Float64[Tensor, "batch classes classes"]:
    """Pixel counts per sample; row = true class, column = predicted class.

    Args:
        prediction: labels in [0, classes).
        target: labels in [0, classes), or 255 for pixels that do not count.
        classes: number of classes, background included.

    Raises:
        ValueError: the shapes differ, or labels are not integers, or one that counts is outside the range.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have one shape")
    if prediction.is_floating_point() or target.is_floating_point():
        raise ValueError(f"labels must be integers, not {prediction.dtype} and {target.dtype}: give `scores.argmax(1)`")
    batch = len(target)
    truth, guess = target.reshape(batch, -1).long(), prediction.reshape(batch, -1).long()
    counted = truth != IGNORE
    outside = ((truth < 0) | (truth >= classes) | (guess < 0) | (guess >= classes)) & counted
    if outside.any():
        raise ValueError(f"labels must be in [0, {classes}), or {IGNORE} in the target")
    sample = torch.arange(batch, device=truth.device)[:, None]
    cell = ((sample * classes + truth) * classes + guess)[counted]
    counts = torch.bincount(cell, minlength=batch * classes * classes)
    return counts.reshape(batch, classes, classes).double()


def iou(confusion: Float64[Tensor, "*batch classes classes"]) -> Float64[Tensor, "*batch classes"]:
    """Intersection over union per class; NaN for a class in neither the prediction nor the target."""
    hit = confusion.diagonal(dim1=-2, dim2=-1)
    return hit / (confusion.sum(-1) + confusion.sum(-2) - hit)


def f1(confusion: Float64[Tensor, "*batch classes classes"]) -> Float64[Tensor, "*batch classes"]:
    """F1 score (Dice) per class in [0, 1]; NaN for a class in neither the prediction nor the target."""
    return 2 * confusion.diagonal(dim1=-2, dim2=-1) / (confusion.sum(-1) + confusion.sum(-2))


def accuracy(confusion: Float64[Tensor, "*batch classes classes"]) -> Float64[Tensor, "*batch"]:
    """Percentage of pixels with the right label; NaN without pixels."""
    return 100 * confusion.diagonal(dim1=-2, dim2=-1).sum(-1) / confusion.sum((-2, -1))


def ignored_as_background(
    prediction: Integer[Tensor, " batch *space"], target: Integer[Tensor, " batch *space"]
) -> Float64[Tensor, "batch 2"]:
    """Pixels whose true label is 255: those predicted as background, and the others.

    UPi-S1h's part accuracy takes label 255 for background, while its F1 leaves these pixels out.
    """
    ignored = (target == IGNORE).flatten(1)
    background = (prediction == 0).flatten(1)
    return torch.stack([(ignored & background).sum(1), (ignored & ~background).sum(1)], -1).double()


def miou(
    prediction: Integer[Tensor, " batch *space"],
    target: Integer[Tensor, " batch *space"],
    classes: int,
    background: bool = True,
) -> Float64[Tensor, ""]:
    """Mean intersection over union in percent.

    Args:
        prediction: see `confusion_matrix`.
        target: see `confusion_matrix`.
        classes: number of classes, background (0) included.
        background: whether class 0 takes part in the mean (its pixels always count against the other classes).

    Convention:
        Pixels of all samples are pooled before the ratio; classes that occur nowhere are left out of the mean.
    """
    scores = iou(confusion_matrix(prediction, target, classes).sum(0))
    return 100 * scores[0 if background else 1 :].nanmean()
