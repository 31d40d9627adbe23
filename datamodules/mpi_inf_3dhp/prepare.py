"""Images out of the training videos."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from datamodules.jobs import Job
from datamodules.mpi_inf_3dhp.datamodule import MpiInf3dhpDataModule
from datamodules.mpi_inf_3dhp.train import SUBJECTS, VNECT_CAMERAS, Frames, read_train
from datamodules.readers.video import extract_frames

_FRAME = re.compile(r"(S\d/Seq\d)/imageFrames/(video_\d+)/frame_(\d+)\.jpg")


def jobs(
    root: Path,
    subjects: tuple[int, ...] = SUBJECTS,
    cameras: tuple[int, ...] = VNECT_CAMERAS,
    every: int = 10,
    drop_outside: bool = True,
) -> list[Job]:
    """The work, video by video: extract the frames that `MpiInf3dhpDataModule` with the same settings trains on.

    Frames that are there already are kept, so other settings only add what they need. By default that is about a tenth
    of the frames, some 100,000 images.

    Args:
        root: folder with `S1` to `S8`.
        subjects: of these, whose folders are there; see `MpiInf3dhpDataModule`, as for the arguments after it.
        cameras: see there.
        every: see there.
        drop_outside: see there.

    Raises:
        FileNotFoundError: no subject is there, or annotations of one are missing.
        ValueError: a file is damaged.
    """
    there = tuple(subject for subject in subjects if (root / f"S{subject}").is_dir()) or subjects
    table = read_train(root, Frames(there, cameras, every, drop_outside), "annot3", MpiInf3dhpDataModule.how_to_get)
    wanted: dict[str, dict[int, Path]] = defaultdict(dict)
    for row in range(len(table)):
        name = table.images[row]
        folder, video, number = _FRAME.fullmatch(name).groups()  # type: ignore[union-attr]  # written by `frame_file`
        wanted[f"{folder}/imageSequence/{video}.avi"][int(number) - 1] = root / name
    return [Job(video, tuple(files.values()), extract_frames, (root / video, files)) for video, files in wanted.items()]
