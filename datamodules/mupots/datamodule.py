"""MuPoTS-3D as a datamodule; there is nothing to train on.

Layout `raw`, as distributed: `MultiPersonTestSet/TS{1..20}/img_%06d.jpg`, counted from 0, and `annot.mat` (version 5):
cell `annotations` (frames, people) of structures with `annot2` (2 x 17 pixels), `annot3` and `univ_annot3` (3 x 17
millimetres, camera frame; the latter scaled to one body height) and `isValidFrame`. `occlusion.mat` is not read: no
protocol tells hidden joints apart.

Layout `3dmppe`: also `MuPoTS-3D.json` of 3DMPPE, COCO-style: `images` (`id`, `file_name`: `TS1/img_000000.jpg`,
`intrinsic`: fx, fy, cx, cy) and `annotations` (`id`, `image_id`, `bbox`, `keypoints_cam`: 17 x 3 millimetres,
`keypoints_img`: 17 x 2, `is_valid`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from body.choices import check_choices
from body.skeleton import MPI_INF_3DHP17
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import FileDataModule, require
from datamodules.mupots.json_3dmppe import MupotsJson, read_3dmppe
from datamodules.mupots.raw import NUMBERS, RawPeople, image_name, read_raw
from datamodules.readers.boxes import boxes_of_points, scale_boxes
from datamodules.readers.coco_json import rows_of
from datamodules.readers.root_file import MARGIN, RootResult, read_root_file
from datamodules.settings import DEFAULT_CROPS, CropSettings
from metrics import AnnotatedPeople, SplitLabels

Layout = Literal["raw", "3dmppe"]
FRAMES = 8370
"""Frames of the 20 sequences."""


class MupotsDataModule(FileDataModule):
    """One person per crop; whoever is annotated is handed to the metric, which puts an image's people together.

    People come with their true boxes (raw: around their 2D joints) and joints (`univ_annot3`, or `keypoints_cam`), or
    as RootNet detected them: with its boxes, its scores, and its root position as the only joint. The protocols' truth
    is `univ_annot3` in either layout, except for `mupots-root` in the layout `3dmppe`, where it is `keypoints_cam`, as
    in RootNet's evaluation.

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        layout: of the annotations (see the module).
        detections: RootNet's result file (`bbox_root_mupots_output.json`), in the root or elsewhere. Its `image_id` is
            that of `MuPoTS-3D.json`, or 10000 times the sequence plus the frame with the layout `raw`.

    Raises:
        ValueError: no such layout or protocol.
    """

    folder = "mupots"
    protocols = (
        *("mupots-relative-all", "mupots-relative-matched", "mupots-absolute-all", "mupots-absolute-matched"),
        "mupots-root",
    )
    splits = ("val", "test")
    how_to_get = "MuPoTS-3D: accept the terms at vcai.mpi-inf.mpg.de/projects/SingleShotMultiPerson"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        detections: str | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(MupotsDataModule.__init__, locals())
        self.layout, self.detections = layout, detections

    @cached_property
    def _raw(self) -> RawPeople:
        return read_raw(self.root, self.how_to_get)

    @cached_property
    def _json(self) -> MupotsJson:
        return read_3dmppe(self.require("MuPoTS-3D.json"))

    @cached_property
    def _detected(self) -> list[RootResult]:
        path = Path(self.detections or "").expanduser()
        return read_root_file(
            path if path.is_absolute() else require(self.root, [str(path)], self.how_to_get), "mupots"
        )

    @cached_property
    def _images(self) -> _Images:
        if self.layout == "3dmppe":
            file = self._json
            return _Images(file.image_id, file.sequence, file.frame, file.cameras)
        counts = self._raw.frames
        sequence = np.repeat(np.arange(1, len(counts) + 1), counts)
        frame = np.concatenate([np.arange(count) for count in counts])
        return _Images(NUMBERS * sequence + frame, sequence, frame, self._raw.cameras[sequence - 1])

    def annotations(self, split: str) -> Annotations:  # noqa: ARG002 (both are the test set)
        """Read the test set; see the class."""
        if self.detections is not None:
            return self._detected_people()
        images = self._images
        if self.layout == "3dmppe":
            file = self._json
            table = images.table(file.person_image, file.boxes, file.joints)
            ids, pixels = file.person_id, file.pixels
        else:
            raw = self._raw
            everywhere = np.ones(raw.pixels.shape[:2], bool)
            table = images.table(self._raw_rows(), boxes_of_points(raw.pixels, everywhere), raw.joints)
            ids, pixels = None, raw.pixels
        seen = pixels.astype(np.float32)
        return replace(table, annotation_ids=ids, joints_2d=seen, joints_2d_valid=table.joints_valid)

    def _detected_people(self) -> Annotations:
        people, images = self._detected, self._images
        rows = rows_of(np.array([p.image_id for p in people], np.int64), images.number, Path(self.detections or ""))
        windows = np.array([person.box for person in people], np.float64).reshape(-1, 4)
        joints = np.full((len(people), len(MPI_INF_3DHP17), 3), np.nan)
        joints[:, MPI_INF_3DHP17.root_index] = np.array([person.root for person in people]).reshape(-1, 3)
        table = images.table(rows, scale_boxes(windows, 1 / MARGIN), joints)
        return replace(table, root_depths=joints[:, MPI_INF_3DHP17.root_index, 2])

    def _raw_rows(self) -> Int[np.ndarray, " people"]:
        """Position of the image of everybody in `annot.mat`."""
        raw, images = self._raw, self._images
        wanted = NUMBERS * raw.sequence + raw.frame
        return rows_of(wanted, NUMBERS * images.sequence + images.frame, self.root / "MuPoTS-3D.json")

    def split_labels(self) -> SplitLabels:
        """Everybody who is annotated, and the detections' scores."""
        return {"people": self.truth()}

    def truth(self) -> AnnotatedPeople:
        """Everybody who is annotated, as the protocol wants them; see the class."""
        if self.layout == "3dmppe" and self.protocol == "mupots-root":
            rows, joints, pixels = self._json.person_image, self._json.joints, self._json.pixels
        else:
            rows, joints, pixels = self._raw_rows(), self._raw.joints, self._raw.pixels
        scores = None
        if self.detections is not None and all(person.score is not None for person in self._detected):
            scores = torch.tensor([person.score for person in self._detected], dtype=torch.float64)
        image, sequence = (torch.from_numpy(column[rows]) for column in (self._images.number, self._images.sequence))
        return AnnotatedPeople(torch.from_numpy(joints), torch.from_numpy(pixels), image, sequence, scores)

    def image_keys(self) -> dict[int, str]:
        """What 3DMPPE's result files call an image (`TS1_img_000000`), by its number."""
        images = self._images
        rows = zip(images.number.tolist(), images.sequence.tolist(), images.frame.tolist(), strict=True)
        return {number: f"TS{sequence}_img_{frame:06d}" for number, sequence, frame in rows}

    def check_test_split(self) -> None:
        """See `BaseDataModule.check_test_split`: all frames must be there, whoever is cropped from them."""
        found = int(self._raw.frames.sum())
        if found != FRAMES:
            raise ValueError(f"{self.root} has {found} of the {FRAMES} frames that protocol {self.protocol} means")


class _Images:
    """All images: number, sequence, frame and camera."""

    def __init__(
        self,
        number: Int[np.ndarray, " images"],
        sequence: Int[np.ndarray, " images"],
        frame: Int[np.ndarray, " images"],
        cameras: Float[np.ndarray, "images 4"],
    ) -> None:
        self.number, self.sequence, self.frame, self.cameras = number, sequence, frame, cameras

    def table(
        self,
        rows: Int[np.ndarray, " people"],
        boxes: Float[np.ndarray, "people 4"],
        joints: Float[np.ndarray, "people 17 3"],
    ) -> Annotations:
        """People in the images `rows`; joints that are NaN are not annotated."""
        valid: Bool[np.ndarray, "people 17"] = np.isfinite(joints).all(-1)
        sequence, frame = self.sequence[rows], self.frame[rows]
        return Annotations(
            skeleton=MPI_INF_3DHP17,
            images=StringColumn.of([image_name(*key) for key in zip(sequence.tolist(), frame.tolist(), strict=True)]),
            intrinsics=self.cameras[rows],
            boxes=boxes.astype(np.float32),
            joints=np.where(valid[..., None], joints, 0).astype(np.float32),
            joints_valid=valid,
            image_ids=self.number[rows],
            frames=frame,
            sequences=CategoricalColumn.of([f"TS{number}" for number in sequence.tolist()]),
        )
