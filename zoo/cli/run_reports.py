"""What a Lightning command says at its end: the table of a test and its result file, or with `--json` the facts."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from zoo.cli.json_output import print_json
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.cli.lightning_arguments import RunOptions
    from zoo.cli.lightning_cli import ZooCLI


def report_run(cli: ZooCLI, options: RunOptions) -> int:
    """Print after fit where its checkpoint is, and with `--json` the folder, the numbers and the checkpoints."""
    if not cli.trainer.is_global_zero:
        return 0
    saver = cli.trainer.checkpoint_callback
    files = {kind: getattr(saver, f"{kind}_model_path", "") or None for kind in ("last", "best")}
    if options.stage == "fit" and files["last"]:
        print(f"Checkpoint {os.path.relpath(files['last'])}; zoo test --ckpt_path and zoo package take it")
    if options.json:
        print_json(
            {
                "stage": options.stage,
                "folder": cli.trainer.default_root_dir,
                "steps": cli.trainer.global_step,
                "metrics": {name: float(value) for name, value in cli.trainer.callback_metrics.items()},
                **({"checkpoints": files} if options.stage == "fit" else {}),
            }
        )
    return 0


def report_test(cli: ZooCLI, options: RunOptions) -> int:
    """Print the numbers of a test run, and store them if they are complete; the exit code, 1 for a failed run."""
    from rich.console import Console

    from zoo.results.evaluation import (
        PartialRun,
        command_line,
        make_test_result,
        result_table,
        tested_values,
        values_table,
    )
    from zoo.results.files import write_result

    if not cli.trainer.is_global_zero:
        return 0
    console = Console(highlight=False, markup=False, soft_wrap=True)
    weights = cli.identity or cli.identify(str(cli.trainer.ckpt_path))
    try:
        result = make_test_result(cli.trainer, cli.model, cli.datamodule, weights, cli.plain_config(), command_line())
    except ZooError as error:
        protocol, partial = cli.model.protocol, isinstance(error, PartialRun)
        title = f"{protocol.id}, {'PARTIAL' if partial else 'FAILED'}, root depth: {cli.model.root_depth_source}"
        values = tested_values(cli.trainer)
        console.print(values_table(title, protocol, weights.label, values))
        print(f"No result is stored: {error}", file=sys.stdout if partial else sys.stderr)
        if options.json:
            print_json({"stored": None, "why": str(error), "protocol": protocol.id, "values": values})
        return 0 if partial else 1
    console.print(result_table(result))
    path = write_result(result, options.results)
    console.print(f"Stored {path}", markup=False)
    if options.json:
        print_json({"stored": path, **dataclasses.asdict(result)})
    return 0
