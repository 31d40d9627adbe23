"""SURREAL as a datamodule.

Layout `raw`, as distributed: `data/cmu/{train,val,test}/run{0,1,2}/<sequence>/<sequence>_c%04d` with the endings

* `.mp4`: 320 x 240, mostly 100 frames
* `_info.mat`: `pose` (72, T), `shape` (10, T), `joints3D` (3, 24, T; metres), `joints2D` (2, 24, T), `gender` (T; 0
  female), `zrot` (T), `camLoc` (3)
* `_segm.mat`: `segm_1` ... `segm_T` (240, 320), SMPL's joint + 1 of every pixel, 0 background

`zoo data prepare surreal` writes the frames that are used beside the videos, as `<clip>_%03d.jpg` counted from 0;
without it they are decoded from the videos, which takes many times longer.

Layout `3dmppe`: `{train,val}.json` of I2L-MeshNet's converter, and the frames as
`{train,val}/run*/<sequence>/<clip>_%03d.jpg`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Int, UInt8

from body.choices import check_choices
from body.mat_files import read_mat
from body.model import BodyModel
from body.parts import swap_table
from body.skeleton import SMPL24
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import FileDataModule
from datamodules.images import read_image
from datamodules.readers.boxes import boxes_inside
from datamodules.readers.posed import root_translations
from datamodules.readers.smpl_json import read_smpl_json
from datamodules.readers.video import decode
from datamodules.sample import Source
from datamodules.settings import DEFAULT_CROPS, CropSettings
from datamodules.surreal.clips import INTRINSICS, SIZE, Clip, clip_labels, clip_length, read_info

Layout = Literal["raw", "3dmppe"]
Clips = Literal["bodynet", "i2l_meshnet", "all"]


class SurrealDataModule(FileDataModule):
    """SURREAL in the camera frame, SMPL's 24 joints and parameters, with the mirroring of its labels undone.

    The test split is the middle frame of every clip of `data/cmu/val`: frame ceil(T / 2) - 1 counted from 0 (BodyNet,
    DenseBody, HEMlets). The box encloses the annotated pixels of the joints inside the image
    (I2L-MeshNet).

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`. `vertices` come from the body of each
            person's gender, except on the open body, which has no genders.
        layout: of the annotations (see the module).
        train_every: training takes every so many frames of a clip; 30, one a second, in I2L-MeshNet.
        clips: what is tested on: `bodynet` as above; `i2l_meshnet` for the 493 of those clips that its files
            `bodynet_val_set` and `bodynet_val_idx` (put them into the root) leave, at frame floor(T / 2); `all` for
            the middle frames of the whole `data/cmu/test`.
        segmentation: hand out the 24 parts of every pixel as `part_labels`; of layout `raw` only.

    Raises:
        ValueError: unknown protocol, layout or choice of clips.
    """

    folder = "surreal"
    protocols = ("surreal-bodynet-507",)
    expected: ClassVar[dict[str, int]] = {"val": 507, "test": 507}
    how_to_get = "SURREAL: accept the terms at www.di.ens.fr/willow/research/surreal/data and unpack SURREAL_v1.tar.gz"

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        layout: Layout = "raw",
        train_every: int = 30,
        clips: Clips = "bodynet",
        segmentation: bool = False,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        check_choices(SurrealDataModule.__init__, locals())
        self.layout, self.train_every, self.clips, self.segmentation = layout, train_every, clips, segmentation

    @property
    def gendered(self) -> bool:
        """See `BaseDataModule.gendered`: on a body that has genders."""
        return self.crops.body != "open"

    def annotations(self, split: str) -> Annotations:
        """Read a split; see the module."""
        return self._raw(split) if self.layout == "raw" else self._json(split)

    def source(self, split: str) -> Source:
        """Raw samples of a split; frames are decoded from the videos where they were not extracted."""
        extra = _Parts(self.table(split), self.root) if self.segmentation and self.layout == "raw" else None
        return AnnotatedSource(self.table(split), self.root, read_frame, extra)

    def _raw(self, split: str) -> Annotations:
        names, clips = self.clip_names(split), list[Clip]()
        for name in names:
            info = read_info(self.root / f"{name}_info.mat")
            try:
                clips.append(clip_labels(info, self.frames_of(split, clip_length(info))))
            except (ValueError, IndexError) as error:
                raise ValueError(f"{self.root / name}_info.mat is damaged ({error}); download it again") from None
        labels = Clip.join(clips)
        counts = [len(clip.frames) for clip in clips]
        rows, total = np.repeat(np.arange(len(names)), counts), sum(counts)
        transl = root_translations(labels.joints[:, 0], labels.betas, labels.gender, self._body_of)
        return Annotations(
            skeleton=SMPL24,
            images=StringColumn.of(
                [f"{names[r]}_{frame:03d}.jpg" for r, frame in zip(rows, labels.frames, strict=True)]
            ),
            intrinsics=np.tile(INTRINSICS, (total, 1)),
            boxes=boxes_inside(labels.pixels, np.tile(np.array(SIZE, np.float64), (total, 1))).astype(np.float32),
            joints=labels.joints.astype(np.float32),
            joints_valid=np.ones((total, 24), bool),
            absolute=labels.absolute,
            pose=labels.pose.astype(np.float32),
            betas=labels.betas.astype(np.float32),
            transl=transl.astype(np.float32),
            smpl_valid=np.ones(total, bool),
            gender=labels.gender,
            frames=labels.frames,
            sequences=CategoricalColumn.of([name.rpartition("/")[2] for name in names]).take(rows),
            actions=CategoricalColumn.of([Path(name).parent.name for name in names]).take(rows),
            cameras=CategoricalColumn.of([Path(name).parent.parent.name for name in names]).take(rows),
        )

    def clip_names(self, split: str) -> list[str]:
        """The clips of a split in order, as paths below the root without their endings.

        Raises:
            FileNotFoundError, ValueError: there are none.
        """
        part = "train" if split == "train" else "test" if self.clips == "all" else "val"
        folder = self.require(f"data/cmu/{part}", f"cmu/{part}")
        files = sorted(folder.glob("run*/*/*_info.mat"))
        if not files:
            raise FileNotFoundError(f"{folder} has no run*/<sequence>/*_info.mat. {self.how_to_get}")
        names = [str(file.relative_to(self.root)).removesuffix("_info.mat") for file in files]
        if split == "train" or self.clips != "i2l_meshnet":
            return names
        kept = self._kept_by_i2l_meshnet()
        left = [name for name in names if name.rpartition("/")[2] in kept]
        if not left:
            raise ValueError(f"{folder} has none of the clips that bodynet_val_set and bodynet_val_idx name")
        return left

    def _kept_by_i2l_meshnet(self) -> set[str]:
        lines = self.require("bodynet_val_set").read_text(encoding="utf-8").split()
        numbers = self.require("bodynet_val_idx").read_text(encoding="utf-8").split(",")
        chosen = [int(number) for number in numbers]
        if max(chosen) > len(lines):
            raise ValueError(f"bodynet_val_idx counts to {max(chosen)}, but bodynet_val_set has {len(lines)} clips")
        return {Path(lines[number - 1]).stem for number in chosen}

    def frames_of(self, split: str, length: int) -> Int[np.ndarray, " rows"]:
        """Which frames of a clip of a length belong to a split."""
        if split == "train":
            return np.arange(0, length, self.train_every)
        return np.array([length // 2 if self.clips == "i2l_meshnet" else -(-length // 2) - 1])

    def _json(self, split: str) -> Annotations:
        part = "train" if split == "train" else "val"
        table, _ = read_smpl_json(self.require(f"{part}.json"))
        names = [table.images[row] for row in range(len(table))]
        clips, _, frames = zip(*(Path(name).stem.rpartition("_") for name in names), strict=True)
        return replace(
            table,
            images=StringColumn.of([f"{part}/{name}" for name in names]),
            frames=np.array(frames, np.int64),
            sequences=CategoricalColumn.of(clips),
        )

    def _body_of(self, gender: str) -> BodyModel:
        return self._body_model(gender if self.gendered else "neutral")


class _Parts:
    """SMPL parts of every pixel of a frame, for `AnnotatedSource`; sides swapped as in `clips`."""

    def __init__(self, table: Annotations, root: Path) -> None:
        self.table, self.root = table, root

    def __call__(self, index: int) -> dict[str, Any]:
        clip, frame = clip_and_frame(self.table.images[index])
        name = f"segm_{frame + 1}"
        labels = read_mat(self.root / f"{clip}_segm.mat", [name])[name]
        return {"part_labels": swap_table(24)[labels]}


def clip_and_frame(name: str) -> tuple[str, int]:
    """Clip (path without ending) and frame, counted from 0, of an extracted frame's name."""
    clip, _, frame = name.removesuffix(".jpg").rpartition("_")
    return clip, int(frame)


def read_frame(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """A frame by the name under which it is extracted, RGB; from the video where it was not.

    Raises:
        FileNotFoundError: neither is there.
        ValueError: the image or the video is damaged.
    """
    if path.is_file():
        return read_image(path)
    clip, frame = clip_and_frame(str(path))
    video = Path(f"{clip}.mp4")
    if not video.is_file():
        raise FileNotFoundError(f"neither {path} nor {video.name} is there, though SURREAL's labels name them")
    image = next(image for _, image in decode(video, [frame]))
    return np.ascontiguousarray(image[..., ::-1])
