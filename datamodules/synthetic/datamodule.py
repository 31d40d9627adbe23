"""The open benchmark as a datamodule."""

from __future__ import annotations

from datamodules.settings import DEFAULT_CROPS, CropSettings
from datamodules.synthetic.cache import Split, cache_root, ensure
from datamodules.synthetic.dataset import SyntheticSource
from datamodules.synthetic.rendered import RenderedDataModule, check_samples
from datamodules.synthetic.rng import SPLITS
from metrics.protocols.open_benchmark import OPEN


class SyntheticDataModule(RenderedDataModule):
    """Rendered people on the open body, made on first use and cached.

    Args:
        train_samples: images to train on; any number, the first ones stay the same. A run whose `max_steps` end
            before it has seen them all makes only as many as it will see.
        val_samples: images to validate on.
        test_samples: images of the test split; 600 is the benchmark, anything else is not comparable.
        image_size: side of the images in pixels.
        seed: seed of the benchmark; 0 is the benchmark.
        cache_dir: where caches lie; `$ZOO_CACHE` or `~/.cache/human-mesh-zoo` when omitted.
        generator_workers: processes that make the images; all cores when omitted.
        protocol: one of `protocols`, the first when omitted; they differ in what of the same images is scored.
        crops: see `BaseDataModule`.
        batch_size: see `BaseDataModule`.
        num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no such protocol, another body than the open one, or a split without samples.
    """

    protocols = tuple(protocol.id for protocol in OPEN)

    def __init__(
        self,
        train_samples: int = 20000,
        val_samples: int = 500,
        test_samples: int = 600,
        image_size: int = 192,
        seed: int = 0,
        cache_dir: str | None = None,
        generator_workers: int | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(protocol, crops, batch_size, num_workers)
        samples = {"train": train_samples, "val": val_samples, "test": test_samples}
        check_samples(samples)
        self._splits = {name: Split(name, samples[name], image_size, seed) for name in SPLITS}
        self._cache_dir, self._generator_workers = cache_dir, generator_workers

    def source(self, split: str) -> SyntheticSource:
        """Raw samples of a split; they are made now unless they are cached."""
        folder = ensure(self._split(split), cache_root(self._cache_dir), self._generator_workers)
        return SyntheticSource(folder, split)

    def fingerprint(self, split: str) -> str:
        """See `datamodules.synthetic.scene.fingerprint`."""
        return self._split(split).fingerprint()

    def _split(self, name: str) -> Split:
        return self.as_far_as_seen(self._splits[name])
