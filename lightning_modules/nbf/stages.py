"""Which settings of the two stages go together, and how one stage comes to the weights of the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_modules.common.initial_weights import read_state
from lightning_modules.nbf.encoder_input import INPUTS
from lightning_modules.nbf.losses import DISTANCES

STAGES = ("both", "segmenter", "fitter")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse settings that are unknown or do not go together."""
    for name, known in (("train", STAGES), ("input", INPUTS), ("distance", DISTANCES)):
        if settings[name] not in known:
            raise ValueError(f"no {name} {settings[name]!r}; use one of {', '.join(known)}")
    if settings["crop_size"] % 32:
        raise ValueError(f"crop_size {settings['crop_size']} is not a multiple of 32; use e.g. 128 or 512")
    without = settings["segmenter"] == "none"
    if without and (settings["input"] == "parts" or settings["train"] == "segmenter" or settings["segmenter_from"]):
        raise ValueError("without a segmenter set input: true_parts (or another one) and train: fitter")
    if settings["encoder"] == "none" and settings["train"] != "segmenter":
        raise ValueError("without an encoder there is nothing to fit; set train: segmenter")
    if settings["segmenter_from"] and settings["train"] != "fitter":
        raise ValueError("segmenter_from gives stage fitter its trained segmenter; set train: fitter")
    if settings["input"] in ("rgb", "joints14", "joints24") and settings["train"] == "both" and not without:
        raise ValueError(f"input: {settings['input']} needs no segmenter; set segmenter: none")
    if settings["parts_every"] < 1:
        raise ValueError("parts_every counts steps; give 1 for every step")
    weights = [settings[f"{name}_weight"] for name in ("latent", "joints3d", "joints2d")]
    if settings["train"] != "segmenter" and not any(weights):
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
