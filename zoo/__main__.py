"""`python -m zoo` is the `zoo` command; `zoo/__init__.py` has taken the current folder off the search path."""

# ruff: noqa: E402  (Ctrl-C ends the imports, too, without a traceback)

import signal
import sys

usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in the background of a script
if usual:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from zoo.cli import main

if usual:
    signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
