"""Everything that pictures are made from in one folder, for machines without the assets."""

from __future__ import annotations

import shutil
from pathlib import Path

from body.atomic import atomic_file
from datamodules.open_v2.backgrounds.pack import background_file
from datamodules.open_v2.clothes.tailor import wardrobe_file
from datamodules.open_v2.generator import BACKGROUNDS, LIGHT, POSES, WARDROBE
from datamodules.open_v2.light.environment import environment_file
from datamodules.open_v2.poses.bank import pose_bank_file


def make_bundle(cache: Path, folder: Path) -> Path:
    """Copy the packed files into `folder`; those that are missing in the cache are made from `$ZOO_ASSETS`.

    Raises:
        FileNotFoundError: assets are missing; the message says which and where to put them.
    """
    files = {
        WARDROBE: wardrobe_file(cache),
        POSES: pose_bank_file(cache),
        LIGHT: environment_file(cache),
        BACKGROUNDS: background_file(cache),
    }
    for name, source in files.items():
        with atomic_file(folder / name) as partial:
            shutil.copyfile(source, partial)
    return folder
