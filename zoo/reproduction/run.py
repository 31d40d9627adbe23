"""Runs the commands of a plan, each in a process of its own, and reads what was measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from zoo.errors import ZooError
from zoo.reproduction.plan import Plan, Stage
from zoo.results.files import read_result
from zoo.results.result import Result

Run = Callable[[list[str]], int]


def run_plan(plan: Plan, run: Run | None = None) -> Result | None:
    """Run what has not been run yet, and return the result of the test; None where it stored none.

    A training that was cut off goes on from its last checkpoint; one that has ended is not repeated.

    Args:
        plan: with stages.
        run: of the arguments after `zoo`; a new process when omitted.

    Raises:
        ZooError: a command failed.
    """
    for stage in plan.stages:
        if not stage.finished.is_file():
            status = (run or run_command)(_resumed(stage))
            if status:
                raise ZooError(f"{plan.label}: zoo {' '.join(stage.arguments)} ended with status {status}")
            stage.folder.mkdir(parents=True, exist_ok=True)
            stage.finished.touch()
    return read_measured(plan)


def run_command(arguments: list[str]) -> int:
    """Run `zoo` in a new process."""
    return subprocess.run([sys.executable, "-m", "zoo", *arguments], check=False).returncode


def _resumed(stage: Stage) -> list[str]:
    fit = stage.arguments[0] == "fit"
    return [*stage.arguments, *(("--ckpt_path", str(stage.checkpoint)) if fit and stage.checkpoint.is_file() else ())]


def read_measured(plan: Plan) -> Result | None:
    """The newest result of a plan's test."""
    files = sorted(Path(plan.stages[-1].folder).glob("*__*.json")) if plan.stages else []
    results = sorted((read_result(path) for path in files), key=lambda result: result.date)
    return results[-1] if results else None
