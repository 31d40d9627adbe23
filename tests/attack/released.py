"""`python -m tests.attack.released FOLDER ...`: the command line, whose list knows the small release in FOLDER."""

import sys
from pathlib import Path

from lightning_modules.common.backbones import BACKBONES
from tests.zoo.official_files import NARROW
from zoo.checkpoints import listing
from zoo.cli import main

if __name__ == "__main__":
    original = listing.resource_path
    listed = Path(sys.argv[1]) / "checkpoints.yaml"
    listing.resource_path = lambda name: listed if name == "checkpoints.yaml" else original(name)
    BACKBONES["narrow"] = NARROW["narrow"]
    sys.exit(main(sys.argv[2:]))
