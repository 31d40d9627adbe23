"""Progress of a run, in a terminal: how many, how fast, and how long it will take."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


def run_progress() -> Progress:
    """A progress display on standard error, which shows nothing unless that is a terminal."""
    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, disable=not console.is_terminal)


def report(progress: Progress, message: str) -> None:
    """A line above the progress."""
    progress.console.print(f"zoo: {message}", markup=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        return Text("" if not task.speed else f"{task.speed:.1f}/s")
