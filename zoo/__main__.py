"""`python -m zoo` is the `zoo` command; as for that, modules in the current folder are not on the search path."""

import sys
from pathlib import Path

if not sys.flags.safe_path and Path(sys.path[0]).resolve() != Path(__file__).resolve().parent.parent:
    del sys.path[0]

from zoo.cli import main

sys.exit(main())
