"""MuPoTS-3D's evaluation of several people in one image, and RootNet's of where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from body.skeleton import Skeleton
from metrics.functional.distance import point_errors
from metrics.functional.people import match_people, match_roots, rescale_bones
from metrics.functional.ranking import precision_recall, step_precision
from metrics.functional.threshold import PCK_THRESHOLD
from metrics.report import group_key
from metrics.rows import IndexedMetric, as_float64

# What a row says of one annotated person, ...
_PERSON = ("sequence", "hits", "hits_abs", "joints", "matched", "root_error", "annotated")
# ... and of one detection in the same image: they share rows only to share the image's index.
_DETECTION = ("score", "detected", "correct")


@dataclass(frozen=True)
class People:
    """The people of one image.

    Attributes:
        joints: camera frame, metres, absolute.
        pixels: the same joints in the image.
        scores: confidence of each person; all the same when omitted.
    """

    joints: Float[Tensor, "people joints 3"]
    pixels: Float[Tensor, "people joints 2"]
    scores: Float[Tensor, "people"] | None = None


class MuPoTS(IndexedMetric):
    """3DPCK of matched people, relative to the root and absolute, and how well the roots are found.

    Convention:
        Unit: metres and pixels in; `pck3d`, `pck3d_abs` and `ap_root25` in percent, `mrpe` in millimetres. Matching:
        `functional.match_people`, by the joints `matching`. Alignment: `pck3d` moves the roots together, `pck3d_abs`
        nothing; in both the predicted bones take the true lengths (`functional.rescale_bones`). Joint set: `scored`,
        the root and what is near it not among them on MuPoTS-3D. Inequality: strict (error < 150 mm). Averaging: over
        the joints of a sequence, then over sequences. An annotated person without a match counts as all misses ("all
        annotations"), or not at all with `matched_only`. `mrpe` is the mean over matched people in all images.
        `ap_root25`: area under the precision-recall curve in steps, a root being found below 250 mm
        (`functional.match_roots`), predictions in images without annotations not counting; RootNet's script leaves out
        the curve's first step, at most one annotation's share.

    Args:
        skeleton: joint set of both sides.
        scored: names of the joints that 3DPCK counts.
        matching: names of the joints that decide who is who.
        matched_only: leave out annotated people without a match.
    """

    def __init__(
        self, skeleton: Skeleton, scored: Sequence[str], matching: Sequence[str], matched_only: bool = False
    ) -> None:
        super().__init__(columns=len(_PERSON) + len(_DETECTION))
        self.parents, self.root = skeleton.parent_indices, skeleton.root_index
        self.scored = [skeleton.index(joint) for joint in scored]
        self.matching = [skeleton.index(joint) for joint in matching]
        self.matched_only = matched_only

    def update(
        self,
        predictions: Sequence[People],
        targets: Sequence[People],
        sequence: Int[Tensor, "images"],
        index: Int[Tensor, "images"],
    ) -> None:
        """Add images.

        Args:
            predictions: the people found in each image, perhaps none.
            targets: the people annotated in each image, perhaps none.
            sequence: number of each image's sequence.
            index: position of each image in the split.
        """
        for ours, true, number, place in zip(predictions, targets, sequence, index, strict=True):
            people, detections = self._people(ours, true, number), self._detections(ours, true)
            count = max(len(people), len(detections), 1)
            rows = people.new_zeros(count, self.columns - 2)
            rows[: len(people), : len(_PERSON)] = people
            rows[: len(detections), len(_PERSON) :] = detections
            self.add(place.expand(count), rows, torch.arange(count))

    def _people(self, ours: People, true: People, sequence: Tensor) -> Float64[Tensor, "people columns"]:
        """What is said of the annotated people of one image."""
        moved, fixed = as_float64(ours.joints), as_float64(true.joints)
        match = match_people(as_float64(ours.pixels)[:, self.matching], as_float64(true.pixels)[:, self.matching])
        matched = match >= 0
        rows = fixed.new_zeros(len(fixed), len(_PERSON))
        rows[:, 0], rows[:, 6] = sequence, 1
        rows[:, 3] = len(self.scored) * (matched if self.matched_only else torch.ones_like(matched))
        rows[:, 4] = matched
        if matched.any():
            resized = rescale_bones(moved[match[matched]], fixed[matched], self.parents)
            errors, shift = self._errors(resized, fixed[matched])
            rows[matched, 1:3] = torch.stack([(e < PCK_THRESHOLD).sum(1).double() for e in errors], -1)
            rows[matched, 5] = shift
        return rows

    def _errors(self, ours: Tensor, true: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Joint errors relative to the root and absolute, and root errors, millimetres."""
        relative = ours - ours[:, self.root, None], true - true[:, self.root, None]
        errors = point_errors(*(side[:, self.scored] for side in relative)), point_errors(ours, true)[:, self.scored]
        return errors, point_errors(ours[:, [self.root]], true[:, [self.root]])[:, 0]

    def _detections(self, ours: People, true: People) -> Float64[Tensor, "detections columns"]:
        """What is said of the predicted people of one image; nothing where nobody is annotated."""
        roots, goals = as_float64(ours.joints)[:, self.root], as_float64(true.joints)[:, self.root]
        if len(goals) == 0 or len(roots) == 0:
            return goals.new_zeros(0, len(_DETECTION))
        scores = torch.ones_like(roots[:, 0]) if ours.scores is None else as_float64(ours.scores)
        correct = match_roots(roots, goals, scores)
        return torch.stack([scores, torch.ones_like(scores), correct.double()], -1)

    def compute(self) -> dict[str, float]:
        """`pck3d`, `pck3d_abs`, `mrpe`, `ap_root25` and `n` (images); 3DPCK and annotated people per sequence."""
        index, rows = self.samples()
        n = float(len(torch.unique(index)))
        people, detections = rows[rows[:, 6] > 0, : len(_PERSON)], rows[rows[:, -2] > 0, len(_PERSON) :]
        if len(people) == 0:
            return {"n": n}
        totals, tables = people.sum(0), dict[str, float]()
        cells: dict[str, list[float]] = {"pck3d": [], "pck3d_abs": []}
        for number in torch.unique(people[:, 0]):
            part = people[people[:, 0] == number].sum(0)
            name = f"TS{int(number)}"
            tables[group_key("sequence", name, "n")] = part[6].item()
            for column, key in enumerate(cells, start=1):
                if part[3] > 0:
                    cells[key].append((100 * part[column] / part[3]).item())
                    tables[group_key("sequence", name, key)] = cells[key][-1]
        report = {key: sum(values) / len(values) for key, values in cells.items() if values}
        if totals[4] > 0:
            report["mrpe"] = (totals[5] / totals[4]).item()
        curve = precision_recall(detections[:, 0], detections[:, 2] > 0, len(people))
        return {**report, "ap_root25": 100 * step_precision(*curve).item(), "n": n, **tables}
