"""`zoo fit|validate|test|predict --config ...`: Lightning's command line with the zoo's defaults."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

from datamodules.files import DamagedData
from zoo.cli.callbacks import PredictionWriter, progress_callbacks
from zoo.cli.lightning_arguments import RunOptions, parse
from zoo.errors import ZooError


class ZooCLI(LightningCLI):
    """Any of our methods with any of our datamodules, chosen by `class_path` in the configuration.

    What it adds to Lightning's own: everything is written under `trainer.default_root_dir`, which follows the name of
    the configuration; CSV logs; checkpoints in one folder, so that `--ckpt_path last` finds them; Ctrl-C saves one.

    Args:
        options: the parsed command line.
    """

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self.changed: dict[str, Any] = {}
        super().__init__(
            pl.LightningModule,
            pl.LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,  # the schedule is part of a method, see its module
            seed_everything_default=0,
            trainer_defaults={"enable_model_summary": False},  # it runs a forward pass to count operations
            save_config_kwargs={"overwrite": True},
            args=list(options.arguments),
        )

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Lightning's, without its table of every action's every metric unless `--verbose true` asks for it."""
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        if subcommand in ("validate", "test"):
            parser.set_defaults({"verbose": False})
        return parser

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """As Lightning does, without its warning that `sys.argv` is not empty."""
        self.config = parser.parse_args(args)

    def _parse_ckpt_path(self) -> None:
        """Does nothing: the configuration says what the model is, a checkpoint only fills it."""

    def instantiate_classes(self) -> None:
        """Build data, model and trainer; weights of the zoo bring hyper-parameters of their own."""
        super().instantiate_classes()
        if self.options.weights is not None:
            from zoo.checkpoints.load import load

            self.changed = self._model_overrides()
            self.model = load(self.options.weights, **self.changed)
        start = getattr(self.model, "backbone_from", None)
        if start is not None and self.options.stage == "fit":
            from zoo.checkpoints.files import starting_weights

            self.model.backbone_from = str(starting_weights(start))

    def _model_overrides(self) -> dict[str, Any]:
        """Values of the model's options that were typed; those of a configuration do not change finished weights."""
        typed = {argument.partition("=")[0] for argument in self.options.arguments}
        names = {name.removeprefix("--model.") for name in typed if name.startswith("--model.")}
        names = {name.removeprefix("init_args.").partition(".")[0] for name in names}
        settings = self._get(self.config, "model")["init_args"]
        return {name: settings[name] for name in sorted(names)}

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """The trainer with our logger, checkpoint folder and progress display where the configuration has none."""
        config = self._get(self.config_init, "trainer")
        root = Path(config["default_root_dir"])
        callbacks = list(config["callbacks"] or [])
        savers = [callback for callback in callbacks if isinstance(callback, ModelCheckpoint)]
        if config["enable_checkpointing"] is not False and not savers:
            callbacks.append(ModelCheckpoint(root / "checkpoints", save_last=True))
        for saver in savers:
            saver.dirpath = saver.dirpath or str(root / "checkpoints")  # one folder for all runs: `--ckpt_path last`
        shown = progress_callbacks(root, config["enable_progress_bar"] is not False)
        kwargs["callbacks"] = [*callbacks, *shown, PredictionWriter(root / "predictions")]
        kwargs["enable_progress_bar"] = any("ProgressBar" in type(callback).__name__ for callback in shown)
        if config["logger"] is None:
            kwargs["logger"] = self._loggers(root)
        return super().instantiate_trainer(**kwargs)

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """Lightning's, with checkpoints read as plain tensors where this Lightning has the option (2.6).

        Predictions are written batch by batch and not kept in memory.
        """
        kwargs = super()._prepare_subcommand_kwargs(subcommand)
        ours = {"weights_only": True, "return_predictions": False}
        return {**kwargs, **{name: value for name, value in ours.items() if name in kwargs}}

    def _loggers(self, root: Path) -> list[Logger]:
        loggers: list[Logger] = [CSVLogger(root, name="logs")]
        if self.options.wandb is not None:
            offline = self.options.wandb == "offline"
            loggers.append(WandbLogger(self.options.config, project="human-mesh-zoo", save_dir=root, offline=offline))
        return loggers


def main(argv: Sequence[str]) -> int:
    """Run `STAGE --config ...` and return the exit code.

    Raises:
        ZooError: a configuration, weights, data or a body that are not there, damaged data, or an evaluation without
            weights.
    """
    import torch

    torch.set_flush_denormal(True)  # some CPUs are slow on subnormal numbers; threads that run already would not follow
    os.environ.setdefault("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")  # a checkpoint from a stranger must not run code
    options = parse(argv)
    try:
        cli = ZooCLI(options)
    except (FileNotFoundError, DamagedData) as error:  # the last line: a loader's process puts its traceback before
        raise ZooError(str(error).strip().splitlines()[-1]) from error
    if options.stage == "test":
        _store(cli, options)
    return 0


def _store(cli: ZooCLI, options: RunOptions) -> None:
    """Write the result file of a complete test run; a partial one is shown by Lightning and not kept."""
    import yaml
    from rich.console import Console

    from zoo.checkpoints.load import identify
    from zoo.results.evaluation import command_line, make_test_result, result_table
    from zoo.results.result import write_result

    if not cli.trainer.is_global_zero:
        return
    config = yaml.safe_load(cli.parser.dump(cli.config, skip_none=False))["test"]
    try:
        weights = identify(options.weights or str(cli.trainer.ckpt_path), cli.changed)
        result = make_test_result(cli.trainer, cli.model, cli.datamodule, weights, config, command_line())
    except ZooError as error:
        print(f"No result is stored: {error}")
        return
    path = write_result(result, options.results)
    Console().print(result_table(result), f"Stored {path}", sep="\n", highlight=False, soft_wrap=True)
