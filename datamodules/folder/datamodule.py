"""The datamodule of a data set of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from body.camera import default_intrinsics
from body.choices import unknown_name
from body.joint_list import skeleton_of
from body.skeleton import SKELETONS, get_skeleton
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.files import FileDataModule
from datamodules.folder.coco_file import read_coco_labels
from datamodules.folder.csv_file import read_csv
from datamodules.folder.headers import image_sizes
from datamodules.folder.labels import Labels, in_list, renamed
from datamodules.folder.parameters import with_parameters
from datamodules.readers.boxes import boxes_of_points
from datamodules.settings import DEFAULT_CROPS, CropSettings

ENDINGS = (".json", ".csv")
_GROWN = 1.2  # joints lie inside of the person
_NAMES = tuple(f"keypoints{ending}" for ending in ENDINGS)


class FolderDataModule(FileDataModule):
    """People in one's own images; `datamodules.folder` says how the files are laid out.

    There is no 3D but that of parameters, whose archives bring the camera along; other cameras are a guess
    (`body.camera.default_intrinsics`).

    Args:
        root, protocol, crops, batch_size, num_workers: see `FileDataModule`.
        labels: the keypoint file, `.json` or `.csv`, relative to the root; with `{split}` in it one for each split,
            such as `annotations/{split}.json`. Found as `datamodules.folder` says when omitted.
        images: folder that the keypoint file names images in, relative to the root, may have `{split}` in it; the
            keypoint file's when omitted.
        parameters: folder of the SMPL parameters, relative to the root, may have `{split}` in it; none when omitted.
        skeleton: joint set in whose order a `.json` lists keypoints, such as `coco17`, where the file does not name
            them.
        joint_names: the file's name of a joint -> the one in `body.skeleton`, or None to leave the joint out.

    Raises:
        ValueError: no such joint set.
    """

    folder = "folder"
    protocols = ("own-2d",)
    how_to_get = (
        "Your own data: train/, val/ and test/ with images and keypoints.json or keypoints.csv each, or one such file "
        "beside train.txt, val.txt and test.txt (see datamodules/folder)"
    )

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
        labels: str | None = None,
        images: str | None = None,
        parameters: str | None = None,
        skeleton: str | None = None,
        joint_names: dict[str, str | None] | None = None,
    ) -> None:
        super().__init__(root, protocol, crops, batch_size, num_workers)
        if skeleton is not None and skeleton not in SKELETONS:
            raise ValueError(unknown_name("skeleton", skeleton, SKELETONS))
        self.labels, self.images, self.parameters = labels, images, parameters
        self.label_skeleton, self.joint_names = skeleton, dict(joint_names or {})
        if self._given_root and Path(self._given_root).expanduser().is_dir():
            self.splits = tuple(split for split in self.splits if self._is_there(split)) or self.splits

    def annotations(self, split: str) -> Annotations:
        """Read a split; see `datamodules.folder`."""
        path, listed = self._label_file(split)
        labels = self._read(path)
        if listed is not None:
            labels = in_list(labels, _lines(listed), listed, path)
        labels = renamed(labels, self.joint_names, path)
        base = self._folder(self.images, split) if self.images else path.parent
        sizes = image_sizes(base, labels.images)
        cameras = [default_intrinsics(int(w), int(h)).double().numpy()[[0, 1, 0, 1], [0, 1, 2, 2]] for w, h in sizes]
        empty = ~(labels.boxes[:, 2:] > 0).all(1, keepdims=True)
        table = Annotations(
            skeleton=skeleton_of(labels.joints),
            images=StringColumn.of([_relative(base / name, self.root) for name in labels.images]),
            intrinsics=np.array(cameras, np.float32).reshape(-1, 4),
            boxes=np.where(empty, boxes_of_points(labels.pixels, labels.valid, _GROWN), labels.boxes).astype(
                np.float32
            ),
            joints_2d=labels.pixels.astype(np.float32),
            joints_2d_valid=labels.valid,
        )
        if not self.parameters:
            return table
        return with_parameters(table, sizes, self._folder(self.parameters, split), self._body_model(), self.crops.body)

    def _read(self, path: Path) -> Labels:
        if path.suffix == ".csv":
            if self.label_skeleton:
                raise ValueError(f"{path} names its joints itself; leave out `skeleton`, or rename with joint_names")
            return read_csv(path)
        return read_coco_labels(path, get_skeleton(self.label_skeleton).joints if self.label_skeleton else None)

    def _label_file(self, split: str) -> tuple[Path, Path | None]:
        """The keypoint file of a split, and the list of its images where the file is that of all splits.

        Raises:
            FileNotFoundError: one of them is not there.
            ValueError: `labels` is no file of a known format.
        """
        if self.labels and Path(self.labels).suffix not in ENDINGS:
            raise ValueError(f"labels: {self.labels} must end in .json (of COCO's form) or .csv")
        names = (self.labels.replace("{split}", split),) if self.labels else (*self._own(split), *_NAMES)
        path = self.require(*names)
        shared = "{split}" not in self.labels if self.labels else path.parent == self.root
        return path, self.require(f"{split}.txt") if shared else None

    def _is_there(self, split: str) -> bool:
        root = self.root
        if self.labels and "{split}" in self.labels:
            return (root / self.labels.replace("{split}", split)).is_file()
        return (root / f"{split}.txt").is_file() or any((root / name).is_file() for name in self._own(split))

    def _own(self, split: str) -> tuple[str, ...]:
        return tuple(f"{split}/{name}" for name in _NAMES)

    def _folder(self, name: str, split: str) -> Path:
        """A folder that an option names.

        Raises:
            FileNotFoundError: it is not there.
        """
        return self.require(name.replace("{split}", split))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8; write one image a line") from None


def _relative(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path.absolute()).as_posix()
