"""Where the numbers of a run go: CSV always, TensorBoard and Weights & Biases when asked for."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from body.extras import import_extra
from zoo.cli.lightning_arguments import RunOptions
from zoo.errors import ZooError

PROJECT = "human-mesh-zoo"
SECONDS = 10
"""Weights & Biases waits for its server for 90 s before a run, and for ever after it; here it has so long."""


def run_loggers(options: RunOptions, root: Path) -> list[Logger]:
    """The loggers of a run.

    Args:
        options: of the command line.
        root: folder of the run.

    Raises:
        ZooError: TensorBoard is asked for and not installed, or the server of Weights & Biases is out of reach.
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
        import_extra("wandb", "wandb")
        settings = _settings_within(SECONDS) if options.wandb == "online" else {}
        loggers.append(
            WandbLogger(
                options.config,
                project=options.wandb_project or PROJECT,
                entity=options.wandb_entity,
                save_dir=root.resolve(),  # wandb writes from a process with a folder of its own
                offline=options.wandb == "offline",
                **settings,
            )
        )
    return loggers


def _settings_within(seconds: float) -> dict[str, Any]:
    """Options of `wandb.init` for a server that has to answer in time, after asking it once.

    What could not be sent by the end of a run stays in the folder of the run, for `wandb sync`.

    Raises:
        ZooError: there is no answer.
    """
    import wandb

    server = wandb.setup().settings.base_url
    try:
        urllib.request.urlopen(server, timeout=seconds).close()
    except urllib.error.HTTPError:
        pass  # an answer
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ZooError(
            f"Weights & Biases at {server} cannot be reached ({reason}); use --wandb offline, and wandb sync later"
        ) from None
    limits = {"init_timeout": 2 * seconds, "login_timeout": seconds, "finish_timeout": 6 * seconds}
    known = {name: limit for name, limit in limits.items() if name in wandb.Settings.model_fields}
    return {"settings": wandb.Settings(**known)}


def end_runs(options: RunOptions) -> None:
    """End the run of Weights & Biases: another one in the same process would otherwise go on writing into it."""
    if options.wandb is not None and sys.modules.get("wandb") is not None:
        import wandb

        wandb.finish()
