"""Work for `datamodules.jobs` that other processes can import."""

import os
import time
from pathlib import Path

from datamodules.jobs import write_whole


def write_number(path, number):
    if number == 13:
        raise ValueError(f"{path}: an unlucky\nnumber")
    write_whole(path, lambda partial: partial.write_text(str(number)))


def write_slowly(path):
    """Say that the file is begun, then take for ever over it."""

    def write(partial):
        partial.write_text("half")
        Path(f"{path}.begun").touch()
        time.sleep(60)

    write_whole(path, write)


def die():
    os._exit(1)
