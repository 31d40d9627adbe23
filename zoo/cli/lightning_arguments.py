"""What `zoo` understands on a Lightning command line before Lightning reads it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.checkpoints.listing import get_checkpoint, read_checkpoints
from zoo.errors import ZooError
from zoo.resources import config_name, find_config

EVALUATIONS = ("validate", "test", "predict")


@dataclass(frozen=True)
class RunOptions:
    """A Lightning run as the user asked for it.

    Attributes:
        arguments: stage and Lightning's own options, configuration names resolved to files.
        config: short name of the first configuration, such as `i2l_meshnet/open_tiny`.
        weights: of the zoo, evaluated or trained on from; None for a random start or a checkpoint file.
        wandb: `offline`, `online`, or None for CSV only.
        results: folder for the result file of `zoo test`.
    """

    arguments: tuple[str, ...]
    config: str | None
    weights: str | None
    wandb: str | None
    results: Path | None

    @property
    def stage(self) -> str:
        """`fit`, `validate`, `test` or `predict`."""
        return self.arguments[0]


def parse(argv: Sequence[str]) -> RunOptions:
    """Take the zoo's options out of a Lightning command line and resolve the rest.

    An evaluation needs weights: `--ckpt_path`, `--weights`, or a configuration that one of the zoo's checkpoints was
    trained with.

    Args:
        argv: stage first, such as `["fit", "--config", "i2l_meshnet/open_tiny"]`.

    Raises:
        ZooError: unknown configuration or weights; an evaluation with no weights, or with two.
    """
    stage, parser = argv[0], _own_options(argv[0])
    own, rest = parser.parse_known_args(list(argv[1:]))
    weights = own.weights
    if {"-h", "--help"} & set(rest):
        parser.print_help()
        print("\nAll others are Lightning's:\n")
        return RunOptions((stage, *rest), None, None, None, None)
    has_file = any(argument.split("=")[0] == "--ckpt_path" for argument in rest)
    if weights and has_file and stage != "fit":  # a training from weights goes on where it was stopped
        raise ZooError("give --weights or --ckpt_path, not both")
    if weights and not own.config:
        own.config = [_training_config(weights)]
    if not own.config:
        raise ZooError(f"zoo {stage} needs --config, a file or a bundled name such as i2l_meshnet/open_tiny")
    paths = [find_config(name) for name in own.config]
    name = config_name(paths[0])
    if stage in EVALUATIONS and not (weights or has_file):
        weights = _weights_trained_with(name)
    root = f"--trainer.default_root_dir=outputs/{name}"  # first, so that a configuration may say otherwise
    configs = [f"--config={path}" for path in paths]
    return RunOptions((stage, root, *configs, *rest), name, weights, own.wandb, own.results)


def _own_options(stage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"zoo {stage}", add_help=False, allow_abbrev=False)
    show = parser.add_argument
    show("-c", "--config", action="append", default=[], help="file, or bundled name such as i2l_meshnet/open_tiny")
    show("--weights", metavar="NAME", help="of the zoo (see zoo list) or a .safetensors file; fit trains on from them")
    show("--wandb", nargs="?", const="online", choices=("online", "offline"), help="log to Weights & Biases as well")
    show("--results", type=Path, metavar="FOLDER", help="where test puts its result file")
    return parser


def _training_config(weights: str) -> str:
    listed = "/" not in weights and not weights.endswith(".safetensors")  # others are files and Hub repositories
    entry = get_checkpoint(weights) if listed else None
    if entry is None or entry.training is None or entry.training.config is None:
        raise ZooError(f"{weights} names no configuration; give --config")
    return entry.training.config


def _weights_trained_with(config: str) -> str:
    for entry in read_checkpoints().values():
        if entry.training is not None and entry.training.config == config and entry.availability == "bundled":
            return entry.name
    raise ZooError(f"no weights of the zoo were trained with {config}; give --ckpt_path FILE or --weights NAME")
