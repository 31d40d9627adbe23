"""Training that starts from the weights of an earlier training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn


def read_state(path: Path) -> dict[str, Tensor]:
    """State of a LightningModule from a Lightning checkpoint or a safetensors file; nothing in the file is run.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a checkpoint without a state dict.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; train the first stage, or name its checkpoint in start_from")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    content = torch.load(path, map_location="cpu", weights_only=True)
    if "state_dict" not in content:
        raise ValueError(f"{path} is not a Lightning checkpoint; convert it, or name a .safetensors file")
    return content["state_dict"]


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
