"""Eval mode for as long as any thread predicts with a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from torch import nn

_lock = threading.Lock()
_running: WeakKeyDictionary[nn.Module, tuple[int, bool]] = WeakKeyDictionary()
"""Model -> predictions under way, and whether it was in train mode before the first of them."""


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """A model in eval mode; it returns to train mode, as a training leaves it, once nobody needs eval mode any more."""
    with _lock:
        count, training = _running.get(model, (0, model.training))
        if count == 0:
            model.eval()
        _running[model] = count + 1, training
    try:
        yield
    finally:
        with _lock:
            count, training = _running.pop(model)
            if count > 1:
                _running[model] = count - 1, training
            elif training:
                model.train()
