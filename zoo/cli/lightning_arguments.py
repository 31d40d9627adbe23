"""The zoo's options on a Lightning command line, parsed before Lightning parses the rest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from body.choices import closest
from zoo.checkpoints.listing import get_checkpoint, read_checkpoints
from zoo.cli.argument_errors import OneLineParser
from zoo.cli.import_policy import check_class_paths
from zoo.cli.json_output import add_json
from zoo.cli.links import refuse_linked
from zoo.documents.configs import base_names, read_config
from zoo.documents.resources import config_name, find_config
from zoo.errors import ZooError

EVALUATIONS = ("validate", "test", "predict")
_OF_LIGHTNING = (
    "help", "debug", "model", "data", "trainer", "optimizer", "lr_scheduler", "seed_everything", "ckpt_path",
    "print_config", "verbose", "weights_only", "return_predictions",
)  # fmt: skip


@dataclass(frozen=True)
class RunOptions:
    """Options of a Lightning run.

    Attributes:
        arguments: stage and Lightning's options, with configurations as they are once their bases are filled in.
        config: short name of the first configuration, such as `i2l_meshnet/open_tiny`.
        weights: of the zoo, to evaluate or to train from; None for random initialisation or a checkpoint file.
        wandb: log to Weights & Biases, `offline` or `online`; None for not at all.
        wandb_project, wandb_entity: whose runs these are there; `human-mesh-zoo` and the user's own when omitted.
        tensorboard: write TensorBoard's files.
        results: folder of the result file of `zoo test`.
        json: print what was measured as JSON, alone on standard output.
        trust: whether configurations may name any installed class, and modules of the current folder.
    """

    arguments: tuple[str, ...]
    config: str | None
    weights: str | None
    wandb: str | None
    results: Path | None
    trust: bool = False
    wandb_project: str | None = None
    wandb_entity: str | None = None
    tensorboard: bool = False
    json: bool = False

    @property
    def stage(self) -> str:
        """`fit`, `validate`, `test` or `predict`."""
        return self.arguments[0]


def parse_run_options(argv: Sequence[str]) -> RunOptions:
    """Extract the zoo's options from a Lightning command line, and resolve names.

    Evaluation needs weights: `--ckpt_path`, `--weights`, or the configuration that bundled weights were trained with,
    or one that is based on it.

    Args:
        argv: stage first, such as `["fit", "--config", "i2l_meshnet/open_tiny"]`.

    Raises:
        ZooError: unknown configuration or weights; evaluation without weights, or with two of them.
    """
    stage, parser = argv[0], _make_parser(argv[0])
    options, rest = parser.parse_known_args(list(argv[1:]))
    _refuse_misspelt(rest, parser)
    weights = options.weights
    if {"-h", "--help"} & set(rest):
        parser.print_help()
        print("\nAll others are Lightning's:\n")
        return RunOptions((stage, *rest), None, None, None, None)
    if any(word.partition("=")[0].endswith(".help") for word in rest):  # --model.help [CLASS] needs no configuration
        return RunOptions((stage, *rest), None, None, None, None)
    has_file = any(argument.split("=")[0] == "--ckpt_path" for argument in rest)
    if weights and has_file and stage != "fit":  # a training from weights may be resumed from its checkpoint
        raise ZooError("give --weights or --ckpt_path, not both")
    if weights and not options.config:
        options.config = [_training_config(weights)]
    if options.wandb is None and (options.wandb_project or options.wandb_entity):
        raise ZooError("--wandb-project and --wandb-entity belong to --wandb; add it")
    if not options.config:
        raise ZooError(f"zoo {stage} needs --config, a file or a bundled name such as i2l_meshnet/open_tiny")
    paths = [find_config(name) for name in options.config]
    name = config_name(paths[0])
    root = f"--trainer.default_root_dir=outputs/{name}"  # first, so that a configuration may override it
    resolved = [read_config(path) for path in paths]
    for path, tree in zip(paths, resolved, strict=True):
        refuse_linked(tree, rest)
        if not options.trust:
            check_class_paths(tree, str(path))
    if stage in EVALUATIONS and not (weights or has_file):
        weights = _weights_trained_with(paths[0])
    configs = [f"--config={yaml.safe_dump(tree, sort_keys=False)}" for tree in resolved]
    return RunOptions(
        (stage, root, *configs, *rest),
        name,
        weights,
        options.wandb,
        options.results,
        options.trust,
        options.wandb_project,
        options.wandb_entity,
        options.tensorboard,
        options.json,
    )


def _refuse_misspelt(words: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Refuse what is nearly an option of the zoo; others without a point are Lightning's to refuse."""
    for word in words:
        name = word.partition("=")[0]
        if not name.startswith("--") or "." in name or name.removeprefix("--").replace("-", "_") in _OF_LIGHTNING:
            continue
        near = closest(name, [*parser._option_string_actions, *(f"--{one}" for one in _OF_LIGHTNING)])
        if near:
            raise ZooError(f"no option {name}; did you mean {' or '.join(near)}?")


def _make_parser(stage: str) -> argparse.ArgumentParser:
    parser = OneLineParser(f"zoo {stage}", add_help=False, allow_abbrev=False)
    add_zoo_options(parser)
    return parser


def add_zoo_options(parser: argparse.ArgumentParser) -> None:
    """The options that Lightning's command line does not have."""
    add = parser.add_argument
    add("-c", "--config", action="append", default=[], help="file, or bundled name such as i2l_meshnet/open_tiny")
    add("--weights", metavar="NAME", help="of the zoo (see zoo list), .safetensors or .ckpt; fit continues from them")
    add("--wandb", nargs="?", const="online", choices=("online", "offline"), help="log to Weights & Biases as well")
    add("--wandb-project", metavar="NAME", help="of Weights & Biases (default: human-mesh-zoo)")
    add("--wandb-entity", metavar="NAME", help="user or team of Weights & Biases")
    add("--tensorboard", action="store_true", help="write TensorBoard's files as well (pip install tensorboard)")
    add("--results", type=Path, metavar="FOLDER", help="for the result file of test")
    add_json(parser)
    add("--trust", action="store_true", help="let configurations name any installed class and modules in this folder")


def _training_config(weights: str) -> str:
    elsewhere = "/" in weights or weights.endswith((".safetensors", ".ckpt"))  # a file or a Hub repository
    entry = None if elsewhere else get_checkpoint(weights)
    if entry is None or entry.training is None or entry.training.config is None:
        raise ZooError(f"{weights} names no configuration; give --config")
    return entry.training.config


def _weights_trained_with(path: Path) -> str:
    config = config_name(path)
    for name in (config, *base_names(path)):
        for entry in read_checkpoints().values():
            if entry.training is not None and entry.training.config == name and entry.availability == "bundled":
                return entry.name
    raise ZooError(f"no weights of the zoo were trained with {config}; give --ckpt_path FILE or --weights NAME")
