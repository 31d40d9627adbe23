"""The detector's bundled weights: 8 bits per weight of the large convolutions, one scale per output channel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from body.atomic import atomic_file
from zoo.errors import ZooError
from zoo.prediction.detect.movenet import MoveNetPeople

WEIGHTS = Path(__file__).parent / "weights" / "movenet_people.safetensors"
_SCALE = ".scale"


def save_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write the state dict of a `MoveNetPeople`; biases and depthwise filters stay in half precision."""
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.ndim == 4 and value.shape[1] > 3:
            scale = (value.flatten(1).abs().amax(1).clamp(min=1e-12) / 127)[:, None, None, None]
            tensors[name] = (value / scale).round().to(torch.int8).contiguous()
            tensors[name + _SCALE] = scale.flatten().float()
        else:
            tensors[name] = value.half().contiguous()
    metadata = {"source": "MoveNet MultiPose Lightning v1, Google", "licence": "Apache-2.0"}
    with atomic_file(path) as partial:
        save_file(tensors, partial, metadata)


def load_detector(path: Path = WEIGHTS) -> MoveNetPeople:
    """The detector in eval mode, with the bundled weights.

    Raises:
        ZooError: the file is missing or damaged.
    """
    try:
        tensors = load_file(path)
        state = {name: value for name, value in tensors.items() if not name.endswith(_SCALE)}
        for name, value in state.items():
            scale = tensors.get(name + _SCALE)
            state[name] = value.float() if scale is None else value.float() * scale[:, None, None, None]
        network = MoveNetPeople()
        network.load_state_dict(state)
    except Exception as error:  # safetensors and torch raise various types for damaged files
        raise ZooError(f"{path} is missing or damaged ({type(error).__name__}); reinstall human-mesh-zoo") from None
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
