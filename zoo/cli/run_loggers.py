"""Where the numbers of a run go: CSV always, TensorBoard and Weights & Biases when asked for."""

from __future__ import annotations

from pathlib import Path

from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from zoo.cli.lightning_arguments import RunOptions
from zoo.errors import ZooError

PROJECT = "human-mesh-zoo"


def run_loggers(options: RunOptions, root: Path) -> list[Logger]:
    """The loggers of a run.

    Args:
        options: of the command line.
        root: folder of the run.

    Raises:
        ZooError: TensorBoard is asked for and not installed.
    """
    loggers: list[Logger] = [CSVLogger(root, name="logs")]
    if options.tensorboard:
        try:
            loggers.append(TensorBoardLogger(root, name="tensorboard"))
        except ModuleNotFoundError:
            raise ZooError(
                "TensorBoard is not installed: pip install tensorboard, or leave out --tensorboard"
            ) from None
    if options.wandb is not None:
        loggers.append(
            WandbLogger(
                options.config,
                project=options.wandb_project or PROJECT,
                entity=options.wandb_entity,
                save_dir=root.resolve(),  # wandb writes from a process with a folder of its own
                offline=options.wandb == "offline",
            )
        )
    return loggers


def end_runs(options: RunOptions) -> None:
    """End the run of Weights & Biases: another one in the same process would otherwise go on writing into it."""
    if options.wandb is not None:
        import wandb

        wandb.finish()
