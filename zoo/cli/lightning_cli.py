"""`zoo fit|validate|test|predict --config ...`: Lightning's command line with the zoo's defaults."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint, ProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from datamodules.files import DamagedData
from zoo.checkpoints.lightning_files import AtomicCheckpointIO, check_checkpoint
from zoo.cli.callbacks import PredictionWriter, SaveOrigin, progress_callbacks
from zoo.cli.import_policy import allow_imports
from zoo.cli.json_output import json_alone
from zoo.cli.lightning_arguments import RunOptions, parse_run_options
from zoo.cli.links import link_data
from zoo.cli.open_files import allow_open_files
from zoo.cli.pictures import LogPictures
from zoo.cli.run_loggers import end_runs, run_loggers
from zoo.cli.run_reports import report_run, report_test
from zoo.cli.runs import describe_starts, follow_starts, set_aside
from zoo.documents.configs import flatten, nest
from zoo.errors import ZooError, one_line
from zoo.results.evaluation import command_line
from zoo.results.quiet import quiet_lightning

if TYPE_CHECKING:
    from zoo.results.result import WeightsIdentity


class ZooCLI(LightningCLI):
    """Any of our methods with any of our datamodules, chosen by `class_path` in the configuration.

    In addition to Lightning's: all output is under `trainer.default_root_dir`, named after the configuration; CSV logs;
    checkpoints in one folder, for `--ckpt_path last`; Ctrl-C saves one.

    Args:
        options: the parsed command line.
    """

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self.overrides: dict[str, Any] = {}
        self.identity: WeightsIdentity | None = None
        super().__init__(
            pl.LightningModule,
            pl.LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,  # schedules are in the modules
            seed_everything_default=0,
            trainer_defaults={"enable_model_summary": False},  # it runs a forward pass
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"exit_on_error": False, options.stage: {"exit_on_error": False}},  # see zoo.cli.boundary
            args=list(options.arguments),
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The data's crops, joints, body and protocol are the model's."""
        link_data(parser)

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Lightning's, without its table of every action's every metric unless `--verbose true` asks for it."""
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        if subcommand in ("validate", "test"):
            parser.set_defaults({"verbose": False})
        return parser

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """As Lightning does, without its warning that `sys.argv` is not empty."""
        self.config = parser.parse_args(args)

    def before_instantiate_classes(self) -> None:
        """Refuse a checkpoint that cannot be one before anything is built."""
        check_checkpoint(self._get(self.config, "ckpt_path"))

    def _parse_ckpt_path(self) -> None:
        """Does nothing: the configuration says what the model is, a checkpoint only fills it."""

    def instantiate_classes(self) -> None:
        """Build data, model and trainer; weights of the zoo determine the hyper-parameters."""
        try:
            super().instantiate_classes()
        except ValueError as error:  # of a constructor; jsonargparse wraps it in its own
            raise ZooError(one_line(error.__cause__ or error)) from error
        if self.options.weights is not None:
            from zoo.checkpoints.load import load

            self.overrides = self._model_overrides()
            self.model = load(self.options.weights, **self.overrides)
        if self.options.stage == "fit":
            from zoo.checkpoints.files import resolve_starts

            resolve_starts(self.model)

    def before_fit(self) -> None:
        """A run that does not go on from a checkpoint gets an empty folder; say what a stage starts from."""
        folder = Path(self._get(self.config_init, "trainer")["default_root_dir"]) / "checkpoints"
        saving = self.trainer.checkpoint_callback is not None and self.trainer.is_global_zero
        if saving and self.config.fit.ckpt_path is None:
            moved = set_aside(folder)
            if moved is not None:
                print(f"The checkpoints of an earlier run are now in {moved}")
                follow_starts(self.model, folder, moved)
        for line in describe_starts(self.model) if self.trainer.is_global_zero else ():
            print(line)

    def before_test(self) -> None:
        """Know which weights are tested before hours are spent on it."""
        path = self.config.test.ckpt_path
        if self.options.weights is not None or (path is not None and Path(path).is_file()):
            self.identity = self.identify(self.options.weights or path)

    def identify(self, weights: str) -> WeightsIdentity:
        """Name and checksum of weights or of a checkpoint file, with the options that change them.

        Raises:
            ZooError: there are no such weights.
        """
        from zoo.checkpoints.load import identify_weights

        return identify_weights(weights, self.overrides)

    def _model_overrides(self) -> dict[str, Any]:
        """Model options of the command line; those of a configuration do not apply to trained weights.

        But for the protocol and the source of the root's depth, which say what is measured.
        """
        typed = [argument.partition("=")[0].rstrip("+") for argument in self.options.arguments]
        names = [name.removeprefix("--model.").removeprefix("init_args.") for name in typed if "--model." in name]
        settings = flatten(self.plain_config()["model"]["init_args"])
        names += [name for name in ("protocol", "root_depth") if settings.get(name)]
        chosen = {key: settings[key] for name in names for key in settings if f"{key}.".startswith(f"{name}.")}
        return nest(dict(sorted(chosen.items())))

    def plain_config(self) -> dict[str, Any]:
        """Everything the run is configured by, as plain values."""
        text = self.parser.dump(self.config, skip_none=False, skip_link_targets=False)
        return yaml.safe_load(text)[self.options.stage]

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
        has_bar = any(isinstance(callback, ProgressBar) for callback in callbacks)
        callbacks += progress_callbacks(root, config["enable_progress_bar"] is not False and not has_bar)
        if self.options.tensorboard or self.options.wandb or config["logger"]:
            callbacks.append(LogPictures())
        callbacks.append(SaveOrigin(command_line(), self.options.config or ""))
        kwargs["callbacks"] = [*callbacks, PredictionWriter(root / "predictions")]
        kwargs["enable_progress_bar"] = any(isinstance(callback, ProgressBar) for callback in callbacks)
        kwargs["plugins"] = [*_as_list(config["plugins"]), AtomicCheckpointIO()]
        if config["logger"] is None:
            kwargs["logger"] = run_loggers(self.options, root)
        return super().instantiate_trainer(**kwargs)

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """Lightning's, with checkpoints read as plain tensors where this Lightning has the option (2.6).

        Predictions are written batch by batch and not kept in memory.
        """
        kwargs = super()._prepare_subcommand_kwargs(subcommand)
        ours = {"weights_only": True, "return_predictions": False}
        return {**kwargs, **{name: value for name, value in ours.items() if name in kwargs}}


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def main(argv: Sequence[str]) -> int:
    """Run `STAGE --config ...` and return the exit code.

    Raises:
        ZooError: missing configuration, weights, data or body model, damaged data, or evaluation without weights.
    """
    import torch

    torch.set_flush_denormal(True)  # subnormals are slow on some CPUs; before threads start
    os.environ.setdefault("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")  # checkpoints must not run code
    options = parse_run_options(argv)
    allow_open_files()
    quiet_lightning()
    allow_imports(options.trust)
    with json_alone(options.json):
        try:
            cli = ZooCLI(options)
        except (FileNotFoundError, DamagedData) as error:  # last line: worker processes put a traceback before it
            raise ZooError(str(error).strip().splitlines()[-1]) from error
        finally:
            end_runs(options)
        return report_test(cli, options) if options.stage == "test" else report_run(cli, options)
