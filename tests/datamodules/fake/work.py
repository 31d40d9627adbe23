"""Work for `datamodules.jobs` that other processes can import."""

import os
import time
from pathlib import Path

from body.atomic import atomic_file


def write_number(path, number):
    if number == 13:
        raise ValueError(f"{path}: an unlucky\nnumber")
    with atomic_file(path) as partial:
        partial.write_text(str(number))


def write_slowly(path):
    """Say that the file is begun, then take for ever over it."""
    with atomic_file(path) as partial:
        partial.write_text("half")
        Path(f"{path}.begun").touch()
        time.sleep(60)


def die():
    os._exit(1)
