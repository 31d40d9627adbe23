"""MuPoTS-3D's evaluation of several people in one image, and RootNet's of where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from body.skeleton import Skeleton
from metrics.distance import MRPE
from metrics.functional.checks import check_finite, check_shape
from metrics.functional.distance import MILLIMETRES
from metrics.functional.people import match_people, match_roots, rescale_bones
from metrics.functional.ranking import precision_recall, step_precision
from metrics.functional.threshold import PCK_THRESHOLD, pck_hits
from metrics.info import MetricInfo, percent
from metrics.report import group_key
from metrics.rows import IndexedMetric, as_float64
from metrics.threshold import PCK3D

# Of one annotated person, ...
_PERSON = ("sequence", "hits", "hits_abs", "joints", "matched", "root_error", "annotated")
# ... and of one detection in the same image, which shares the row and nothing else.
_DETECTION = ("score", "correct", "detected")


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
    scores: Float[Tensor, " people"] | None = None


@dataclass(frozen=True)
class AnnotatedPeople:
    """The annotated people of a whole test set, those of an image in the benchmark's order.

    Attributes:
        joints: camera frame, metres, in the protocol's skeleton.
        pixels: the same joints in the image.
        image_id: the benchmark's number of each person's image.
        sequence: number of each person's sequence.
        scores: confidence of every detection that the test split holds, by its position there; None when each counts
            the same.
    """

    joints: Float[Tensor, "people joints 3"]
    pixels: Float[Tensor, "people joints 2"]
    image_id: Int[Tensor, " people"]
    sequence: Int[Tensor, " people"]
    scores: Float[Tensor, " detections"] | None = None


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
        the curve's first step, at most one annotation's share. A predicted pixel that is NaN belongs to a joint that
        the method does not have: it is near nothing.

    Args:
        skeleton: joint set of both sides.
        scored: names of the joints that 3DPCK counts.
        matching: names of the joints that decide who is who.
        matched_only: leave out annotated people without a match.
    """

    reports: ClassVar[Mapping[str, MetricInfo]] = {
        "pck3d": PCK3D.info,
        "pck3d_abs": percent("3DPCK abs"),
        "mrpe": MRPE.info,
        "ap_root25": percent("AP root 25"),
    }

    def __init__(
        self, skeleton: Skeleton, scored: Sequence[str], matching: Sequence[str], matched_only: bool = False
    ) -> None:
        super().__init__(columns=len(_PERSON) + len(_DETECTION))
        self.parents, self.root = skeleton.parent_indices, skeleton.root_index
        self.scored = [skeleton.index(joint) for joint in scored]
        self.matching = [skeleton.index(joint) for joint in matching]
        self.matched_only = matched_only
        self.needed = needed_joints(skeleton, scored)

    def update(
        self,
        predictions: Sequence[People],
        targets: Sequence[People],
        sequence: Int[Tensor, " images"],
        index: Int[Tensor, " images"],
    ) -> None:
        """Add images.

        Args:
            predictions: the people predicted in each image, perhaps none.
            targets: the people annotated in each image, perhaps none.
            sequence: number of each image's sequence.
            index: position of each image in the split.

        Raises:
            ValueError: shapes are not those of `People`, or a joint that is needed is NaN or infinite.
        """
        for ours, true, number, position in zip(predictions, targets, sequence, index, strict=True):
            self._check(ours, f"image {int(position)}: prediction", ours.pixels.isnan())
            self._check(true, f"image {int(position)}: target", torch.zeros_like(true.pixels).bool())
            columns = self._people(ours, true, number) | self._detections(ours, true)
            rows = next(iter(columns.values())).new_zeros(max(1, *map(len, columns.values())), len(columns))
            for row, name in zip(rows.T, _PERSON + _DETECTION, strict=True):
                row[: len(columns[name])] = columns[name]
            self.add(position.expand(len(rows)), rows, torch.arange(len(rows)))

    def _check(self, people: People, name: str, absent: Tensor) -> None:
        count = len(people.joints)
        check_shape(people.joints, (count, len(self.parents), 3), f"{name} joints")
        check_shape(people.pixels, (count, len(self.parents), 2), f"{name} pixels")
        check_finite(people.joints[:, self.needed], None, f"{name} joints")
        check_finite(people.pixels.masked_fill(absent, 0)[:, self.matching], None, f"{name} pixels")
        if people.scores is not None:
            check_shape(people.scores, (count,), f"{name} scores")
            check_finite(people.scores[:, None], None, f"{name} scores")

    def _people(self, ours: People, true: People, sequence: Tensor) -> dict[str, Tensor]:
        """What is said of the annotated people of one image."""
        moved, fixed = as_float64(ours.joints), as_float64(true.joints)
        match = match_people(as_float64(ours.pixels)[:, self.matching], as_float64(true.pixels)[:, self.matching])
        matched = match >= 0
        columns = {name: fixed.new_zeros(len(fixed)) for name in _PERSON}
        columns["sequence"] += sequence.item()
        columns["annotated"] += 1
        columns["matched"] += matched
        columns["joints"] += len(self.scored) * (matched if self.matched_only else 1)
        if matched.any():
            goal = fixed[matched]
            pose = rescale_bones(moved[match[matched]], goal, self.parents)
            shift = pose[:, [self.root]] - goal[:, [self.root]]
            columns["hits"][matched] = self._hits(pose - shift, goal)
            columns["hits_abs"][matched] = self._hits(pose, goal)
            columns["root_error"][matched] = MILLIMETRES * torch.linalg.vector_norm(shift, dim=-1)[:, 0]
        return columns

    def _hits(self, pose: Tensor, goal: Tensor) -> Float64[Tensor, " people"]:
        return pck_hits(pose[:, self.scored], goal[:, self.scored], thresholds=(PCK_THRESHOLD,))[0][:, 0]

    def _detections(self, ours: People, true: People) -> dict[str, Tensor]:
        """What is said of the predicted people of one image; nothing where nobody is annotated."""
        roots, goals = as_float64(ours.joints)[:, self.root], as_float64(true.joints)[:, self.root]
        scores = torch.ones_like(roots[:, 0]) if ours.scores is None else as_float64(ours.scores)
        if len(goals) == 0 or len(roots) == 0:
            return dict.fromkeys(_DETECTION, scores[:0])
        correct = match_roots(roots, goals, scores)
        return {"score": scores, "correct": correct.double(), "detected": torch.ones_like(scores)}

    def compute(self) -> dict[str, float]:
        """`pck3d`, `pck3d_abs`, `mrpe`, `ap_root25` and `n` (images); 3DPCK and annotated people per sequence."""
        index, rows = self.samples()
        n = {"n": float(len(torch.unique(index)))}
        column = dict(zip(_PERSON + _DETECTION, rows.unbind(1), strict=True))
        people, matched = column["annotated"].sum(), column["matched"].sum()
        if people == 0:
            return n
        sequences = self._sequences(column)
        report = dict[str, float]()
        for key in ("pck3d", "pck3d_abs"):
            cells = [cell[key] for cell in sequences.values() if key in cell]
            report |= {key: sum(cells) / len(cells)} if cells else {}
        if matched > 0:
            report["mrpe"] = (column["root_error"].sum() / matched).item()
        detected = column["detected"] > 0
        curve = precision_recall(column["score"][detected], column["correct"][detected] > 0, int(people))
        report["ap_root25"] = 100 * step_precision(*curve).item()
        tables = {group_key("sequence", k, name): cell[name] for k, cell in sequences.items() for name in cell}
        return report | n | tables

    def _sequences(self, column: dict[str, Tensor]) -> dict[str, dict[str, float]]:
        """3DPCK, where any joint counts, and number of annotated people of each sequence."""
        cells = {}
        for number in torch.unique(column["sequence"][column["annotated"] > 0]).tolist():
            inside = (column["sequence"] == number) & (column["annotated"] > 0)
            joints, hits, hits_abs, n = (
                column[name][inside].sum().item() for name in ("joints", "hits", "hits_abs", "annotated")
            )
            scores = {"pck3d": 100 * hits / joints, "pck3d_abs": 100 * hits_abs / joints} if joints else {}
            cells[f"TS{int(number)}"] = {**scores, "n": n}
        return cells


def needed_joints(skeleton: Skeleton, scored: Sequence[str]) -> list[int]:
    """Positions of the scored joints and of all between them and the root, from which poses are rebuilt."""
    parents = skeleton.parent_indices
    needed = {skeleton.root_index, *(skeleton.index(joint) for joint in scored)}
    for _ in parents:
        needed |= {parents[joint] for joint in needed}
    return sorted(needed)
