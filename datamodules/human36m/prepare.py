"""What has to be made of Human3.6M's distribution: images out of its videos, boxes out of its masks."""

from __future__ import annotations

from pathlib import Path

from datamodules.files import require
from datamodules.human36m.boxes import store_boxes
from datamodules.human36m.metadata import read_metadata
from datamodules.human36m.names import DEFAULT_TRAIN_SUBJECTS, TESTS, Selection, image_name, spellings, video_name
from datamodules.human36m.raw import METADATA, read_positions
from datamodules.jobs import Job
from datamodules.readers.video import extract_frames

_HOW_TO_GET = "It comes with the code release of vision.imar.ro/human3.6m"
_STEPS = (5, 64)


def jobs(root: Path, every_frame: bool = False) -> list[Job]:
    """The work for the subjects whose videos are there, video by video.

    Frame i of a video, counted from 0, becomes the image that ends in i + 1 and belongs to pose i.

    Args:
        root: folder with `S1`, `S5`, ... and `metadata.xml`.
        every_frame: extract all frames, as the protocols `h36m-p1-17j` and `h36m-p2-17j` need, instead of every 5th and
            every 64th.

    Raises:
        FileNotFoundError: no `metadata.xml`.
        ValueError: it is damaged.
    """
    metadata = read_metadata(require(root, METADATA, _HOW_TO_GET))
    subjects = sorted({*DEFAULT_TRAIN_SUBJECTS, *(one for test in TESTS.values() for one in test.subjects)})
    there = tuple(subject for subject in subjects if (root / f"S{subject}/Videos").is_dir())
    work: list[Job] = []
    for subject, action, trial, camera in Selection(there).sequences():
        name = metadata.names[subject, action, trial]
        video = _first(root / f"S{subject}/Videos", name, f".{camera}.mp4")
        masks = _first(root / f"S{subject}/MySegmentsMat/ground_truth_bb", name, f".{camera}.mat")
        stored = root / f"boxes/{video_name(subject, name, camera)}.npy"
        steps = (1,) if every_frame else _STEPS
        work.append(Job(str(video), (), extract, (root, video, subject, name, camera, steps)))
        if masks.is_file():
            work.append(Job(str(masks), (stored,), store_boxes, (masks, stored)))
    return work


def extract(root: Path, video: Path, subject: int, name: str, camera: str, steps: tuple[int, ...]) -> int:
    """Write the frames of a video that have poses and are a multiple of one of `steps`; returns how many were missing.

    Raises:
        FileNotFoundError: the video or its poses are not there.
        ValueError: one of them is damaged.
    """
    folder = root / f"S{subject}/MyPoseFeatures"
    own = _first(folder / "D3_Positions_mono", name, f".{camera}.cdf")
    poses = own if own.is_file() else _first(folder / "D3_Positions", name, ".cdf")
    if not poses.is_file():
        raise FileNotFoundError(f"no {own}: unpack the poses as well, they tell which frames count")
    frames = [frame for frame in range(len(read_positions(poses))) if any(frame % step == 0 for step in steps)]
    return extract_frames(video, {frame: root / image_name(subject, name, camera, frame) for frame in frames})


def _first(folder: Path, name: str, ending: str) -> Path:
    """The file of a sequence under whichever spelling there is."""
    paths = [folder / f"{spelling}{ending}" for spelling in spellings(name)]
    return next((path for path in paths if path.is_file()), paths[0])
