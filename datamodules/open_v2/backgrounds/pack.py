"""Packs the pictures behind people: photographs, views into panoramas, and made-up places.

The photographs are named one by one, since each was looked at: no people, no statues, no vector art.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from body.assets import find_asset
from body.atomic import atomic_file
from datamodules.open_v2.backgrounds.places import KINDS, draw_place
from datamodules.open_v2.light.environment import FOLDER, read_panorama

WALLPAPERS = "wallpapers"
_LOMIRI = (
    "Bridge_by_Sander_Klootwijk.jpg",
    "Dragonfly_by_Bolly.jpg",
    "Picture_1A_by_freespace.jpg",
    "Wine_by_Jakkub_Mede.jpg",
    "aitzgorri_by_Aitzol_Berasategi.jpg",
    "analogpattern_by_Peter_Nerlich.jpg",
    "greentock_by_Peter_Nerlich.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "seeding_by_Clements_Engelhardt.jpg",
    "sunset_by_Aitzol_Berasategi.jpg",
)
_MATE = (
    "Blinds",
    "Dune",
    "FreshFlower",
    "Garden",
    "GreenMeadow",
    "RainDrops",
    "Storm",
    "TwoWings",
    "Wood",
    "YellowFlower",
)
_PLASMA = (
    "BytheWater",
    "ColdRipple",
    "ColorfulCups",
    "DarkestHour",
    "EveningGlow",
    "FallenLeaf",
    "Grey",
    "Kite",
    "OneStandsOut",
    "Path",
    "summer_1am",
)
PHOTOGRAPHS = (
    *(f"usr/share/backgrounds/{name}" for name in _LOMIRI),
    *(f"usr/share/backgrounds/mate/nature/{name}.jpg" for name in _MATE),
    *(f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg" for name in _PLASMA),
    "usr/share/wallpapers/Volna/contents/images/5120x2880.jpg",
)
"""Below the folder into which the Debian packages were unpacked (`dpkg -x`)."""
_BUNDLED = ("coffee.png", "brick.png", "grass.png", "gravel.png", "rocket.jpg", "motorcycle_left.png", "chelsea.png")
_SIDE, _QUALITY = 320, 70
_CROPS, _VIEWS, _PLACES = 6, 17, 270


def background_file(cache: Path) -> Path:
    """The packed backgrounds, made now from `$ZOO_ASSETS` unless they are in the cache.

    Raises:
        FileNotFoundError: neither are the assets; the message says what to put where.
    """
    target = cache / "open-v2" / "backgrounds.npz"
    if target.is_file():
        return target
    panoramas, wallpapers = find_asset(FOLDER), find_asset(WALLPAPERS)
    if panoramas is None or wallpapers is None:
        raise FileNotFoundError(
            f"{target} is missing; to make it, unpack npm's @pmndrs/assets into $ZOO_ASSETS/{FOLDER} and Debian's "
            f"lomiri-wallpapers-16.04, mate-backgrounds and plasma-workspace-wallpapers into $ZOO_ASSETS/{WALLPAPERS}"
        )
    rng = np.random.Generator(np.random.PCG64(0))
    kinds = [list(_photographs(wallpapers, rng)), list(_panoramas(panoramas, rng)), list(_places(rng))]
    files = [_coded(picture) for kind in kinds for picture in kind]
    offsets = np.cumsum([0, *(len(file) for file in files)])
    starts = np.cumsum([0, *(len(kind) for kind in kinds)])
    with atomic_file(target) as partial, partial.open("wb") as out:
        np.savez(out, coded=np.concatenate(files), offsets=offsets, starts=starts)
    return target


def _coded(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, " bytes"]:
    bgr = np.ascontiguousarray(picture[..., ::-1])
    return np.asarray(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]).reshape(-1)


def _photographs(folder: Path, rng: np.random.Generator) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Crops of every photograph at several scales."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise FileNotFoundError("the photographs that scikit-image brings are missing: pip install scikit-image")
    bundled = Path(package.origin).parent / "data"
    paths = [*(folder / name for name in PHOTOGRAPHS), *(bundled / name for name in _BUNDLED)]
    for path in paths:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise FileNotFoundError(f"{path} is missing or not a picture; unpack the package that it is from")
        whole = np.asarray(picture)[..., ::-1]
        height, width = whole.shape[:2]
        for _ in range(_CROPS if min(height, width) > 700 else 3):
            side = int(max(min(height, width) * rng.uniform(0.3, 1.0), min(height, width, _SIDE)))
            x, y = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
            yield np.asarray(
                cv2.resize(whole[y : y + side, x : x + side], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
            )


def _panoramas(folder: Path, rng: np.random.Generator) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Views into HDR panoramas as a camera would take them."""
    for path in sorted(folder.rglob("*.exr.js")):
        panorama = read_panorama(path)
        for _ in range(_VIEWS):
            yield _look(panorama, rng)


def _look(panorama: Float[np.ndarray, "rows columns 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "side side 3"]:
    """One view, level or tilted, exposed for its mean."""
    half = np.tan(np.deg2rad(rng.uniform(45, 95)) / 2)
    axis = np.linspace(-half, half, _SIDE, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    tilt, turn = rng.normal(-0.15, 0.2), rng.uniform(-np.pi, np.pi)
    forward, up = np.cos(tilt) + y * np.sin(tilt), np.sin(tilt) - y * np.cos(tilt)
    azimuth = np.arctan2(x, forward) + turn
    height = np.arctan2(up, np.hypot(x, forward))
    rows, columns = panorama.shape[:2]
    column = (azimuth / (2 * np.pi) + 0.5) % 1 * columns - 0.5
    row = (0.5 - height / np.pi) * rows - 0.5
    where = column.astype(np.float32), row.astype(np.float32)
    plain = cv2.remap(panorama, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    gain = 0.22 * np.exp(rng.normal(0, 0.4)) / max(float(np.median(plain)), 1e-4)
    toned = np.clip(panorama * gain, 0, 4)  # before the smooth interpolation, which would ring around lamps
    toned = (toned / (1 + np.maximum(toned - 0.6, 0) * 0.8)) ** (1 / 2.2)
    view = cv2.remap(toned, *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    grain = rng.standard_normal((_SIDE, _SIDE, 1), np.float32) * 0.01
    return np.rint(np.clip(view + grain, 0, 1) * 255).astype(np.uint8)


def _places(rng: np.random.Generator) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    for number in range(_PLACES):
        yield draw_place(KINDS[number % len(KINDS)], rng, _SIDE)
