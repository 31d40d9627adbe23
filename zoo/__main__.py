"""`python -m zoo` is the `zoo` command; `zoo/__init__.py` has taken the current folder off the search path."""

import sys

from zoo.cli import main

sys.exit(main())
