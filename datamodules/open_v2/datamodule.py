"""The open benchmark `open-v2` as a datamodule."""

from __future__ import annotations

import hashlib
from pathlib import Path

from datamodules.open_v2.bundle import make_bundle
from datamodules.open_v2.generator import BACKGROUNDS
from datamodules.open_v2.source import SHIPPED, PhotoSource, ShippedSource, published
from datamodules.open_v2.split import BUNDLE, PhotoSplit
from datamodules.settings import DEFAULT_CROPS, CropSettings
from datamodules.synthetic.cache import cache_root, ensure
from datamodules.synthetic.rendered import RenderedDataModule, check_samples
from metrics.protocols.open_benchmark import OPEN_V2


class OpenV2DataModule(RenderedDataModule):
    """Dressed people on the open body as photographs show them.

    The test split is part of the package. Training and validation samples are rendered on first use and cached, which
    needs free assets (`datamodules/open_v2/README.md`) or the packed files made from them on another machine. Every
    visit of a training sample puts another background behind it and takes another picture.

    Args:
        train_samples: people to train on; any number, the first ones stay the same. A run whose `max_steps` end before
            it has seen them all makes only as many as it will see.
        val_samples: people to validate on.
        image_size: side of the pictures in pixels; those of the test split are 256 wide.
        seed: seed of training and validation samples.
        bundle: folder of packed assets (`datamodules.open_v2.bundle`); in the cache when omitted.
        cache_dir: where caches lie; `$ZOO_CACHE` or `~/.cache/human-mesh-zoo` when omitted.
        generator_workers: processes that render; all cores when omitted.
        protocol: one of `protocols`, the first when omitted; they differ in what of the same pictures is scored.
        crops: see `BaseDataModule`.
        batch_size: see `BaseDataModule`.
        num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no such protocol, another body than the open one, or a split without samples.
    """

    protocols = tuple(protocol.id for protocol in OPEN_V2)

    def __init__(
        self,
        train_samples: int = 40000,
        val_samples: int = 500,
        image_size: int = 256,
        seed: int = 0,
        bundle: str | None = None,
        cache_dir: str | None = None,
        generator_workers: int | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(protocol, crops, batch_size, num_workers)
        self._samples = {"train": train_samples, "val": val_samples}
        check_samples(self._samples)
        self._size, self._seed, self._workers = image_size, seed, generator_workers
        self._root = cache_root(cache_dir)
        self._bundle = Path(bundle).expanduser() if bundle else self._root / "open-v2" / "bundle"

    def source(self, split: str) -> PhotoSource | ShippedSource:
        """Raw samples of a split; those that do not ship are rendered now unless they are cached.

        Raises:
            FileNotFoundError: assets are missing; the message says which and where to put them.
        """
        if split == "test":
            return ShippedSource(SHIPPED)
        wanted = self._split(split)
        return PhotoSource(ensure(wanted, self._root, self._workers), split, wanted.bundle / BACKGROUNDS)

    def fingerprint(self, split: str) -> str:
        """Hash of the shipped files, or see `PhotoSplit.fingerprint`."""
        if split == "test":
            return hashlib.sha256(" ".join(published(SHIPPED).values()).encode()).hexdigest()
        return self._split(split).fingerprint()

    def _split(self, name: str) -> PhotoSplit:
        if not all((self._bundle / file).is_file() for file in BUNDLE):
            make_bundle(self._root, self._bundle)
        return self.as_far_as_seen(PhotoSplit(name, self._samples[name], self._size, self._seed, self._bundle))
