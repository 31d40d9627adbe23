"""People that come one at a time are put together by image, and scored as `MuPoTS` scores images."""

from dataclasses import replace

import pytest
import torch
from task_samples import MATCHING, SCORED, annotated, feed_people, people_rows, person, stacked

from body.skeleton import H36M17, MPI_INF_3DHP17, Skeleton
from metrics import AnnotatedPeople, MuPoTS, People
from metrics.functional import rescale_bones

PROTOCOLS = ("relative-all", "relative-matched", "absolute-all", "absolute-matched", "root")


def by_image(count, missing=()):
    """The same people as whole images."""
    scores = annotated(count).scores
    for image in range((count + 1) // 2):
        here = [index for index in (2 * image, 2 * image + 1) if index < count]
        found = [index for index in here if index not in missing]
        true, pixels = (torch.stack(column) for column in list(zip(*map(person, here), strict=True))[1::2])
        if found:
            ours, _, guess, _ = stacked(person, found)
            yield People(ours, guess, scores[found]), People(true, pixels), 100 + image
        else:
            yield People(true[:0], pixels[:0]), People(true, pixels), 100 + image
    _, true, _, pixels = stacked(person, [1000])
    yield People(true[:0], pixels[:0]), People(true, pixels), 600


@pytest.mark.parametrize("matched", [False, True])
@pytest.mark.parametrize("missing", [(), (1, 4, 5)])
def test_rows_are_the_images_that_they_make(matched, missing):
    metric = people_rows("mupots-relative-matched" if matched else "mupots-relative-all")
    order = [index for index in (6, 1, 0, 7, 3, 2, 5, 4) if index not in missing]
    for start in range(0, len(order), 3):
        feed_people(metric, order[start : start + 3])
    feed_people(metric, order[:2])  # a padded last batch
    whole = MuPoTS(MPI_INF_3DHP17, SCORED, MATCHING, matched)
    for place, (ours, true, image) in enumerate(by_image(8, missing)):
        whole.update([ours], [true], torch.tensor([1 + image % 2]), torch.tensor([place]))
    assert metric.compute() == whole.compute() | {"n": 8 - len(missing)}


def unranked(metric):
    """The truth of a metric, whose scores are taken away."""
    metric.annotations = replace(metric.annotations, scores=None)
    return metric.annotations


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_truth_is_perfect_and_a_missed_image_costs_its_people(name):
    metric = people_rows(f"mupots-{name}")
    truth = unranked(metric)
    for found in (9, 8):
        metric.reset()
        metric.update(
            truth.joints[:found], truth.pixels[:found], MPI_INF_3DHP17, truth.image_id[:found], torch.arange(found)
        )
        report = metric.compute()
        assert report["n"] == found
        assert report["mrpe"] == pytest.approx(0, abs=1e-9)
        assert report["ap_root25"] == pytest.approx(100 * found / 9)
        sequence = 100 if found == 9 or "matched" in name else 80  # the last one is the fifth person of sequence 1
        expected = pytest.approx((100 + sequence) / 2, abs=1e-9)
        assert (report["pck3d"], report["pck3d_abs"]) == (expected, expected)


def test_one_wrong_joint_costs_what_hangs_from_it():
    metric = people_rows("mupots-relative-all")
    truth = unranked(metric)
    joints = truth.joints.clone()
    joints[0, 3, 2] += 0.5  # the right elbow; the wrist hangs from it
    metric.update(joints, truth.pixels, MPI_INF_3DHP17, truth.image_id, torch.arange(9))
    placed = rescale_bones(joints[:1], truth.joints[:1], MPI_INF_3DHP17.parent_indices)
    wrong = int(((placed - truth.joints[:1]).norm(dim=-1) >= 0.15).sum())
    assert 1 <= wrong <= 2
    report = metric.compute()
    assert report["sequence/TS1/pck3d"] == pytest.approx(100 * (1 - wrong / (14 * 5)))
    assert report["sequence/TS2/pck3d"] == pytest.approx(100)
    assert report["pck3d"] == pytest.approx((100 + report["sequence/TS1/pck3d"]) / 2)


def test_scores_rank_detections():
    """The better one of two detections of one person, by score, is the one that counts."""
    metric = people_rows("mupots-root", count=2)
    truth = metric.annotations
    joints, pixels = truth.joints[[0, 0]].clone(), truth.pixels[[0, 0]]
    joints[0, 14, 2] += 0.3  # too far
    areas = {}
    for scores in ((0.9, 0.1), (0.1, 0.9)):
        metric.reset()
        one = (truth.joints[:1], truth.pixels[:1], truth.image_id[:1], truth.sequence[:1])
        metric.annotations = AnnotatedPeople(*one, torch.tensor(scores))
        metric.update(joints, pixels, MPI_INF_3DHP17, truth.image_id[[0, 0]], torch.arange(2))
        areas[scores] = metric.compute()["ap_root25"]
    assert areas == {(0.9, 0.1): pytest.approx(50), (0.1, 0.9): pytest.approx(100)}


def test_other_skeletons_by_name():
    """Human3.6M's joints stand for the benchmark's; a root alone is enough for roots, and only for them."""
    metric = people_rows("mupots-relative-all")
    truth = unranked(metric)
    aliases = dict(metric.protocol.aliases)
    order = [MPI_INF_3DHP17.index({v: k for k, v in aliases.items()}.get(joint, joint)) for joint in H36M17.joints]
    feed = (truth.image_id, torch.arange(9))
    metric.update(truth.joints[:, order], truth.pixels[:, order], H36M17, *feed)
    assert metric.compute()["pck3d"] == pytest.approx(100)
    root = Skeleton("root", ("pelvis_mpi",), ("pelvis_mpi",), "pelvis_mpi")
    with pytest.raises(ValueError, match="predictions in 'root' lack head_top"):
        metric.update(truth.joints[:, [14]], truth.pixels[:, [14]], root, *feed)
    roots = people_rows("mupots-root")
    roots.annotations = truth
    roots.update(truth.joints[:, [14]], truth.pixels[:, [14]], root, *feed)
    report = roots.compute()
    assert report["ap_root25"] == pytest.approx(100)
    assert "mrpe" not in report, "who is who is decided by the limbs"


def test_without_annotations():
    metric = people_rows()
    metric.annotations = None
    feed_people(metric, [0])
    with pytest.raises(ValueError, match="set its attribute `annotations`"):
        metric.compute()
