"""What subjects, actions, cameras and frames of Human3.6M are called, and which of them a protocol takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

ACTIONS = {
    2: "Directions", 3: "Discussion", 4: "Eating", 5: "Greeting", 6: "Phoning", 7: "Posing", 8: "Purchases",
    9: "Sitting", 10: "SittingDown", 11: "Smoking", 12: "Photo", 13: "Waiting", 14: "Walking", 15: "WalkDog",
    16: "WalkTogether",
}  # fmt: skip
"""The 15 actions by their official number; number 1 is the calibration recording `_ALL`."""
TRIALS = (1, 2)
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
"""In the order that other releases number 1 to 4."""
FRONTAL = CAMERAS[3]
_RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}  # subject 1's names of two actions
_DEFECTIVE = {(11, "Directions", 2, "54138969")}  # no frames behind the poses
_SHIFTED = {(9, "Greeting", 2), (9, "SittingDown", 2), (9, "Waiting", 1)}  # poses off by up to half a metre


@dataclass(frozen=True)
class Selection:
    """Which part of the benchmark to read.

    Attributes:
        subjects: their numbers.
        step: every so many frames, from the first.
        cameras: of `CAMERAS`.
        fitted: only frames that have an SMPL fit.
        drop_shifted: leave out three sequences of subject 9 whose poses are shifted in part; papers keep them.
    """

    subjects: tuple[int, ...]
    step: int = 1
    cameras: tuple[str, ...] = CAMERAS
    fitted: bool = False
    drop_shifted: bool = False

    def takes(self, subject: int, action: str, trial: int, camera: str) -> bool:
        """Whether a sequence belongs to it; the one whose video is defective never does."""
        shifted = self.drop_shifted and (subject, action, trial) in _SHIFTED
        wanted = subject in self.subjects and camera in self.cameras
        return wanted and not shifted and (subject, action, trial, camera) not in _DEFECTIVE

    def sequences(self) -> list[tuple[int, int, int, str]]:
        """(subject, action number, trial, camera) of every sequence that belongs to it."""
        every = ((s, a, t, c) for s in self.subjects for a in ACTIONS for t in TRIALS for c in self.cameras)
        return [one for one in every if self.takes(one[0], ACTIONS[one[1]], one[2], one[3])]


_TEST = Selection((9, 11))
TESTS = {
    "h36m-p1-17j": _TEST,
    "h36m-p2-17j": _TEST,
    "h36m-s11-17j-rigid": Selection((11,), 64),
    "h36m-p2-17j-64": replace(_TEST, step=64),
    "h36m-p1-14j-mesh": replace(_TEST, step=5),
    "h36m-p2-14j-mesh": replace(_TEST, step=5, cameras=(FRONTAL,)),
    "h36m-p2-14j-lixel": replace(_TEST, step=64, cameras=(FRONTAL,)),
    "h36m-p2-root": replace(_TEST, step=64),
    "h36m-s8-24j": Selection((8,), fitted=True),
}
"""What each protocol is tested on."""
TRAIN_SUBJECTS = {"h36m-s11-17j-rigid": (1, 5, 6, 7, 8, 9), "h36m-s8-24j": (1, 5, 6, 7)}
DEFAULT_TRAIN_SUBJECTS = (1, 5, 6, 7, 8)


def action_of(name: str) -> str:
    """Action of a sequence, `Photo 1` or `TakingPhoto 1` -> `Photo`."""
    word = name.split()[0]
    return _RENAMED.get(word, word)


def spellings(name: str) -> list[str]:
    """A sequence's name with either spelling of its action, the common one first."""
    word, *trial = name.split()
    common = action_of(name)
    words = [common, *(old for old, new in _RENAMED.items() if new == common)]
    return [" ".join([one, *trial]) for one in words] if word in words else [name]


def image_name(subject: int, name: str, camera: str, frame: int) -> str:
    """Image of a frame, counted from 0, where SPIN's extraction puts it; file names count from 1."""
    return f"images/{video_name(subject, name, camera)}_{frame + 1:06d}.jpg"


def video_name(subject: int, name: str, camera: str) -> str:
    """`S9_Directions_1.60457274`: subject, sequence and camera as one word."""
    return f"S{subject}_{spellings(name)[0].replace(' ', '_')}.{camera}"


_IMAGE = re.compile(r"S(\d+)_([A-Za-z]+(?:_\d)?)\.(\d{8})_(\d{6})\.\w+$")


def parse_image_name(name: str) -> tuple[int, str, str, int]:
    """Subject, sequence, camera and frame (counted from 0) that an image of SPIN's naming shows.

    Raises:
        ValueError: it is named otherwise.
    """
    found = _IMAGE.search(name)
    if not found:
        raise ValueError(f"{name} is not named like S9_Directions_1.60457274_000001.jpg")
    subject, sequence, camera, frame = found.groups()
    return int(subject), sequence.replace("_", " "), camera, int(frame) - 1
