"""COCO's average precision of keypoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from metrics.functional.checks import check_finite, check_shape
from metrics.functional.keypoints import keypoint_ap
from metrics.info import MetricInfo, percent
from metrics.rows import IndexedMetric, as_float64

_JOINTS = 17


class KeypointAP(IndexedMetric):
    """COCO keypoint AP, computed by pycocotools.

    Convention:
        Unit: full-image pixels in, percent out. Joint set: COCO's 17, in its order. Similarity: OKS; thresholds 0.5 to
        0.95 in steps of 0.05, not strict; 101 recalls; 20 detections per image. Every image and person of the
        annotation file counts, whether anything was predicted there or not. Each prediction (by its index) counts once.
        A number that the annotations cannot give (no person of that size) is absent.

    Args:
        annotations: COCO annotation file (`person_keypoints_val2017.json`) or its content; may be set later, as the
            attribute of this name, but before `compute`.
    """

    reports: ClassVar[Mapping[str, MetricInfo]] = {
        "ap": percent("AP"),
        "ap50": percent("AP50"),
        "ap75": percent("AP75"),
        "ap_m": percent("AP M"),
        "ap_l": percent("AP L"),
    }

    def __init__(self, annotations: str | Path | Mapping[str, Any] | None = None) -> None:
        super().__init__(columns=2 + 2 * _JOINTS)
        self.annotations = annotations

    def update(
        self,
        keypoints: Float[Tensor, "people 17 2"],
        scores: Float[Tensor, " people"],
        image_id: Int[Tensor, " people"],
        index: Int[Tensor, " people"],
    ) -> None:
        """Add predicted people.

        Args:
            keypoints: full-image pixels.
            scores: confidence of each person.
            image_id: COCO's number of the image.
            index: position of each prediction in the split.

        Raises:
            ValueError: shapes differ, or a keypoint or score is NaN or infinite.
        """
        check_shape(keypoints, (len(index), _JOINTS, 2), "keypoints")
        check_shape(scores, (len(index),), "scores")
        check_shape(image_id, (len(index),), "image_id")
        check_finite(keypoints, None, "keypoints", index)
        check_finite(scores[:, None], None, "scores", index)
        points = as_float64(keypoints)
        row = torch.stack([image_id.to(points.device).double(), as_float64(scores)], -1)
        self.add(index, torch.cat([row, points.flatten(1)], -1))

    def compute(self) -> dict[str, float]:
        """`ap`, `ap50`, `ap75`, `ap_m`, `ap_l` and `n` (predicted people).

        Raises:
            ValueError: there are no annotations, or a prediction is for an image that is not among them.
        """
        _, rows = self.samples()
        n = {"n": float(len(rows))}
        if len(rows) == 0:
            return n
        return keypoint_ap(self._truth(), rows[:, 0].long(), rows[:, 1], rows[:, 2:].reshape(-1, _JOINTS, 2)) | n

    def _truth(self) -> Mapping[str, Any]:
        if self.annotations is None:
            raise ValueError("KeypointAP needs COCO's annotation file: set its attribute `annotations`")
        if isinstance(self.annotations, Mapping):
            return self.annotations
        content: dict[str, Any] = json.loads(Path(self.annotations).read_text(), parse_constant=self._refuse)
        return content

    def _refuse(self, constant: str) -> None:
        raise ValueError(f"{self.annotations} holds {constant}, which is no JSON; download it again")
