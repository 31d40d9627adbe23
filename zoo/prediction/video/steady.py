"""A video's people, one frame after the other, half a second late: gaps filled, and smoothed if wanted."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from zoo.prediction.video.blending import Sample, make_sample
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.people import TrackedPerson, between
from zoo.prediction.video.smoothing import SmoothingSettings, smooth


@dataclass
class _History:
    """Samples of one track around the present frame, and the mean size of all that there ever were."""

    samples: deque[Sample] = field(default_factory=deque)
    count: int = 0
    size: float = 0.0

    def add(self, sample: Sample) -> None:
        self.samples.append(sample)
        self.count += 1
        self.size += (sample.size - self.size) / self.count


def steady_frames(
    frames: Iterable[VideoFrame], smoothing: SmoothingSettings | None, min_sightings: int = 3
) -> Iterator[VideoFrame]:
    """The same frames with the same people, smoothed.

    A person who is not found for less than the window is put where a straight movement had been. One who is found in
    fewer frames of the window than `min_sightings`, before and after, is left out, as detections of things come and go;
    where the window has no more frames, being found in all of them is enough.

    Args:
        frames: in order.
        smoothing: None leaves the people as they are.
        min_sightings: 1 keeps everybody.
    """
    settings = smoothing or SmoothingSettings()
    waiting: deque[VideoFrame] = deque()
    times: deque[float] = deque()  # of all frames of the window
    histories: dict[int, _History] = defaultdict(_History)

    def emit() -> VideoFrame:
        frame = waiting.popleft()
        while times[0] < frame.time - settings.window:
            times.popleft()
        people = _people_of(frame, histories, settings, min(min_sightings, len(times)))
        shown = (
            near[at].person if smoothing is None else smooth(near, at, size, smoothing) for near, at, size in people
        )
        return replace(frame, people=tuple(shown))

    for frame in frames:
        waiting.append(frame)
        times.append(frame.time)
        for person in frame.people:
            _fill_gap(histories[person.track], waiting, person)
            histories[person.track].add(make_sample(frame.time, person))
        while frame.time - waiting[0].time >= settings.window or len(waiting) > settings.max_frames:
            yield emit()
    while waiting:
        yield emit()


def _fill_gap(history: _History, waiting: deque[VideoFrame], person: TrackedPerson) -> None:
    """Samples for the frames that still wait, between the last sighting and this one."""
    if not history.samples:
        return
    last, now = history.samples[-1], waiting[-1].time
    for frame in list(waiting)[:-1]:
        if frame.time > last.time:
            fraction = (frame.time - last.time) / (now - last.time)
            history.add(make_sample(frame.time, between(last.person, person, fraction)))


def _people_of(
    frame: VideoFrame, histories: dict[int, _History], settings: SmoothingSettings, min_sightings: int
) -> Iterator[tuple[list[Sample], int, float]]:
    """Of everybody in a frame: the samples around it, which of them is the frame's, and the track's size."""
    for track, history in list(histories.items()):
        samples = history.samples
        while samples and samples[0].time < frame.time - settings.window:
            samples.popleft()
        if not samples:
            del histories[track]  # not seen for a whole window: it starts anew
            continue
        near = list(samples)
        at = next((number for number, one in enumerate(near) if one.time == frame.time), None)
        if at is not None and sum(not one.person.interpolated for one in near) >= min_sightings:
            first = max(0, at - settings.max_frames)
            yield near[first : at + settings.max_frames + 1], at - first, history.size
