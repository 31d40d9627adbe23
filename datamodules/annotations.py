"""The labels of a whole split as columns, and the source that reads its images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, UInt8

from body.skeleton import Skeleton
from datamodules.columns import CategoricalColumn, Column, StringColumn, concatenate, digest, take
from datamodules.images import read_image
from datamodules.sample import GENDERS, RawSample, Smpl


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """One row per person and image, in the conventions of `RawSample`.

    Every reader of a benchmark ends here. Columns that a benchmark does not have are None. A million rows are a few
    arrays, which forked workers share.

    Attributes:
        skeleton: joint set of all joint columns.
        images: files of the images, relative to the benchmark's folder, with slashes.
        intrinsics: focal lengths and principal point (fx, fy, cx, cy), pixels.
        boxes: (x, y, width, height), pixels.
        joints, joints_valid: 3D joints, camera frame, metres; None when no row has any.
        joints_2d, joints_2d_valid: pixels; None when they are the projections of `joints`.
        depth_order, depth_order_valid: see `RawSample`.
        absolute: see `RawSample`; everywhere when omitted.
        root_depths: RootNet's, see `RawSample.estimated_root_depth`; NaN where there is none.
        pose, betas, transl, smpl_valid: SMPL (or MANO) parameters in the camera frame, and which rows have them.
        gender: position in `datamodules.sample.GENDERS`; neutral when omitted.
        image_ids, annotation_ids, frames: see `RawSample`.
        subjects, actions, sequences, cameras: see `RawSample`.

    Raises:
        ValueError: a column has another number of rows than `images`.
    """

    skeleton: Skeleton
    images: StringColumn
    intrinsics: Float[np.ndarray, "rows 4"]
    boxes: Float[np.ndarray, "rows 4"]
    joints: Float[np.ndarray, "rows joints 3"] | None = None
    joints_valid: Bool[np.ndarray, "rows joints"] | None = None
    joints_2d: Float[np.ndarray, "rows joints 2"] | None = None
    joints_2d_valid: Bool[np.ndarray, "rows joints"] | None = None
    depth_order: Int8[np.ndarray, "rows joints joints"] | None = None
    depth_order_valid: Bool[np.ndarray, "rows joints joints"] | None = None
    absolute: Bool[np.ndarray, " rows"] | None = None
    root_depths: Float[np.ndarray, " rows"] | None = None
    pose: Float[np.ndarray, "rows parts 3"] | None = None
    betas: Float[np.ndarray, "rows 10"] | None = None
    transl: Float[np.ndarray, "rows 3"] | None = None
    smpl_valid: Bool[np.ndarray, " rows"] | None = None
    gender: Int8[np.ndarray, " rows"] | None = None
    image_ids: Int[np.ndarray, " rows"] | None = None
    annotation_ids: Int[np.ndarray, " rows"] | None = None
    frames: Int[np.ndarray, " rows"] | None = None
    subjects: CategoricalColumn | None = None
    actions: CategoricalColumn | None = None
    sequences: CategoricalColumn | None = None
    cameras: CategoricalColumn | None = None

    def __post_init__(self) -> None:
        # paths that were written on Windows; a backslash is one byte of UTF-8, and part of no other character
        if (self.images.data == ord("\\")).any():
            data = np.where(self.images.data == ord("\\"), np.uint8(ord("/")), self.images.data)
            object.__setattr__(self, "images", StringColumn(data, self.images.ends))
        wrong = {name: len(column) for name, column in self.columns().items() if len(column) != len(self.images)}
        if wrong:
            raise ValueError(f"{len(self.images)} images, but other numbers of rows in {wrong}")
        for labels, mask in (("joints", "joints_valid"), ("joints_2d", "joints_2d_valid"), ("pose", "smpl_valid")):
            if (getattr(self, labels) is None) != (getattr(self, mask) is None):
                raise ValueError(f"{labels} and {mask} need each other")

    def __len__(self) -> int:
        return len(self.images)

    def columns(self) -> dict[str, Column]:
        """The columns that there are, by name."""
        names = (field.name for field in fields(self) if field.name != "skeleton")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def take(self, rows: Int[np.ndarray, " taken"] | Bool[np.ndarray, " rows"]) -> Annotations:
        """Some rows, given by position or by a mask."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        taken: dict[str, Any] = {name: take(column, rows) for name, column in self.columns().items()}
        return replace(self, **taken)

    def fingerprint(self) -> str:
        """Hash that names exactly these samples and labels, whatever folder the images lie in."""
        columns = self.columns() | {"images": self.images.map(lambda name: name.rpartition("/")[2])}
        parts = [name.encode() + digest(column) for name, column in sorted(columns.items())]
        return hashlib.sha256(self.skeleton.name.encode() + b"".join(parts)).hexdigest()

    @staticmethod
    def join(parts: Sequence[Annotations]) -> Annotations:
        """Tables with the same columns, one after the other.

        Raises:
            ValueError: no tables, or they differ in skeleton or columns.
        """
        kinds = {(part.skeleton.name, tuple(part.columns())) for part in parts}
        if len(kinds) != 1:
            raise ValueError(f"tables to join need the same skeleton and columns, got {sorted(kinds)}")
        names = parts[0].columns()
        joined: dict[str, Any] = {name: concatenate([part.columns()[name] for part in parts]) for name in names}
        return replace(parts[0], **joined)


class AnnotatedSource:
    """Raw samples of a table.

    Args:
        table: the labels.
        root: folder that `table.images` are relative to.
        read: reads a image; decoded from a file by default.
        extra: further fields of a `RawSample` by row, for labels that are files of their own (part maps, ...).
    """

    def __init__(
        self,
        table: Annotations,
        root: Path,
        read: Callable[[Path], UInt8[np.ndarray, "height width 3"]] = read_image,
        extra: Callable[[int], dict[str, Any]] | None = None,
    ) -> None:
        self.table, self.root, self.read, self.extra = table, root, read, extra

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> RawSample:
        table, joints = self.table, len(self.table.skeleton)
        fx, fy, cx, cy = table.intrinsics[index].astype(np.float64)
        name = table.images[index]
        pixels = None if table.joints_2d is None else table.joints_2d[index].astype(np.float64)
        return RawSample(
            image=self.read(self.root / name),
            intrinsics=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
            box=table.boxes[index].astype(np.float64),
            joints=np.zeros((joints, 3)) if table.joints is None else table.joints[index].astype(np.float64),
            joints_valid=np.zeros(joints, bool) if table.joints_valid is None else table.joints_valid[index],
            skeleton=table.skeleton,
            index=index,
            joints_2d=pixels,
            joints_2d_valid=_row(table.joints_2d_valid, index),
            depth_order=_row(table.depth_order, index),
            depth_order_valid=_row(table.depth_order_valid, index),
            absolute=table.absolute is None or bool(table.absolute[index]),
            estimated_root_depth=self._root_depth(index),
            smpl=self._smpl(index),
            gender=GENDERS[0 if table.gender is None else int(table.gender[index])],
            image_id=-1 if table.image_ids is None else int(table.image_ids[index]),
            annotation_id=-1 if table.annotation_ids is None else int(table.annotation_ids[index]),
            image_name=name,
            subject=_text(table.subjects, index),
            action=_text(table.actions, index),
            sequence=_text(table.sequences, index),
            camera=_text(table.cameras, index),
            frame=index if table.frames is None else int(table.frames[index]),
            **({} if self.extra is None else self.extra(index)),
        )

    def _root_depth(self, index: int) -> float | None:
        depth = np.nan if self.table.root_depths is None else float(self.table.root_depths[index])
        return depth if np.isfinite(depth) else None

    def _smpl(self, index: int) -> Smpl | None:
        table = self.table
        if table.pose is None or not cast("np.ndarray", table.smpl_valid)[index]:
            return None
        betas = np.zeros(10) if table.betas is None else table.betas[index].astype(np.float64)
        transl = np.zeros(3) if table.transl is None else table.transl[index].astype(np.float64)
        return Smpl(table.pose[index].astype(np.float64), betas, transl)


def _row(column: np.ndarray | None, index: int) -> Any:
    return None if column is None else column[index]


def _text(column: CategoricalColumn | None, index: int) -> str:
    return "" if column is None else column[index]
