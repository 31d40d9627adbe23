"""COCO's average precision of keypoints, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from body.extras import import_extra

_STATS = ("ap", "ap50", "ap75", "ap_m", "ap_l")  # the first five of pycocotools' ten


def keypoint_ap(
    annotations: Mapping[str, Any],
    image_id: Int[Tensor, " people"],
    scores: Float[Tensor, " people"],
    keypoints: Float[Tensor, "people 17 2"],
) -> dict[str, float]:
    """`ap`, `ap50`, `ap75`, `ap_m` and `ap_l` of predicted people.

    Args:
        annotations: content of a COCO annotation file.
        image_id: COCO's number of each person's image.
        scores: confidence of each person.
        keypoints: full-image pixels, in COCO's order.

    Convention:
        Pixels in, percent out. OKS thresholds 0.5 to 0.95 in steps of 0.05, not strict; 101 recalls; 20 people per
        image. NaN anywhere makes every number NaN (pycocotools would count it as a hit). What the annotations cannot
        give, because nobody is of that size, is absent.

    Raises:
        ValueError: a prediction is for an image that is not among the annotations.
    """
    if not (keypoints.isfinite().all() and scores.isfinite().all()):
        return dict.fromkeys(_STATS, float("nan"))
    annotated = {image["id"] for image in annotations["images"]}
    unknown = set(image_id.tolist()) - annotated
    if unknown:
        raise ValueError(f"image {min(unknown)} is not in the annotations; is this the file of another split?")
    triples = torch.cat([keypoints, torch.ones_like(keypoints[..., :1])], -1).flatten(1)
    detections = [
        {"image_id": image, "category_id": 1, "keypoints": keypoint, "score": score}
        for image, keypoint, score in zip(image_id.tolist(), triples.tolist(), scores.tolist(), strict=True)
    ]
    values = zip(_STATS, _evaluate(annotations, detections), strict=False)
    return {name: 100 * value for name, value in values if value >= 0}


def _evaluate(annotations: Mapping[str, Any], detections: list[dict[str, Any]]) -> list[float]:
    """The ten numbers of pycocotools; -1 where it has none."""
    COCO = import_extra("pycocotools.coco", "data").COCO
    COCOeval = import_extra("pycocotools.cocoeval", "data").COCOeval

    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        truth = COCO()
        truth.dataset = {"info": {}, **annotations}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(detections), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]
