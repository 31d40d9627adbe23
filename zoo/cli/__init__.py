"""The command line: `zoo COMMAND`, and Lightning's `zoo fit|validate|test|predict --config ...`."""

from zoo.cli.dispatch import main

__all__ = ["main"]
