"""What means nothing is refused: other shapes, other masks, NaN and infinity; the message says which."""

import json
import re

import pytest
import torch
from jaxtyping import config
from sample_metric_cases import CASES, joints
from task_samples import MATCHING, SCORED, coco_guess, coco_truth, crowd, hand, labels, people_rows, person, surface

from body.skeleton import MPI_INF_3DHP17
from metrics import (
    PCK,
    BoxError,
    DensePosePoints,
    FreiHand,
    KeypointAP,
    MuPoTS,
    PartSegmentation,
    PCKh,
    People,
    SurfaceMaps,
    WithinBox,
)
from metrics import functional as F

GUESS, TRUTH = joints(0, 8), joints(1, 8)
FUNCTIONS = (
    F.mpjpe,
    F.pa_mpjpe,
    F.pve,
    F.pck3d,
    F.auc,
    F.align,
    F.procrustes_errors,
    F.point_errors,
    F.quaternion_error,
)


@pytest.fixture(autouse=True)
def _as_users_run_it():
    """Without the tests' own type checker, which would come first."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def refused(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


SHAPES = {
    "labels of one sample": (GUESS, TRUTH[:1]),
    "labels without a batch": (GUESS, TRUTH[0]),
    "the root against all joints": (GUESS[:, :1], TRUTH),
    "coordinates before joints": (GUESS.mT, TRUTH.mT),
    "other joints": (GUESS[:, :-1], TRUTH),
    "no batch": (GUESS[0], TRUTH[0]),
    "2D against 3D": (GUESS[..., :2], TRUTH),
    "a batch too many": (GUESS[None], TRUTH[None]),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes_that_do_not_fit_are_named(case):
    guess, truth = SHAPES[case]
    shapes = f"{re.escape(str(tuple(guess.shape)))}.*{re.escape(str(tuple(truth.shape)))}"
    for make, _ in CASES.values():
        refused(lambda made=make: made().update(guess, truth), shapes)
    for function in FUNCTIONS:
        refused(lambda called=function: called(guess, truth), shapes)
    refused(lambda: F.pckh(guess, truth, None, 0, 1), shapes)
    for metric in (PCK((0, 1), (2, 3)), PCKh(0, 1), WithinBox(), BoxError()):
        refused(lambda made=metric: made.update(guess, truth), f"{shapes}.*2")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(8, 14), "boolean, not torch.float32: give `mask > 0`"),
        (torch.ones(8, 14, dtype=torch.uint8), "boolean, not torch.uint8"),
        (torch.ones(8, dtype=torch.bool), r"\(8,\) must have the shape \(8, 14\)"),
        (torch.ones(8, 1, dtype=torch.bool), r"\(8, 1\) must have the shape \(8, 14\)"),
        (torch.ones(8, 14, 3, dtype=torch.bool), r"\(8, 14, 3\) must have the shape"),
    ],
)
def test_masks_are_boolean_and_of_the_points(mask, message):
    for make, _ in CASES.values():
        refused(lambda made=make: made().update(GUESS, TRUTH, mask), message)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", CASES)
def test_numbers_that_are_none_are_refused_where_they_count(name, value):
    make, _ = CASES[name]
    for side in (0, 1):
        sides = [GUESS.clone(), TRUTH.clone()]
        sides[side][5, 2, 1] = value
        word = ("prediction", "target")[side]
        refused(lambda: make().update(*sides), f"{word}: NaN or infinity in 1 of 8 samples, first in sample 5")  # noqa: B023
        valid = torch.ones(8, 14, dtype=torch.bool)
        valid[5, 2] = False
        hidden, clean = make(), make()
        hidden.update(*sides, valid)
        clean.update(GUESS, TRUTH, valid)
        assert hidden.compute() == clean.compute()


def test_a_refused_batch_leaves_no_trace():
    for make, _ in CASES.values():
        metric, clean = make(), make()
        metric.update(GUESS, TRUTH)
        clean.update(GUESS, TRUTH)
        refused(lambda made=metric: made.update(GUESS * torch.nan, TRUTH), "NaN")
        assert metric.compute() == clean.compute()


def test_hands():
    points, true, mesh, true_mesh = (part[None].expand(2, -1, -1).clone() for part in hand(0))
    index = torch.arange(2)
    metric = FreiHand()
    refused(lambda: metric.update(points, true[:1], index), r"\(2, 21, 3\).*\(1, 21, 3\)")
    refused(lambda: metric.update(points[0], true[0], index), r"\(21, 3\).*\(21, 3\)")
    refused(lambda: metric.update(points, true, index, mesh[:, :5], true_mesh), r"\(2, 5, 3\).*\(2, 60, 3\)")
    refused(lambda: metric.update(points, true, index[:1]), r"index \(1,\) must be an integer for each of 2")
    refused(lambda: metric.update(points, true, index.float()), "must be an integer")
    mesh[1, 3] = torch.nan
    refused(lambda: metric.update(points, true, torch.tensor([7, 8]), mesh, true_mesh), "vertices: NaN.*sample 8")
    refused(lambda: F.f_score(mesh, true_mesh[:1]), r"\(2, 60, 3\) and \(1, 60, 3\)")


def test_people():
    ours, true = crowd(1)
    index, metric = torch.tensor([4]), MuPoTS(MPI_INF_3DHP17, SCORED, MATCHING)

    def fed(guess, truth):
        return lambda: metric.update([guess], [truth], torch.tensor([1]), index)

    broken = ours.joints.clone()
    broken[0, 3] = torch.nan
    refused(fed(People(broken, ours.pixels), true), "image 4: prediction joints: NaN")
    refused(fed(ours, People(true.joints, true.pixels * torch.nan)), "image 4: target pixels: NaN")
    refused(
        fed(People(ours.joints[:, :5], ours.pixels), true), r"joints \(\d, 5, 3\) must have the shape \(\d, 17, 3\)"
    )
    refused(fed(People(ours.joints, ours.pixels[..., :1]), true), r"pixels \(\d, 17, 1\) must have")
    refused(fed(People(ours.joints, ours.pixels, torch.ones(9)), true), r"scores \(9,\)")
    alone, _, pixels, _ = (part[None] for part in person(0))
    rows, image = people_rows(), torch.tensor([100])
    refused(lambda: rows.update(alone * torch.inf, pixels, MPI_INF_3DHP17, image, index), "joints: NaN.*sample 4")
    refused(lambda: rows.update(alone, pixels * torch.nan, MPI_INF_3DHP17, image, index), "pixels: NaN.*sample 4")


def test_keypoints(tmp_path):
    points, score, image = (value[None] for value in coco_guess(0))
    metric, index = KeypointAP(coco_truth(1)), torch.tensor([3])
    refused(lambda: metric.update(points[:, :5], score, image, index), r"keypoints \(1, 5, 2\).*\(1, 17, 2\)")
    refused(lambda: metric.update(points, score[:, None], image, index), r"scores \(1, 1\)")
    refused(lambda: metric.update(points * torch.nan, score, image, index), "keypoints: NaN.*sample 3")
    refused(lambda: metric.update(points, score * torch.inf, image, index), "scores: NaN")
    metric.update(points, score, image, index)
    metric.annotations = tmp_path / "broken.json"
    metric.annotations.write_text(json.dumps(coco_truth(1) | {"area": float("nan")}))
    refused(metric.compute, r"broken\.json holds NaN")


def test_labels():
    guess, target, drawn, _ = (part[None] for part in labels(0))
    metric, index = PartSegmentation(7), torch.tensor([0])
    refused(lambda: metric.update(guess[0], target[0], index), r"\(9, 11\) must be \(batch, height, width\)")
    refused(lambda: metric.update(guess[:, :5], target, index), r"\(1, 5, 11\).*\(1, 9, 11\)")
    refused(lambda: metric.update(guess.float(), target, index), "must be integers.*argmax")
    refused(lambda: metric.update(guess, target, index, drawn.float()), "foreground must be boolean")


def test_surface_distances():
    errors, valid, parts, _ = (part[None] for part in surface(0))
    valid[:], index = True, torch.tensor([0])
    for value in (torch.nan, -1.0):
        errors[0, 3] = value
        refused(lambda: DensePosePoints().update(errors, valid, index, parts=parts), "geodesic distances")
        cells = errors.reshape(1, 5, 6), parts.reshape(1, 5, 6), parts.reshape(1, 5, 6)
        refused(lambda: SurfaceMaps().update(*cells, index), "geodesic distances")  # noqa: B023
    errors[0, 3] = torch.inf  # a miss
    DensePosePoints().update(errors, valid, index, parts=parts)
    refused(lambda: DensePosePoints().update(errors, valid[:, :5], index), r"valid \(1, 5\).*\(1, 30\)")
    refused(lambda: DensePosePoints().update(errors, valid, index, torch.ones(1, 1)), r"scores \(1, 1\)")
    refused(lambda: SurfaceMaps().update(errors.reshape(1, 5, 6), *cells[1:2], cells[2][:, :2], index), r"\(1, 2, 6\)")
