"""Which settings of the two stages go together, and how one stage comes to the weights of the other."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from lightning_modules.common.initial_weights import read_state
from lightning_modules.nbf.config import NBFConfig, NBFLossConfig, Stages


def check_stages(network: NBFConfig, losses: NBFLossConfig, train: Stages, segmenter_from: str | None) -> None:
    """Refuse settings that do not go together.

    Raises:
        ValueError: which do not.
    """
    without = network.segmenter == "none"
    if without and (network.input == "parts" or train == "segmenter" or segmenter_from):
        raise ValueError("without a segmenter set input: true_parts (or another one) and train: fitter")
    if network.encoder == "none" and train != "segmenter":
        raise ValueError("without an encoder there is nothing to fit; set train: segmenter")
    if segmenter_from and train != "fitter":
        raise ValueError("segmenter_from gives stage fitter its trained segmenter; set train: fitter")
    if network.input in ("rgb", "joints14", "joints24") and train == "both" and not without:
        raise ValueError(f"input: {network.input} needs no segmenter; set segmenter: none")
    if train != "segmenter" and not (losses.latent_weight or losses.joints3d_weight or losses.joints2d_weight):
        raise ValueError("the fitting stage has no loss; give latent_weight, joints3d_weight or joints2d_weight")


def segmenter_state(path: str, prefix: str) -> dict[str, Tensor]:
    """The segmenter's state in a checkpoint of the zoo, under `prefix`.

    Raises:
        ValueError: it has none.
    """
    start = "network."
    found = {
        prefix + key.removeprefix(start): value
        for key, value in read_state(Path(path)).items()
        if key.startswith(f"{start}segmenter.")
    }
    if not found:
        raise ValueError(f"{path} has no segmenter; name a checkpoint of an NBF that was trained with one")
    return found
