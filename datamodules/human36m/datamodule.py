"""Human3.6M as a datamodule."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from body.choices import check_choices
from datamodules.annotations import Annotations
from datamodules.base import rest_root
from datamodules.files import FileDataModule
from datamodules.human36m.json_3dmppe import read_3dmppe
from datamodules.human36m.names import DEFAULT_TRAIN_SUBJECTS, TESTS, TRAIN_SUBJECTS, Selection
from datamodules.human36m.raw import read_raw
from datamodules.human36m.spin import read_spin_split
from datamodules.readers.fits import warn_of_other_body
from datamodules.readers.root_file import read_root_file, with_root_file
from datamodules.settings import DEFAULT_CROPS, CropSettings

Layout = Literal["raw", "3dmppe", "spin"]
_VAL_STEP = 64


class Human36MDataModule(FileDataModule):
    """Human3.6M (Ionescu et al. 2014): 3.6 million frames of seven annotated subjects in front of four cameras.

    Joints are `h36m18`: the benchmark's 17 and MPII's thorax, the midpoint of the shoulders. A protocol decides test
    subjects, cameras and frames, and which subjects are left for training. One sequence is never read, because its
    video is defective (subject 11, second trial of Directions, camera 54138969). `val` is every 64th frame of the test
    videos.

    Layouts:
        raw: what the benchmark's site distributes, unpacked: `S9/MyPoseFeatures/D3_Positions_mono/*.cdf` (or
            `D3_Positions/*.cdf`, which is in the world), `metadata.xml` of the code release, and
            `S9/MySegmentsMat/ground_truth_bb/*.mat` for boxes. `zoo data prepare human36m` extracts
            `images/S9_Directions_1.60457274_000001.jpg` from `S9/Videos/*.mp4`.
        3dmppe: 3DMPPE's `images` and `annotations/Human36M_subject9_{data,camera,joint_3d,smpl_param}.json`; the SMPL
            parameters are I2L-MeshNet's fits of SMPLify-X.
        spin: SPIN's `h36m_valid_protocol1.npz`, `h36m_valid_protocol2.npz` and `h36m_mosh_train.npz`, and `images` as
            in `raw`. Joints are relative to the pelvis; for the protocols of HMR and SPIN, and of NBF.

    Args:
        root: folder of the benchmark.
        protocol: see `FileDataModule`.
        layout: `raw`, `3dmppe` or `spin`.
        train_subjects: what to train on; the protocol's when omitted.
        train_step: training takes every so many frames, from the first; 5, as in most papers, is 10 Hz.
        drop_shifted: leave out three sequences of subject 9 whose poses are off in part (Greeting 2, SittingDown 2,
            Waiting 1), as some later papers do; the result is then not the protocol's.
        detections: layout `3dmppe` only: RootNet's result file, in the root or elsewhere, for boxes and root depths of
            the test split (`datamodules.readers.root_file`); the true ones when omitted.
        boxes: layout `raw` only: `masks` for the benchmark's own, `joints` for tight ones around the projected joints.
        crops, batch_size, num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no such layout or boxes, or `train_step` is not positive.
    """

    folder = "human36m"
    protocols = tuple(TESTS)
    expected: ClassVar[dict[str, int]] = {"spin/h36m-p1-14j-mesh": 109_867, "spin/h36m-p2-14j-mesh": 27_558}
    how_to_get = (
        "Make an account at vision.imar.ro/human3.6m; parsed files are linked at "
        "github.com/mks0601/3DMPPE_POSENET_RELEASE (3dmppe) and github.com/nkolot/SPIN (spin)"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        layout: Layout = "raw",
        train_subjects: list[int] | None = None,
        train_step: int = 5,
        drop_shifted: bool = False,
        boxes: Literal["masks", "joints"] = "masks",
        detections: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(Human36MDataModule.__init__, locals())
        if train_step < 1:
            raise ValueError(f"train_step is the distance between frames, at least 1, not {train_step}")
        self.layout, self.boxes, self.drop_shifted = layout, boxes, drop_shifted
        if detections and layout != "3dmppe":
            raise ValueError(f"RootNet's results go by the images' numbers in layout 3dmppe, not {layout}")
        self.train_subjects, self.train_step, self.detections = train_subjects, train_step, detections

    def selection(self, split: str) -> Selection:
        """What a split consists of."""
        test = replace(TESTS[self.protocol], drop_shifted=self.drop_shifted)
        if split == "train":
            own = TRAIN_SUBJECTS.get(self.protocol, DEFAULT_TRAIN_SUBJECTS)
            return Selection(tuple(self.train_subjects or own), self.train_step, drop_shifted=self.drop_shifted)
        return replace(test, step=_VAL_STEP) if split == "val" else test

    def annotations(self, split: str) -> Annotations:
        """See `FileDataModule.annotations`."""
        chosen = self.selection(split)
        if self.layout == "raw":
            if chosen.fitted:
                raise ValueError(f"{self.protocol} compares with SMPL fits, which only layouts 3dmppe and spin have")
            return read_raw(self.root, chosen, self.boxes, self.how_to_get)
        if self.layout == "3dmppe":
            table = read_3dmppe(self.root, chosen, rest_root(self._body_model()).of, self.how_to_get)
            warn_of_other_body(table, self.crops.body)
            if split == "train" or not self.detections:
                return table
            return with_root_file(table, read_root_file(self.file(self.detections), "human36m"))
        return read_spin_split(self.root, chosen, split, self.protocol, self._body_model(), self.how_to_get)

    def expected_samples(self, split: str) -> int | None:
        """Known for the test sets that SPIN released; other layouts are counted in videos (`check_test_split`)."""
        return self.expected.get(f"{self.layout}/{self.protocol}") if split == "test" else None

    def check_test_split(self) -> None:
        """See `BaseDataModule.check_test_split`: every video of the protocol must be there."""
        super().check_test_split()
        table, chosen = self.table("test"), self.selection("test")
        if chosen.fitted:  # nobody says which videos have fits
            return
        columns = [column for column in (table.subjects, table.sequences, table.cameras) if column is not None]
        found = len(set(zip(*(column.codes.tolist() for column in columns), strict=True)))
        wanted = len(replace(chosen, drop_shifted=False).sequences())
        if found != wanted:
            raise ValueError(f"{self.root} has {found} of the {wanted} videos that protocol {self.protocol} means")
