"""A training's batches that go on in the middle of an epoch, where a checkpoint was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader


class ResumableBatches(BatchSampler):
    """As `BatchSampler`; the first `skip` batches of the next epoch are left out, and their images are never read."""

    skip = 0

    def __iter__(self) -> Iterator[list[int]]:
        skip, self.skip = self.skip, 0
        return islice(super().__iter__(), skip, None)


class Resumable(DataLoader[dict[str, Any]]):
    """A loader whose state Lightning writes into checkpoints.

    It is the order of the epoch, how much of it was given, and the state of this process's random numbers. A training
    that is resumed gets the batches that an uninterrupted one would have got. Augmentations are the same too without
    workers; workers draw them anew.
    """

    over: Callable[[], bool] | None = None
    """Whether the epoch ends here although there are more batches, as with `limit_train_batches`."""
    _seed: int | None = None
    _given = _length = 0
    _state: Mapping[str, Any] | None = None

    def begin(self) -> int:
        """Start an epoch, or go on with the loaded one: how many batches of it were given before."""
        state, self._state = self._state or {"seed": None, "given": 0, "random": None}, None
        if state["random"] is not None and not torch.distributed.is_initialized():  # it is that of the first process
            torch.set_rng_state(state["random"])
        self._seed = int(torch.randint(2**62, ())) if state["seed"] is None else state["seed"]
        self._given = int(state["given"])
        return self._given

    def counted(self, batches: Iterable[dict[str, Any]], length: int) -> Iterator[dict[str, Any]]:
        """The same batches, each of which counts as given, of an epoch of some length."""
        self._length = length
        for batch in batches:
            self._given += 1
            yield batch

    @property
    def pending(self) -> bool:
        """Whether a state was loaded from which no batch has been given yet."""
        return self._state is not None

    def state_dict(self) -> dict[str, Any]:
        """Where the epoch is; between two epochs the next one starts anew."""
        ended = self._given >= self._length or (self.over is not None and self.over())
        return {
            "seed": None if ended else self._seed,
            "given": 0 if ended else self._given,
            "random": torch.get_rng_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next epoch go on from a state."""
        self._state = dict(state)


class ResumableLoader(Resumable):
    """Batches by `ResumableBatches`, shuffled by the loader's own generator."""

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        given = self.begin()
        if self.generator is not None:
            self.generator.manual_seed(self._seed or 0)
        if isinstance(self.batch_sampler, ResumableBatches):
            self.batch_sampler.skip = given
        return self.counted(super().__iter__(), len(self))
