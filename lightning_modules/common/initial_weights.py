"""Training that starts from the weights of an earlier training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from lightning_modules.common.backbones import Backbone
from lightning_modules.common.plain_file import read_plain
from lightning_modules.common.shared_weights import read_weights

_BODY = re.compile(r"(network\.(?:\w+\.)*?)net\.")


def read_state(path: Path) -> dict[str, Tensor]:
    """State of a LightningModule from a Lightning checkpoint or a safetensors file; nothing in the file is run.

    A file of plain tensors by name, as other projects publish them, is read as it is.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file, a checkpoint without a state dict, or see `shared_weights.read_weights`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; name a Lightning checkpoint or a .safetensors file")
    if path.suffix == ".safetensors":
        return read_weights(path)[0]
    try:
        content = read_plain(path)
    except Exception as error:  # of many types; torch's messages advise to run whatever is in the file
        raise ValueError(
            f"{path} is damaged, or holds more than plain weights ({type(error).__name__}); nothing in it was run"
        ) from None
    state = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} is not a Lightning checkpoint; convert it, or name a .safetensors file")
    return dict(state)


def load_first_stage(network: nn.Module, path: Path, new: tuple[str, ...]) -> None:
    """Load an earlier stage of a network; its parts named in `new` are not in the file, or start anew.

    Args:
        network: as `module.network`.
        path: see `read_state`.
        new: names of direct children.

    Raises:
        FileNotFoundError: see `read_state`.
        ValueError: the file is of another network; the message names the first differences.
    """
    state = {
        key.removeprefix("network."): value for key, value in read_state(path).items() if key.startswith("network.")
    }
    state = {key: value for key, value in state.items() if key.partition(".")[0] not in new}
    kept = {key: value for key, value in network.state_dict().items() if key.partition(".")[0] in new}
    try:
        network.load_state_dict(state | kept, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{path} is of another network: {' '.join(str(error).split())[:300]}") from None


def load_part(part: nn.Module, name: str, path: Path) -> None:
    """Start a part of a network from that of other weights of the same method.

    Args:
        part: `network.<name>`.
        name: of the part.
        path: see `read_state`.

    Raises:
        FileNotFoundError: see `read_state`.
        ValueError: the file's part is another one, or it has none of this name.
    """
    prefix = f"network.{name}."
    state = {key.removeprefix(prefix): value for key, value in read_state(path).items() if key.startswith(prefix)}
    try:
        part.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{path} has another {name}: {' '.join(str(error).split())[:300]}") from None


def load_backbone(backbone: Backbone, path: Path) -> None:
    """Start a backbone from the one that another training of the zoo ended with.

    HRNet's pose networks for COCO (`pose_hrnet_w48_256x192.pth`, say), whose layers DaNet's backbone shares, are taken
    without their last layer. I2L-MeshNet's is cut in a stem and a body (`backbones.create_split_backbone`) whose layers
    keep the names of the whole network; of its two bodies PoseNet's, which sees the image alone, is taken. Any other
    method's is found whole.

    Args:
        backbone: whole, as `create_backbone` makes it.
        path: see `read_state`.

    Raises:
        FileNotFoundError: see `read_state`.
        ValueError: no backbone in the file has these layers; the message names the first differences.
    """
    state, own = read_state(path), backbone.state_dict()
    if "stage4.0.branches.0.0.conv1.weight" in state:  # HRNet as published
        state = {f"network.net.{key}": value for key, value in state.items() if not key.startswith("final_layer.")}
    stem = {
        f"net.{key.partition('stem.')[2]}": value for key, value in state.items() if key.startswith("network.stem.")
    }
    prefixes = sorted({match[1] for match in map(_BODY.match, state) if match}, key=lambda name: "mesh_" in name)
    if not prefixes:
        raise ValueError(f"{path} has no backbone; name weights of a method that has one")
    candidates = [
        stem | {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(f"{prefix}net.")}
        for prefix in prefixes
    ]
    fitting = next((candidate for candidate in candidates if candidate.keys() == own.keys()), candidates[0])
    try:
        backbone.load_state_dict(fitting, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{path} has another backbone: {' '.join(str(error).split())[:300]}") from None
