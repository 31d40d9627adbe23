"""Light of real places: the HDR panoramas of npm's `@pmndrs/assets` (CC0), reduced to a few numbers each.

A panorama is split: what shines far above the rest is the key light, all else becomes spherical harmonics.
"""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from body.assets import find_asset
from body.atomic import atomic_file
from datamodules.open_v2.light.harmonics import basis

FOLDER = "pmndrs"
_ROWS = 64


@dataclass(frozen=True)
class Environment:
    """Light of a place; see `light.Light` for the frame and units."""

    name: str
    harmonics: Float[np.ndarray, "9 3"]
    key: Float[np.ndarray, "3"]
    key_colour: Float[np.ndarray, "3"]
    spread: float


def read_panorama(path: Path) -> Float[np.ndarray, "rows columns 3"]:
    """Linear RGB of an `.exr.js` file, which holds an OpenEXR picture as a base64 data address.

    Raises:
        ValueError: the file holds no such address.
        ImportError: the package OpenEXR is missing; it is needed only to pack, with what it is installed.
    """
    try:
        import OpenEXR
    except ImportError as error:
        raise ImportError("reading HDR panoramas needs OpenEXR: pip install openexr") from error
    _, mark, coded = path.read_text().partition("base64,")
    if not mark:
        raise ValueError(f"{path} holds no base64 data; take it from npm's @pmndrs/assets")
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(base64.b64decode(coded.strip().rstrip(";").rstrip("'\"`")))
        file.flush()
        with OpenEXR.File(file.name) as picture:
            channels = picture.channels()
            pixels = channels["RGB"].pixels if "RGB" in channels else np.stack([channels[c].pixels for c in "RGB"], -1)
    return np.asarray(pixels, np.float32)


def directions(rows: int) -> Float[np.ndarray, "rows columns 3"]:
    """Unit directions of the pixels of a panorama twice as wide as high: y up, the middle looks along -z."""
    polar = (np.arange(rows) + 0.5) / rows * np.pi
    azimuth = ((np.arange(2 * rows) + 0.5) / (2 * rows) - 0.5) * 2 * np.pi
    sine = np.sin(polar)[:, None]
    height = np.broadcast_to(np.cos(polar)[:, None], (rows, 2 * rows))
    return np.stack([sine * np.sin(azimuth), height, -sine * np.cos(azimuth)], -1)


def reduce(name: str, panorama: Float[np.ndarray, "rows columns 3"]) -> Environment:
    """Light of a panorama, scaled so that a white surface sends out 1 on the mean over all directions."""
    small = cv2.resize(panorama, (2 * _ROWS, _ROWS), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
    towards = directions(_ROWS).reshape(-1, 3)
    solid = np.repeat(np.sin((np.arange(_ROWS) + 0.5) / _ROWS * np.pi), 2 * _ROWS)
    solid *= 4 * np.pi / solid.sum()
    luminance = small @ [0.2126, 0.7152, 0.0722]
    limit = 4 * np.average(luminance, weights=solid)
    excess = small * np.clip(1 - limit / np.maximum(luminance, 1e-9), 0, 1)[:, None]
    weight = excess.sum(-1) * solid
    if weight.sum() < 1e-6:
        weight = luminance**4 * solid
    mean = weight @ towards / weight.sum()
    key = mean / np.linalg.norm(mean)
    facing = np.clip(towards @ key, 0, 1)
    within = towards @ key > 0.5  # the other lights of a hall stay in the surrounding
    excess[~within] = 0
    colour = ((facing * solid)[:, None] * excess).sum(0) / np.pi
    near = weight * within
    cosine = np.average(np.clip(towards @ key, 0, 1), weights=np.maximum(near, 1e-12))
    harmonics = basis(towards).T @ ((small - excess) * solid[:, None])
    scale = 0.5 / np.average((small - excess + 1e-9) @ [0.2126, 0.7152, 0.0722], weights=solid)
    colour = _plausible(colour * scale)
    spread = float(np.clip(np.tan(np.arccos(np.clip(cosine, 0.05, 1))), 0.01, 0.6))
    return Environment(name, harmonics * scale, key, colour, spread)


def _plausible(colour: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Within what half floats store, suns are clipped in single channels: keep a bounded brightness and a pale hue."""
    mean = float(colour.mean())
    if mean < 1e-6:
        return colour
    hue = np.clip(colour / mean, 0.6, 1.5)
    return hue / hue.mean() * min(mean, 1.6)


def environment_file(cache: Path) -> Path:
    """The packed light of all panoramas, made now from `$ZOO_ASSETS` unless it is in the cache.

    Raises:
        FileNotFoundError: neither are the panoramas; the message says what to put where.
    """
    target = cache / "open-v2" / "environments.npz"
    if target.is_file():
        return target
    folder = find_asset(FOLDER)
    files = [] if folder is None else sorted(folder.rglob("*.exr.js"))
    if not files:
        raise FileNotFoundError(
            f"{target} is missing; to make it, unpack npm's @pmndrs/assets into $ZOO_ASSETS/{FOLDER}"
        )
    found = [reduce(file.name.removesuffix(".exr.js"), read_panorama(file)) for file in files]
    with atomic_file(target) as partial, partial.open("wb") as out:
        np.savez(
            out,
            names=np.array([e.name for e in found]),
            harmonics=np.stack([e.harmonics for e in found]).astype(np.float32),
            key=np.stack([e.key for e in found]).astype(np.float32),
            key_colour=np.stack([e.key_colour for e in found]).astype(np.float32),
            spread=np.array([e.spread for e in found], np.float32),
        )
    return target


def load_environments(path: Path) -> tuple[Environment, ...]:
    """The packed light of real places."""
    with np.load(path, allow_pickle=False) as stored:
        rows = zip(
            stored["names"], stored["harmonics"], stored["key"], stored["key_colour"], stored["spread"], strict=True
        )
        return tuple(Environment(str(n), h, k, c, float(s)) for n, h, k, c, s in rows)
