"""Frames of SURREAL's videos as images, beside the videos."""

from __future__ import annotations

from pathlib import Path

from datamodules.jobs import Job
from datamodules.readers.video import extract_frames
from datamodules.surreal.clips import clip_length, read_info
from datamodules.surreal.datamodule import Clips, SurrealDataModule


def jobs(root: Path, train_every: int = 30, clips: Clips = "bodynet") -> list[Job]:
    """One piece of work per clip: write the frames that training and test use.

    Args:
        root: folder of the benchmark.
        train_every: see `SurrealDataModule`.
        clips: see `SurrealDataModule`.

    Raises:
        FileNotFoundError: no clips are there.
    """
    data = SurrealDataModule(str(root), train_every=train_every, clips=clips)
    splits = [split for split in ("train", "test") if split == "test" or (root / "data/cmu/train").is_dir()]
    return [
        Job(f"{name}.mp4", (), extract, (root, name, split, train_every, clips))
        for split in splits
        for name in data.clip_names(split)
    ]


def extract(root: Path, name: str, split: str, train_every: int, clips: Clips) -> None:
    """Write the frames of a clip that are not there yet."""
    data = SurrealDataModule(str(root), train_every=train_every, clips=clips)
    frames = data.frames_of(split, clip_length(read_info(root / f"{name}_info.mat")))
    extract_frames(root / f"{name}.mp4", {int(frame): root / f"{name}_{frame:03d}.jpg" for frame in frames})
