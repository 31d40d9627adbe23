"""Where weights stand on photographs, in one line."""

from __future__ import annotations

from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.listing import read_checkpoints


def on_photographs(entry: Checkpoint) -> str:
    """What was measured on photographs of sports, or what the training lets expect; empty where nothing is known."""
    measured = entry.results.get("lsp-test-2d")
    if measured is not None:
        return (
            f"in photographs of sports (LSP) {measured['pck']:g} % of limb joints are within a fifth of the torso; "
            "depth and shape were learnt from renderings alone"
        )
    if entry.training is not None and "open benchmark" in entry.training.data:
        return "trained on rendered people only; expect large errors on photographs"
    return ""


def listed_on_photographs(name: str) -> str:
    """The same of the weights with this name; empty for weights that are not listed."""
    entry = read_checkpoints().get(name)
    return "" if entry is None else on_photographs(entry)
