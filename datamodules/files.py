"""Benchmarks that the user keeps on disk, in their authors' layout."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from body.assets import find_asset
from body.choices import unknown_name
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.base import BaseDataModule, splits_of
from datamodules.repair import repair
from datamodules.sample import Source
from datamodules.settings import DEFAULT_CROPS, CropSettings
from metrics import get_protocol


class DamagedData(ValueError):
    """Files of a benchmark that cannot be read as what they should be; the message names the file and the fix."""


class FileDataModule(BaseDataModule):
    """A benchmark read from files; a subclass reads a split as `Annotations`.

    Args:
        root: folder of the benchmark; `$ZOO_ASSETS/benchmarks/<folder>` when omitted.
        protocol: which of `protocols` the splits follow; the first one when omitted.
        crops: see `BaseDataModule`.
        batch_size: see `BaseDataModule`.
        num_workers: see `BaseDataModule`.

    Raises:
        ValueError: the benchmark has no such protocol.
    """

    folder: ClassVar[str]
    """Name of the benchmark's folder, and in `zoo data`."""
    protocols: ClassVar[tuple[str, ...]]
    """Protocols whose test split this reads; empty for data that nobody is evaluated on."""
    splits: tuple[str, ...] = ("train", "val", "test")
    """Splits that there are. `val` is what training is watched with; where the authors have none, it is `test`."""
    expected: ClassVar[Mapping[str, int]] = {}
    """Samples of a whole split, by split, or by `protocol/split` where protocols differ."""
    how_to_get: ClassVar[str]
    """One line: where the data are and what one must sign."""

    def __init__(
        self,
        root: str | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(crops, batch_size, num_workers)
        self._given_root = root
        self._tables: dict[str, Annotations] = {}
        self.use_protocol(protocol or next(iter(self.protocols), ""))

    @abstractmethod
    def annotations(self, split: str) -> Annotations:
        """Read the labels of a split; called once per split.

        Raises:
            FileNotFoundError: a file of the benchmark is not there (`require`).
            ValueError: a file is damaged, or not laid out as the authors' are; the message names it.
        """

    @property
    def root(self) -> Path:
        """Folder of the benchmark.

        Raises:
            FileNotFoundError: there is none; the message says where to get the data.
        """
        found = Path(self._given_root).expanduser() if self._given_root else find_asset(f"benchmarks/{self.folder}")
        if found is None or not found.is_dir():
            where = found or f"$ZOO_ASSETS/benchmarks/{self.folder}"
            raise FileNotFoundError(f"{where}: no such folder. {self.how_to_get}; then name it in `root` (--data.root)")
        return found

    def use_crops(self, crops: CropSettings) -> None:
        """See `BaseDataModule.use_crops`; some labels depend on the body."""
        super().use_crops(crops)
        self._tables.clear()

    def use_protocol(self, protocol: str) -> None:
        """Follow another protocol; what was read before is read again.

        Raises:
            ValueError: the benchmark has no such protocol.
        """
        if protocol and protocol not in self.protocols:
            raise ValueError(f"{self.folder} has {unknown_name('protocol', protocol, self.protocols)}")
        self.protocol = protocol
        self._tables.clear()
        self._datasets.clear()

    def require(self, *names: str) -> Path:
        """The first of these files or folders that is there, named relative to the root.

        Raises:
            FileNotFoundError: none is; the message names them and where to get the data.
        """
        return require(self.root, names, self.how_to_get)

    def file(self, name: str) -> Path:
        """A file that an option names, in the root or elsewhere.

        Raises:
            FileNotFoundError: it is not in the root.
        """
        path = Path(name).expanduser()
        return path if path.is_absolute() and not path.exists() else self.require(str(path))

    def table(self, split: str) -> Annotations:
        """The labels of a split, read once.

        Raises:
            FileNotFoundError: see `annotations`.
            DamagedData: a file cannot be read, or nothing is in the split.
            ValueError: the benchmark has no such split.
        """
        if split not in self.splits:
            without = "; --trainer.limit_val_batches 0 trains without" if split == "val" else ""
            raise ValueError(f"{self.folder} has no {split} split; it has {', '.join(self.splits)}{without}")
        if split not in self._tables:
            try:
                table = repair(self.annotations(split), f"{self.folder}, {split}", train=split == "train")
            except (ValueError, OverflowError, RecursionError) as error:
                raise DamagedData(str(error)) from error
            if len(table) == 0:
                raise DamagedData(f"{self.root}: not one sample of the {split} split is there. {self.how_to_get}")
            self._tables[split] = table
        return self._tables[split]

    def source(self, split: str) -> Source:
        """Raw samples of a split."""
        return AnnotatedSource(self.table(split), self.root)

    def fingerprint(self, split: str) -> str:
        """Hash of every label of the split."""
        return self.table(split).fingerprint()

    def expected_samples(self, split: str) -> int | None:
        """How many samples the whole split has; None where nobody says."""
        return self.expected.get(f"{self.protocol}/{split}", self.expected.get(split))

    def check_test_split(self) -> None:
        """See `BaseDataModule.check_test_split`: the split must be whole."""
        found, expected = len(self.table("test")), self.expected_samples("test")
        if expected is not None and found != expected:
            raise ValueError(f"{self.root} has {found} of the {expected} samples that protocol {self.protocol} means")

    def setup(self, stage: str | None = None) -> None:
        """Open the splits that a stage needs and this benchmark has."""
        for split in splits_of(stage):
            # training without a validation split is fine as long as nobody asks for its batches
            if split in self.splits or (stage is not None and split != "val"):
                self.dataset(split)

    def describe_protocol(self) -> str:
        """What the test split is evaluated for, in words; empty without a protocol."""
        return get_protocol(self.protocol).describe() if self.protocol else ""


def require(root: Path, names: Iterable[str], how_to_get: str) -> Path:
    """The first of these files or folders that is in `root`.

    Raises:
        FileNotFoundError: none is; the message names them and where to get the data.
    """
    names = tuple(names)
    paths = [root / name for name in names]
    found = next((path for path in paths if path.is_file() or path.is_dir()), None)  # a pipe would wait for ever
    if found is None:
        raise FileNotFoundError(f"{root} has no {' or '.join(names)}: is it the right folder? {how_to_get}")
    return found
