"""Pictures of places that never were: rooms, halls, lawns, courts, streets and plain blur, by the hundred.

They stand beside photographs in the packed backgrounds, since photographs without people are few.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datamodules.synthetic.texture import colour, noise, related, texture

Canvas = Float[np.ndarray, "_ _ 3"]
KINDS = ("room", "court", "lawn", "street", "crowd", "blur", "trees", "shelves")


def draw_place(kind: str, rng: np.random.Generator, size: int = 320) -> UInt8[np.ndarray, "size size 3"]:
    """A place in sRGB."""
    low, high = (0.05, 0.6) if kind in ("lawn", "court") else (0.25, 0.7)
    horizon = int(size * rng.uniform(low, high))
    canvas = _behind(kind, rng, size, horizon)
    if kind not in ("blur", "trees"):
        canvas[horizon:] = _floor(kind, rng, size, horizon)[horizon:]
    if kind in ("room", "court", "street", "shelves"):
        _clutter(canvas, rng, horizon)
    if kind in ("lawn", "court", "street", "crowd") and rng.random() < 0.5:
        _boards(canvas, rng, horizon)
    if rng.random() < 0.15:
        _net(canvas, rng)
    shade = cv2.resize(rng.uniform(0.55, 1.3, (3, 3)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    rough = np.repeat(np.repeat(noise(rng, 16), 3, 0), 3, 1)[:size, :size, None] - 0.5
    grain = rng.standard_normal((size, size, 1), np.float32)
    canvas = canvas * shade[..., None] * (1 + rng.uniform(0.05, 0.4) * rough + rng.uniform(0.0, 0.15) * grain)
    canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.5) if rng.random() < 0.7 else rng.uniform(1.5, 4))
    coded = np.clip(canvas, 0, 1) ** (1 / 2.2)
    return np.rint(coded * 255).astype(np.uint8)


def _tiled(rng: np.random.Generator, size: int, saturation: float, value: tuple[float, float]) -> Canvas:
    """A texture over the whole canvas."""
    picture = texture(rng, *related(rng, saturation, value))
    scale = rng.uniform(1.0, 4.0)
    return _warp(picture, np.array([[scale, 0, 0], [0, scale, 0], [0, 0, 1.0]]), size)


def _warp(picture: Canvas, matrix: Float[np.ndarray, "3 3"], size: int) -> Canvas:
    return np.asarray(
        cv2.warpPerspective(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP),
        np.float32,
    )


def _behind(kind: str, rng: np.random.Generator, size: int, horizon: int) -> Canvas:
    """What is above the floor."""
    if kind in ("lawn", "court") and rng.random() < 0.35:
        return _crowd(rng, size)
    if kind == "lawn" and rng.random() < 0.3:
        return _leaves(rng, size)
    if kind in ("lawn", "street", "court") and rng.random() < 0.7:
        top, low = np.array([0.25, 0.45, 0.8]) * rng.uniform(0.4, 1.2), colour(rng, (0.0, 0.2), (0.7, 1.0))
        ramp = np.linspace(0, 1, size)[:, None, None] ** 0.7
        cloud = cv2.resize(noise(rng, 2), (size, size))[..., None]
        sky = top * (1 - ramp) + low * ramp
        canvas = np.ascontiguousarray(np.broadcast_to(sky, (size, size, 3)).astype(np.float32))
        canvas += np.clip(cloud * 3 - 1.6, 0, 0.6).astype(np.float32)
        _skyline(canvas, rng, horizon, green=kind == "lawn" or rng.random() < 0.5)
        return canvas
    if kind in ("trees", "blur"):
        first = _tiled(rng, size, 0.6, (0.05, 0.6)) if kind == "blur" else _leaves(rng, size)
        return cv2.GaussianBlur(first, (0, 0), rng.uniform(4, 20)) if kind == "blur" else first
    if kind == "crowd":
        return _crowd(rng, size)
    canvas = _tiled(rng, size, 0.4, (0.3, 0.95))
    if rng.random() < 0.6:  # a second wall
        edge, other = int(rng.integers(size)), _tiled(rng, size, 0.4, (0.2, 0.95))
        canvas[:, edge:] = other[:, edge:] * rng.uniform(0.6, 1.0)
    return canvas


def _skyline(canvas: Canvas, rng: np.random.Generator, horizon: int, green: bool) -> None:
    """Trees or houses along the horizon, in place."""
    size = len(canvas)
    for _ in range(int(rng.integers(5, 40))):
        x, width = int(rng.integers(size)), int(rng.integers(8, 80))
        height = int(rng.uniform(0.05, 0.6) * horizon)
        tint = colour(rng, (0.3, 0.7), (0.08, 0.4)) * (np.array([0.7, 1.0, 0.4]) if green else np.ones(3))
        shade = tuple(float(c) for c in tint)
        if green:
            cv2.ellipse(canvas, (x, horizon - height // 2), (width, height // 2 + 6), 0, 0, 360, shade, -1)
            continue
        cv2.rectangle(canvas, (x, horizon - height), (x + width, horizon), shade, -1)
        for row in range(horizon - height + 4, horizon - 4, 10):
            dark = tuple(float(c) for c in tint * rng.uniform(0.2, 1.6))
            for column in range(x + 3, x + width - 4, 9):
                cv2.rectangle(canvas, (column, row), (column + 4, row + 5), dark, -1)


def _boards(canvas: Canvas, rng: np.random.Generator, horizon: int) -> None:
    """A band of advertising or a wall above the floor, with letters, in place."""
    size, height = len(canvas), int(rng.uniform(0.06, 0.35) * len(canvas))
    foot = horizon + int(rng.integers(0, 12))
    x = -int(rng.integers(0, 60))
    while x < size:
        width = int(rng.integers(40, 200))
        tint, ink = (tuple(float(c) for c in colour(rng, (0.0, 0.9), (0.1, 0.95))) for _ in range(2))
        cv2.rectangle(canvas, (x, foot - height), (x + width, foot), tint, -1)
        text = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(2, 8))))
        letters = np.zeros(canvas.shape[:2], np.uint8)  # text is drawn on bytes only
        place = (x + 6, foot - height // 4)
        cv2.putText(letters, text, place, cv2.FONT_HERSHEY_DUPLEX, height / 40, 255, max(height // 14, 1))
        canvas[letters > 0] = ink
        x += width


def _net(canvas: Canvas, rng: np.random.Generator) -> None:
    """A fence or goal net over everything, in place."""
    size, step = len(canvas), int(rng.integers(7, 26))
    tint, slope = float(rng.choice([0.02, 0.3, 0.9])), rng.uniform(-1.2, 1.2)
    for start in range(-2 * size, 2 * size, step):
        for sign in (1, -1):
            end = start + int(sign * (slope + 1.3) * size)
            cv2.line(canvas, (start, 0), (end, size), (tint,) * 3, 1, cv2.LINE_AA)


def _leaves(rng: np.random.Generator, size: int) -> Canvas:
    """Foliage: many small strokes of near colours over dark."""
    canvas = np.full((size, size, 3), 0.02, np.float32) + colour(rng, (0.2, 0.6), (0.0, 0.3))
    base = np.array([0.12, 0.3, 0.05]) * rng.uniform(0.3, 1.8) + colour(rng, (0.0, 0.5), (0.0, 0.2))
    for _ in range(int(rng.integers(400, 1500))):
        x, y = (int(a) for a in rng.integers(0, size, 2))
        tint = tuple(float(c) for c in base * rng.uniform(0.2, 2.0) * (1 + rng.normal(0, 0.1, 3)))
        axes = (int(rng.integers(2, 12)), int(rng.integers(1, 6)))
        cv2.ellipse(canvas, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, tint, -1, cv2.LINE_AA)
    return canvas


def _crowd(rng: np.random.Generator, size: int) -> Canvas:
    """Rows of blurred blobs, as spectators far behind."""
    canvas = np.full((size, size, 3), 0.05, np.float32)
    step = int(rng.integers(9, 26))
    for row in range(0, size + step, step):
        for column in range(0, size + step, step):
            if rng.random() < 0.15:
                continue
            x, y = column + int(rng.normal(0, step / 4)), row + int(rng.normal(0, step / 5))
            shirt = tuple(float(c) for c in colour(rng, (0.0, 0.8), (0.05, 0.9)))
            cv2.ellipse(canvas, (x, y + step // 2), (step // 2, step // 2), 0, 0, 360, shirt, -1)
            skin = tuple(float(c) for c in np.array([0.5, 0.3, 0.2]) * rng.uniform(0.2, 1.3))
            cv2.circle(canvas, (x, y), max(step // 4, 1), skin, -1)
    return cv2.GaussianBlur(canvas, (0, 0), step / rng.uniform(5, 9))


def _floor(kind: str, rng: np.random.Generator, size: int, horizon: int) -> Canvas:
    """Ground in perspective; rows above the horizon are without meaning."""
    if kind == "lawn":
        green = np.array([0.15, 0.35, 0.06]) * rng.uniform(0.4, 1.6)
        picture = (green * (1 + 1.2 * (noise(rng, 8)[..., None] - 0.5))).astype(np.float32)
    elif kind == "court":
        tint = colour(rng, (0.2, 0.8), (0.2, 0.8))
        picture = np.ascontiguousarray(np.broadcast_to(tint, (128, 128, 3)) * (0.9 + 0.2 * noise(rng)[..., None]))
        for _ in range(int(rng.integers(1, 5))):
            start, width = int(rng.integers(128)), int(rng.integers(1, 5))
            line = rng.uniform(0.6, 1.0)
            picture[start : start + width] = line
            picture[:, start : start + width] = line
    else:
        picture = texture(rng, *related(rng, 0.4, (0.15, 0.85)))
    near = rng.uniform(0.3, 2.0)
    spin, down = rng.uniform(-0.6, 0.6), size - horizon
    flat = np.array([[np.cos(spin), -np.sin(spin), 0], [np.sin(spin), np.cos(spin), 0], [0, 0, 1]])
    view = np.array([[1.0, 0, -size / 2], [0, 0, size * near], [0, 1 / down, -(horizon - 2.0) / down]])
    to_picture = np.diag([near, near, 1.0]) @ flat @ view
    return _warp(np.asarray(picture, np.float32), np.linalg.inv(to_picture), size)


def _clutter(canvas: Canvas, rng: np.random.Generator, horizon: int) -> None:
    """Doors, windows, shelves, furniture: boxes that stand on the floor or hang on the wall, in place."""
    size = len(canvas)
    for _ in range(int(rng.integers(2, 14))):
        x, width = int(rng.integers(-20, size)), int(rng.integers(6, 90))
        height = int(rng.integers(10, 120))
        foot = horizon + int(rng.integers(-5, 40)) if rng.random() < 0.6 else int(rng.uniform(0.2, 0.9) * horizon)
        inside = canvas[max(foot - height, 0) : max(foot, 0), max(x, 0) : max(x + width, 0)]
        if inside.size == 0:
            continue
        part = _tiled(rng, max(inside.shape[:2]), 0.7, (0.03, 0.95)) * rng.uniform(0.3, 1.1)
        inside[:] = part[: inside.shape[0], : inside.shape[1]]
