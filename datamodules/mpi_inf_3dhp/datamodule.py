"""MPI-INF-3DHP as a datamodule.

Layout `raw`, as distributed:

* `S{1..8}/Seq{1,2}/annot.mat` (version 5): cells `annot2` (14 cameras; per frame 28 x 2 pixels in a row), `annot3` and
  `univ_annot3` (28 x 3 millimetres, in each camera's own frame; the latter scaled to one body height);
  `camera.calibration`; `imageSequence/video_{0..13}.avi`, 2048 x 2048. `zoo data prepare mpi_inf_3dhp` extracts the
  frames to `imageFrames/video_K/frame_%06d.jpg`, counted from 1 (row 0 of the annotations is frame 1).
* `mpi_inf_3dhp_test_set/TS{1..6}/annot_data.mat` (version 7.3; seen from Python `annot2` (F, 1, 17, 2), `annot3` and
  `univ_annot3` (F, 1, 17, 3) in millimetres, `valid_frame` and `activity_annotation` (F, 1); its `bb_crop` is not
  read), `imageSequence/img_%06d.jpg`, counted from 1.

Layout `spin`: SPIN's `mpi_inf_3dhp_train.npz` and `mpi_inf_3dhp_valid.npz` over the same images.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from body.choices import check_choices
from datamodules.annotations import Annotations
from datamodules.files import FileDataModule
from datamodules.mpi_inf_3dhp.spin import read_spin_split
from datamodules.mpi_inf_3dhp.testset import read_test
from datamodules.mpi_inf_3dhp.train import CAMERAS, SUBJECTS, VNECT_CAMERAS, Frames, Pose, read_train
from datamodules.settings import DEFAULT_CROPS, CropSettings

Layout = Literal["raw", "spin"]


class MpiInf3dhpDataModule(FileDataModule):
    """One person per image; 28 joints for training, 17 for testing.

    The camera frame of the training split is that of each video. On the test set the 3D joints are `univ_annot3`, as
    the protocol asks; its cameras come from `annot2` and `annot3`. Boxes enclose the 17 evaluated joints (SPIN).

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see the module).
        subjects: of the training split.
        cameras: of the training split; those of VNect and SPIN by default, 0 to 13 there are.
        every: keep every so many frames for training; 10 is SPIN's.
        drop_outside: leave out training frames with an evaluated joint outside the image, before counting (SPIN).
        test_drop_outside: the same for testing (SPIN); such a number is not the protocol's.
        pose: training joints, `annot3` or `univ_annot3` (see the module).
        fits: file of SPIN's fits for the training split, relative to the root; with the layout `spin`, for which the
            arguments from `subjects` to `pose` mean nothing: SPIN's files have made those choices.

    Raises:
        ValueError: a setting is not known; the message says which.
    """

    folder = "mpi_inf_3dhp"
    protocols = ("mpi-inf-3dhp-test",)
    expected: ClassVar = {"test": 2929, "val": 2929}
    how_to_get = "MPI-INF-3DHP: accept the terms at vcai.mpi-inf.mpg.de/3dhp-dataset and run its download scripts"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        subjects: tuple[int, ...] = SUBJECTS,
        cameras: tuple[int, ...] = VNECT_CAMERAS,
        every: int = 10,
        drop_outside: bool = True,
        test_drop_outside: bool = False,
        pose: Pose = "annot3",
        fits: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(MpiInf3dhpDataModule.__init__, locals())
        for name, values, known in (
            ("subjects", subjects, SUBJECTS),
            ("cameras", cameras, CAMERAS),
        ):
            if not values or not set(values) <= set(known):
                raise ValueError(
                    f"{name}: use {', '.join(map(str, known))}, not {', '.join(map(str, values)) or 'none'}"
                )
        if every < 1:
            raise ValueError(f"every: 1 or more, not {every}")
        self.layout, self.pose, self.test_drop_outside, self.fits = layout, pose, test_drop_outside, fits
        self.frames = Frames(tuple(subjects), tuple(cameras), every, drop_outside)

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module. `val` is the test set."""
        if self.layout == "spin":
            part = "train" if split == "train" else "test"
            return read_spin_split(self.root, part, self.fits, self._body_model(), self.how_to_get)
        if split == "train":
            return read_train(self.root, self.frames, self.pose, self.how_to_get)
        return read_test(self.root, self.test_drop_outside, self.how_to_get)
