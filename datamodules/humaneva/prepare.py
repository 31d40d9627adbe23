"""What has to be made of HumanEva-I's distribution: images out of its videos, without lens distortion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from datamodules.files import require
from datamodules.humaneva.recordings import CAMERAS, PARTS, image_name, read_camera, video_offset
from datamodules.jobs import Job
from datamodules.readers.video import extract_frames

_HOW_TO_GET = "Register at humaneva.is.tue.mpg.de and unpack S1 to S3"


def jobs(root: Path) -> list[Job]:
    """The work, video by video, for the recordings that are there.

    Raises:
        FileNotFoundError: none is.
    """
    require(root, ["S1", "S2", "S3"], _HOW_TO_GET)
    work = []
    for action, subject in PARTS:
        for camera in CAMERAS:
            video = root / f"{subject}/Image_Data/{action}_1_({camera}).avi"
            if video.parent.parent.is_dir():
                work.append(Job(str(video), (), extract, (root, video, subject, action, camera)))
    return work


def extract(root: Path, video: Path, subject: str, action: str, camera: str) -> int:
    """Write the frames of the training and validation parts; returns how many were missing.

    Raises:
        FileNotFoundError: the video, its calibration or its synchronisation is not there.
        ValueError: one of them is damaged.
    """
    lens = read_camera(require(root, [f"{subject}/Calibration_Data/{camera}.cal"], _HOW_TO_GET))
    offset = video_offset(require(root, [f"{subject}/Sync_Data/{action}_1_({camera}).ofs"], _HOW_TO_GET), camera)
    frames = [frame + offset for part in PARTS[action, subject] for frame in range(*part)]
    fx, fy, cx, cy = lens.intrinsics
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])

    def undistort(image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
        return cv2.undistort(image, matrix, lens.distortion)

    files = {frame: root / image_name(subject, action, camera, frame) for frame in frames}
    return extract_frames(video, files, undistort)
