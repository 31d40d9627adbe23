"""HumanEva-I as a datamodule."""

from __future__ import annotations

import numpy as np

from body.skeleton import HUMANEVA15
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import FileDataModule
from datamodules.humaneva.recordings import CAMERAS, PARTS, image_name, read_camera, read_joints, video_offset
from datamodules.readers.boxes import boxes_of_points
from datamodules.readers.world import to_camera, to_pixels
from datamodules.settings import DEFAULT_CROPS, CropSettings

_ACTIONS = {"humaneva-walk-jog": ("Walking", "Jog"), "humaneva-walk-box": ("Walking", "Box")}
_SUBJECTS = ("S1", "S2", "S3")


class HumanEvaDataModule(FileDataModule):
    """HumanEva-I (Sigal et al. 2010): three subjects in front of three colour cameras, 60 Hz.

    Test and `val` are the validation part of trial 1 of the protocol's two actions, `train` their training part; frames
    in which motion capture failed are left out. HumanEva defines no boxes, so they are those of the projected joints.

    Layout (version 1.1, unpacked):
        `S1/Calibration_Data/C1.cal`, `S1/Sync_Data/Walking_1_(C1).ofs`, `S1/Image_Data/Walking_1_(C1).avi`.
        Joints are not in the distribution, only markers, from which the release code computes them. Run the conversion
        that is usual in the field (ConvertHumanEva.m of VideoPose3D, inside `Release_Code_v1_1_beta`, with the critical
        OFS update) and put its output, `converted_15j/{Train,Validate}/S1/Walking_1.mat`, beside `S1`.
        `zoo data prepare humaneva` extracts `images/S1/Walking_1_(C1)/000123.jpg` (video frames, counted from 0) and
        removes the lens distortion from them, so that the pinhole camera holds.

    Not verified on the real files: which instant of the `.ofs` files stream frame 0 is (`recordings.video_offset`), and
    the order of the numbers in `.cal` files, which are known from other programs that read them.

    Args:
        root: folder of the benchmark.
        protocol: see `FileDataModule`.
        cameras: of C1, C2 and C3; papers do not say which they use.
        crops, batch_size, num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no such camera.
    """

    folder = "humaneva"
    protocols = tuple(_ACTIONS)
    how_to_get = (
        "Register at humaneva.is.tue.mpg.de, unpack S1 to S3 and convert the joints as the README of datamodules says"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        cameras: list[str] | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        self.cameras = list(CAMERAS) if cameras is None else cameras
        if not self.cameras or set(self.cameras) - set(CAMERAS):
            raise ValueError(f"HumanEva-I's colour cameras are {', '.join(CAMERAS)}, not {cameras}")

    def annotations(self, split: str) -> Annotations:
        """See `FileDataModule.annotations`."""
        self.require(*_SUBJECTS)
        tables = [
            self._recording(subject, action, camera, split)
            for subject in _SUBJECTS
            for action in _ACTIONS[self.protocol]
            for camera in self.cameras
        ]
        return Annotations.join(tables)

    def _recording(self, subject: str, action: str, camera: str, split: str) -> Annotations:
        part, window = ("Train", 0) if split == "train" else ("Validate", 1)
        first, end = PARTS[action, subject][window]
        lens = read_camera(self.require(f"{subject}/Calibration_Data/{camera}.cal"))
        offset = video_offset(self.require(f"{subject}/Sync_Data/{action}_1_({camera}).ofs"), camera)
        world = read_joints(self.require(f"converted_15j/{part}/{subject}/{action}_1.mat"), (first, end))
        frames = np.flatnonzero(np.isfinite(world).all((1, 2)))
        joints = to_camera(world[frames], lens.rotation, lens.translation)
        seen = np.ones(joints.shape[:2], bool)
        rows, videos = len(frames), frames + first + offset
        return Annotations(
            skeleton=HUMANEVA15,
            images=StringColumn.of([image_name(subject, action, camera, int(frame)) for frame in videos]),
            intrinsics=np.tile(lens.intrinsics.astype(np.float32), (rows, 1)),
            boxes=boxes_of_points(to_pixels(joints, lens.intrinsics), seen).astype(np.float32),
            joints=joints.astype(np.float32),
            joints_valid=seen,
            frames=(frames + first).astype(np.int32),
            subjects=CategoricalColumn.constant(subject, rows),
            actions=CategoricalColumn.constant(action, rows),
            sequences=CategoricalColumn.constant(f"{subject} {action} 1", rows),
            cameras=CategoricalColumn.constant(camera, rows),
        )
