"""What a frozen backbone says of augmented crops, computed once: heads that read it then train many times faster.

`python -m benchmarks.cached_maps --samples train.samples --bundle BUNDLE --out CACHE` computes it with `people_movenet`
and goes on where it was interrupted; `benchmarks.gpu_training --maps CACHE` trains on it.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from datamodules.batch import Batch
from datamodules.open_v2.augment.draw import GeometryRange
from datamodules.open_v2.feed.background import Backgrounds, bundle_backgrounds, plain_backgrounds
from datamodules.open_v2.feed.batch import BatchMaker
from datamodules.open_v2.feed.buffer import ReplayBuffer
from datamodules.settings import CropSettings
from lightning_modules.common.backbones import Backbone, create_pyramid
from lightning_modules.common.backbones.movenet_people import PeopleMoveNet
from lightning_modules.common.normalisation import Normalise

SIDE = 192
"""Of the crops."""
_SHAPES = {
    "said": (145, 48, 48),
    "eighth": (96, 24, 24),
    "sixteenth": (96, 12, 12),
    "last": (320, 6, 6),
    "top": (96, 6, 6),
}
_LABELS = {
    "joints": (36, 3),
    "intrinsics": (3, 3),
    "crop_affine": (2, 3),
    "box": (4,),
    "pose": (24, 3),
    "betas": (10,),
    "transl": (3,),
}
_ROW = np.dtype(
    [(name, np.float16, shape) for name, shape in _SHAPES.items()]
    + [(name, np.float32, shape) for name, shape in _LABELS.items()]
    + [("iuv", np.uint8, (3, SIDE, SIDE))]
)
_CHUNK = 16


class CachedMaps:
    """Rows of maps and labels on disk.

    Args:
        file: of `main`.
    """

    def __init__(self, file: Path) -> None:
        count = int(file.with_suffix(".count").read_text())
        self._rows = np.memmap(file, _ROW, "r", shape=(count,))

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, positions: Any) -> dict[str, Tensor]:
        """Maps and labels of some rows."""
        rows = self._rows[np.sort(positions)]
        return {name: torch.from_numpy(np.ascontiguousarray(rows[name])) for name in _ROW.names or ()}


class MapBatches:
    """An endless loader of batches whose images are black: what the backbone said of them is in `maps`.

    Args:
        cache: of maps and labels.
        maker: of the method's own batches.
        size: of a batch.
    """

    def __init__(self, cache: CachedMaps, maker: BatchMaker, size: int) -> None:
        self._cache, self._maker, self._size = cache, maker, size

    def __iter__(self) -> Iterator[Batch]:
        rng, settings = np.random.default_rng(), self._maker.settings
        if settings.size != SIDE:
            raise ValueError(f"maps of crops of {SIDE} pixels are kept, not of {settings.size}")
        while True:
            found = self._cache.take(rng.choice(len(self._cache), self._size, replace=False))
            step = SIDE // settings.label_size
            found["iuv"] = found["iuv"][..., step // 2 :: step, step // 2 :: step]
            image = torch.zeros(1, 3, 1, 1).expand(self._size, 3, SIDE, SIDE)
            batch = self._maker.of_labels(found, image, GeometryRange.none(self._size, torch.device("cpu")))
            yield cast(Batch, {**batch, "maps": {name: found[name].float() for name in _SHAPES}})


def read_from_maps(module: nn.Module) -> Callable[[], None]:
    """Let the frozen backbone of a method answer with a batch's `maps`; returns what undoes it."""
    network, losses = cast(nn.Module, module.network), cast(Callable[..., Any], module.losses)
    nets = [part for part in network.modules() if isinstance(part, Backbone) and isinstance(part.net, PeopleMoveNet)]
    stem = getattr(network, "stem", None)
    current: dict[str, Tensor] = {}

    def of_batch(batch: dict[str, Any]) -> Any:
        current.update(batch["maps"])
        return losses(batch)

    for backbone in nets:
        backbone.forward = functools.partial(_maps_of, cast(PeopleMoveNet, backbone.net), current)  # type: ignore[method-assign]
    if stem is not None:
        stem.forward = lambda image: image
    module.losses = of_batch  # type: ignore[method-assign, assignment]

    def undo() -> None:
        for part in (*nets, *([] if stem is None else [stem])):
            del part.forward
        del module.losses

    return undo


def _maps_of(net: PeopleMoveNet, said: dict[str, Tensor], _: Tensor) -> list[Tensor]:
    maps = [said["said"], said["eighth"], said["sixteenth"], said["last"]]
    if net.folded:
        maps = net.fold(maps, said["top"])
    return [maps[index].contiguous(memory_format=torch.channels_last) for index in net.wanted]


@torch.no_grad()
def main() -> None:
    """Compute the maps of as many crops as asked for."""
    options = _options()
    torch.manual_seed(options.seed)
    device = torch.device("cpu")
    buffer = ReplayBuffer(options.capacity, options.picture, device, options.samples)
    bank = plain_backgrounds() if options.bundle is None else bundle_backgrounds(options.bundle, options.views)
    backgrounds = Backgrounds(bank, device)
    maker = BatchMaker(CropSettings(skeleton="open36", size=SIDE), backgrounds, device, vertices=False)
    backbone = create_pyramid("people_movenet", options.weights or True).eval().to(memory_format=torch.channels_last)
    normalise, net = Normalise(backbone.mean, backbone.std), cast(PeopleMoveNet, backbone.net)
    top: list[Tensor] = []
    net.people_top.register_forward_hook(lambda *call: top.__setitem__(slice(None), [call[-1]]))
    done = 0
    if options.out.is_file():
        done = int(options.out.with_suffix(".count").read_text())
    mode = "r+" if options.out.is_file() else "w+"
    rows, started = np.memmap(options.out, _ROW, cast(Any, mode), shape=(options.count,)), time.monotonic()
    order = torch.randperm(len(buffer)).repeat(1 + options.count // len(buffer))
    for start in range(done, options.count, _CHUNK):
        chosen = order[start : min(start + _CHUNK, options.count)]
        batch = cast(dict[str, Tensor], maker.train(buffer.take(chosen)))
        image = normalise(batch["image"])
        found = [*net(image), *top]
        for name, values in zip(_SHAPES, found, strict=True):
            rows[name][start : start + len(chosen)] = values.numpy()
        for name in (*_LABELS, "iuv"):
            rows[name][start : start + len(chosen)] = batch[name].numpy()
        options.out.with_suffix(".count").write_text(str(start + len(chosen)))
        if start // _CHUNK % 20 == 0:
            print(f"{start + len(chosen)} of {options.count} after {time.monotonic() - started:.0f} s", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--samples", type=Path, required=True, help="that `gpu_training --keep` left")
    add("--bundle", type=Path, help="assets of open-v2; backgrounds without photographs when omitted")
    add("--out", type=Path, required=True)
    add("--count", type=int, default=4000, help="crops, 0.96 MB each")
    add("--weights", help="of the backbone; those that ship when omitted")
    add("--capacity", type=int, default=140_000, help="as it was given to gpu_training")
    add("--picture", type=int, default=256, help="as it was given to gpu_training")
    add("--views", type=int, default=600)
    add("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
