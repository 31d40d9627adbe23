"""Who is who, and smoothing in time, on people who walk past each other and are known exactly."""

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch
from scipy.spatial.transform import Rotation
from walkers import FRAMES, RATE, box_of, detections, walk

from zoo.prediction.export import SourceImage
from zoo.prediction.video.blending import make_sample
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.people import TrackedPerson, between
from zoo.prediction.video.smoothing import SmoothingSettings, line_weights, smooth
from zoo.prediction.video.steady import steady_frames
from zoo.prediction.video.tracks import Observation, Tracker

CANVAS = SourceImage(np.zeros((48, 64, 3), np.uint8), np.eye(3, dtype=np.float32), "clip")


def observe(prediction):
    return Observation(box_of(prediction), prediction.joints_2d[0].double().numpy())


def follow(frames, patience=1.5):
    """Tracks of every frame's people, and the number of times that somebody's number changes."""
    tracker, last, switches, numbers = Tracker(patience), {}, 0, []
    for index, people in enumerate(frames):
        found = tracker.update(index / RATE, [observe(prediction) for _, prediction in people])
        numbers.append(found)
        for (person, _), number in zip(people, found, strict=True):
            switches += last.setdefault(person, number) != number
            last[person] = number
    return numbers, switches


@pytest.mark.parametrize("seed", range(4))
def test_identities_through_a_crossing(seed):
    """One is hidden behind the other for a third of a second; without patience nobody keeps a number there."""
    frames = detections(seed)
    numbers, switches = follow(frames)
    assert switches == 0
    assert {number for found in numbers for number in found} == {0, 1}
    assert follow(frames, patience=1.5 / RATE)[1] > 0


def test_two_people_taken_for_one_do_not_throw_a_track_off():
    """For some frames a walker's box reaches back to another person; then nobody is found, then the walker is."""
    shape = np.random.default_rng(0).uniform(size=(17, 2))

    def walker(frame: int, back: float = 0.0) -> Observation:
        box = (100.0 + 10 * frame - back, 50.0, 130.0 + back, 290.0)
        return Observation(box, np.array(box[:2]) + shape * box[2:])

    tracker = Tracker()
    for frame in range(20):
        assert tracker.update(frame / 25, [walker(frame)]) == [0]
    for frame, back in ((20, 60.0), (21, 120.0), (22, 180.0), (23, 250.0)):
        assert tracker.update(frame / 25, [walker(frame, back)]) == [0]
    assert tracker.update(30 / 25, [walker(30)]) == [0]


def test_a_newcomer_gets_a_number_and_the_lost_are_forgotten():
    prediction = walk(0)[45]
    x, y, width, height = box_of(prediction)
    joints = prediction.joints_2d[0].double().numpy()
    far = Observation((x + 300, y, width, height), joints + np.array([300, 0]))
    tracker = Tracker(patience=1.0)
    assert tracker.update(0.0, [observe(prediction)]) == [0]
    assert tracker.update(0.1, [far, observe(prediction)]) == [1, 0]
    assert tracker.update(0.2, []) == []
    assert tracker.update(0.9, [observe(prediction)]) == [0]
    assert tracker.update(2.5, [observe(prediction)]) == [2]


def tracked(frames):
    """Frames of a video as the tracker leaves them; tracks are the true people."""
    return [
        VideoFrame(
            index,
            index,
            index / RATE,
            CANVAS,
            1.0,
            tuple(TrackedPerson(person, prediction, box_of(prediction), 0.9) for person, prediction in people),
        )
        for index, people in enumerate(frames)
    ]


def errors(frames):
    """Millimetres off the truth, jitter (mean acceleration, m/s^2), and spread of the depth, as means over people."""
    rows = []
    for person in (0, 1):
        shown = {frame.index: one for frame in frames for one in frame.people if one.track == person}
        indices = [index for index in shown if index - 1 in shown and index - 2 in shown]
        joints = {index: one.prediction.joints[0].numpy() for index, one in shown.items()}
        relative = {index: value - value[:1] for index, value in joints.items()}
        truth = walk(person).joints.numpy()
        off = [np.linalg.norm(relative[k] - (truth[k] - truth[k, :1]), axis=-1).mean() * 1000 for k in shown]
        jitter = [np.linalg.norm(joints[k] - 2 * joints[k - 1] + joints[k - 2], axis=-1).mean() for k in indices]
        depth = np.std([joints[k][0, 2] for k in shown])
        rows.append((np.mean(off), np.mean(jitter) * RATE**2, depth * 1000))
    return np.mean(rows, 0)


@pytest.fixture(scope="module")
def raw():
    return tracked(detections())


@pytest.fixture(scope="module")
def smoothed(raw):
    return list(steady_frames(raw, SmoothingSettings()))


def test_smoothing_is_steadier_and_nearer_to_the_truth(raw, smoothed):
    """Noise, jitter and the spread of the depth are smaller than before; exact motion stays as it is."""
    plain = list(steady_frames(raw, None))
    assert [frame.index for frame in smoothed] == list(range(FRAMES))
    before, after = errors(plain), errors(smoothed)
    assert after[0] < 0.6 * before[0]
    assert after[1] < 0.06 * before[1]
    assert after[2] < 0.5 * before[2]
    exact = tracked([[(person, walk(person)[k]) for person in (0, 1)] for k in range(30)])
    off, jitter, depth = errors(list(steady_frames(exact, SmoothingSettings())))
    assert off < 4
    assert jitter < errors(exact)[1] * 1.05
    assert depth < 1


def test_rotations_are_smoothed_as_rotations(raw, smoothed):
    """The mean of turns by 350 and 10 degrees is none, not a half turn; noise of 8 degrees falls by 40 %."""
    angles = {False: [], True: []}
    for frames, flag in ((raw, False), (smoothed, True)):
        for frame in frames:
            for one in frame.people:
                truth = Rotation.from_rotvec(walk(one.track).smpl.pose[frame.index].numpy())
                off = Rotation.from_rotvec(one.prediction.smpl.pose[0].numpy()) * truth.inv()
                angles[flag].append(off.magnitude().mean())
    assert np.mean(angles[True]) < 0.6 * np.mean(angles[False])
    turns = []
    for index, degrees in enumerate((350, 0, 10)):
        prediction = walk(0)[index]
        pose = prediction.smpl.pose.clone()
        pose[0, 3] = torch.tensor([0, np.radians(degrees), 0])
        turns.append(replace(prediction, smpl=replace(prediction.smpl, pose=pose)))
    samples = [make_sample(k / RATE, TrackedPerson(0, one, (0.0, 0.0, 1.0, 1.0), 1.0)) for k, one in enumerate(turns)]
    middle = smooth(samples, 1, samples[1].size, SmoothingSettings())
    assert roma.rotvec_geodesic_distance(middle.prediction.smpl.pose[0, 3], torch.zeros(3)) < np.radians(2)


def test_weights_are_those_of_a_fitted_line():
    """Against numpy's weighted fit, at irregular times, at an end of the samples, and for one sample."""
    rng = np.random.default_rng(0)
    for times in (np.sort(rng.uniform(-0.4, 0.4, 9)), np.arange(6) / 30, np.zeros(1)):
        values = rng.normal(size=len(times))
        weights = line_weights(times, 0.1)
        assert weights.sum() == pytest.approx(1)
        if len(times) > 1:
            line = np.polyfit(times, values, 1, w=np.exp(-0.25 * (times / 0.1) ** 2))
            assert weights @ values == pytest.approx(line[1])
    assert line_weights(np.array([0.0, 5.0]), 0.05) == pytest.approx([1, 0])


def test_short_gaps_are_filled_and_passing_detections_left_out():
    """Frames 10 to 15 lack the person: they get one on the way; a thing seen for two frames is gone."""
    ghost = walk(1)[0]
    frames = [[(0, walk(0)[k])] if not 10 <= k <= 15 else [] for k in range(40)]
    frames[20].append((7, ghost))
    frames[21].append((7, ghost))
    shown = list(steady_frames(tracked(frames), None))
    assert [len(frame.people) for frame in shown] == [1] * 40
    for index in range(10, 16):
        (one,) = shown[index].people
        assert one.interpolated
        assert one.prediction.joints[0, 0, 0] == pytest.approx(float(walk(0).joints[index, 0, 0]), abs=1e-3)
    assert not shown[9].people[0].interpolated
    half = between(shown[9].people[0], shown[16].people[0], 0.5)
    ends = [shown[k].people[0].prediction.smpl.pose[0] for k in (9, 16)]
    slerp = roma.rotmat_slerp(*(roma.rotvec_to_rotmat(end) for end in ends), torch.tensor([0.5]))[0]
    torch.testing.assert_close(roma.rotvec_to_rotmat(half.prediction.smpl.pose[0]), slerp, atol=1e-5, rtol=1e-5)


def test_few_frames_keep_everybody():
    """One frame, and one frame a second, where a window holds a single one."""
    single = tracked([[(0, walk(0)[0])]])
    assert [len(frame.people) for frame in steady_frames(single, SmoothingSettings())] == [1]
    slow = [replace(frame, time=float(frame.index)) for frame in tracked([[(0, walk(0)[k])] for k in range(5)])]
    shown = list(steady_frames(slow, SmoothingSettings()))
    for before, after in zip(slow, shown, strict=True):
        joints = [frame.people[0].prediction.joints for frame in (before, after)]
        torch.testing.assert_close(*joints, atol=2e-3, rtol=1e-3)
