"""MuPoTS-3D's rules against a slow loop, and by hand."""

import numpy as np
import pytest
import torch
from task_samples import MATCHING, SCORED, crowd

from body.skeleton import MPI_INF_3DHP17
from metrics import MuPoTS, People
from metrics.functional import match_people, match_roots, rescale_bones

PARENTS = [2, 16, 2, 3, 4, 2, 6, 7, 15, 9, 10, 15, 12, 13, 15, 15, 2]  # from one, as the benchmark lists them
ORDER = [15, 16, 2, 1, 17, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
ROOT = 14


def scored(pairs, sequences=None, **options):
    metric = MuPoTS(MPI_INF_3DHP17, SCORED, MATCHING, **options)
    ours, true = zip(*pairs, strict=True)
    metric.update(ours, true, torch.tensor(sequences or [1] * len(pairs)), torch.arange(len(pairs)))
    return metric.compute()


def slow(pairs, sequences, matched_only):
    """The benchmark's procedure with loops over images, people and joints."""
    cells = {number: {"pck3d": [], "pck3d_abs": []} for number in sequences}
    for (ours, true), number in zip(pairs, sequences, strict=True):
        taken = set()
        for person in range(len(true.joints)):
            votes = {}
            for guess in range(len(ours.joints)):
                near = [(abs(ours.pixels[guess, j] - true.pixels[person, j]) < 40).all().item() for j in range(1, 14)]
                votes[guess] = 0 if guess in taken else sum(near)
            best = max(votes, key=votes.get)
            if votes[best] == 0:
                for values in cells[number].values() if not matched_only else ():
                    values += [0] * 14
                continue
            taken.add(best)
            goal, pose = true.joints[person].numpy(), ours.joints[best].numpy()
            bones = pose.copy()
            for joint in ORDER[1:]:
                parent = PARENTS[joint - 1]
                bone = pose[joint - 1] - pose[parent - 1]
                length = np.linalg.norm(goal[joint - 1] - goal[parent - 1])
                bones[joint - 1] = bones[parent - 1] + bone * length / np.linalg.norm(bone)
            apart = np.linalg.norm(bones - goal, axis=1)[:14]
            relative = np.linalg.norm((bones - bones[ROOT]) - (goal - goal[ROOT]), axis=1)[:14]
            cells[number]["pck3d"] += list(relative < 0.15)
            cells[number]["pck3d_abs"] += list(apart < 0.15)
    return {name: np.mean([100 * np.mean(cell[name]) for cell in cells.values()]) for name in ("pck3d", "pck3d_abs")}


@pytest.mark.parametrize("matched_only", [False, True])
def test_3dpck_against_loops(matched_only):
    pairs, sequences = [crowd(index) for index in range(30)], [1 + index % 3 for index in range(30)]
    report = scored(pairs, sequences, matched_only=matched_only)
    expected = slow(pairs, sequences, matched_only)
    assert {name: report[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    per_sequence = [report[f"sequence/TS{number}/pck3d"] for number in (1, 2, 3)]
    assert report["pck3d"] == pytest.approx(np.mean(per_sequence), abs=1e-9)
    assert sum(report[f"sequence/TS{number}/n"] for number in (1, 2, 3)) == sum(len(true.joints) for _, true in pairs)
    assert report["n"] == 30


def test_roots_against_loops():
    pairs = [crowd(index) for index in range(30)]
    report = scored(pairs)
    flags, errors = [], []
    for ours, true in pairs:
        match = match_people(ours.pixels[:, 1:14], true.pixels[:, 1:14])
        for person, guess in enumerate(match.tolist()):
            if guess >= 0:
                errors.append(np.linalg.norm(ours.joints[guess, ROOT] - true.joints[person, ROOT]))
        taken = set()
        for guess in np.argsort(-ours.scores.numpy()):
            apart = np.linalg.norm(true.joints[:, ROOT].numpy() - ours.joints[guess, ROOT].numpy(), axis=1)
            found = apart.min() < 0.25 and int(apart.argmin()) not in taken
            taken |= {int(apart.argmin())} if found else set()
            flags.append((float(ours.scores[guess]), found))
    assert report["mrpe"] == pytest.approx(1000 * np.mean(errors), abs=1e-6)
    truths, hits, area = sum(len(true.joints) for _, true in pairs), 0, 0.0
    for rank, (_, found) in enumerate(sorted(flags, reverse=True), start=1):
        hits += found
        area += found * hits / rank / truths
    assert report["ap_root25"] == pytest.approx(100 * area, abs=1e-9)


def test_truth_scores_everything_and_size_does_not_matter():
    _, true = crowd(2)
    perfect = {"pck3d": 100, "pck3d_abs": 100, "mrpe": 0, "ap_root25": 100}
    report = scored([(true, true)])
    assert {name: report[name] for name in perfect} == pytest.approx(perfect, abs=1e-9)
    root = true.joints[:, ROOT, None]
    grown = People(root + 1.7 * (true.joints - root), true.pixels)
    assert scored([(grown, true)])["pck3d_abs"] == pytest.approx(100)
    mirrored = People(root + (true.joints - root) * torch.tensor([-1.0, 1, 1]), true.pixels)
    assert scored([(mirrored, true)])["pck3d"] < 80


def test_missed_and_invented_people():
    ours, true = crowd(2)
    nobody = People(ours.joints[:0], ours.pixels[:0], ours.scores[:0])
    no_truth = People(true.joints[:0], true.pixels[:0])
    report = scored([(true, true), (nobody, true)])
    assert report["pck3d"] == pytest.approx(50)
    assert scored([(true, true), (nobody, true)], matched_only=True)["pck3d"] == pytest.approx(100)
    assert report["ap_root25"] == pytest.approx(50)
    # People found in an image where nobody is annotated are not held against the method.
    assert scored([(true, true), (ours, no_truth)])["ap_root25"] == pytest.approx(100)
    assert scored([(ours, no_truth)]) == {"n": 1}
    report = scored([(nobody, true)], matched_only=True)
    assert set(report) == {"ap_root25", "n", "sequence/TS1/n"}


def test_matching_is_greedy_strict_and_once():
    target = torch.tensor([[[0.0, 0], [100, 0]], [[10.0, 0], [300, 0]]])
    both = torch.tensor([[[10.0, 0], [300, 0]], [[0.0, 0.5], [500, 0]]])
    # The first annotation takes the first of two equal votes, though the second annotation fits it better.
    assert match_people(both, target).tolist() == [0, 1]
    assert match_people(torch.tensor([[[40.0, 5], [900, 0]]]), target[:1]).tolist() == [-1]
    assert match_people(torch.tensor([[[39.9, 39.9], [900, 0]]]), target[:1]).tolist() == [0]
    assert match_people(both[:0], target).tolist() == [-1, -1]
    assert match_people(both, target[:0]).tolist() == []
    # (0, 0) is how a method says that it did not find the joint; NaN is nowhere.
    assert match_people(torch.tensor([[[0.0, 0], [torch.nan, 0]]]), target[:1]).tolist() == [-1]


def test_roots_look_at_their_nearest_annotation_only():
    target = torch.tensor([[0.0, 0, 4], [0.3, 0, 4]])
    prediction = torch.tensor([[0.05, 0, 4], [0.1, 0, 4], [0.3, 0.25, 4], [torch.nan, 0, 4]])
    scores = torch.tensor([0.2, 0.9, 0.5, 1.0])
    # The second takes the first annotation; the first finds it taken; exactly 250 mm is too far.
    assert match_roots(prediction, target, scores).tolist() == [False, True, False, False]


def test_bones():
    true, ours = crowd(5)[1].joints, crowd(8)[1].joints
    parents = [parent - 1 for parent in PARENTS]
    resized = rescale_bones(ours, true, parents)
    for joint, parent in enumerate(parents):
        if joint != parent:
            lengths = [(side[:, joint] - side[:, parent]).norm(dim=-1) for side in (resized, true)]
            np.testing.assert_allclose(*lengths, atol=1e-12)
            cosine = torch.cosine_similarity(
                resized[:, joint] - resized[:, parent], ours[:, joint] - ours[:, parent], dim=-1
            )
            np.testing.assert_allclose(cosine, 1, atol=1e-12)
    assert torch.equal(resized[:, ROOT], ours[:, ROOT])
    flat = ours.clone()
    flat[:, 3] = flat[:, 2]  # the right elbow on the shoulder: no direction for it, nor for the wrist
    assert rescale_bones(flat, true, parents).isnan().any(-1).sum(1).tolist() == [2] * len(true)
    assert tuple(parents) == MPI_INF_3DHP17.parent_indices
