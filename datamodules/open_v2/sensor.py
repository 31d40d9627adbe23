"""What a camera, its owner and the network lose: done anew at every visit of a sample."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

Image = UInt8[np.ndarray, "size size 3"]


def expose(image: Image, rng: np.random.Generator) -> Image:
    """A photograph (RGB) as phones and web sites hand it on, of a picture that is too clean."""
    chance = rng.random(8)
    image = _optics(image, rng, chance[0], chance[1])
    image = _tone(image, rng, chance[2], chance[3])
    image = _noise(image, rng, chance[4])
    if chance[5] < 0.6:
        quality = int(rng.integers(40, 96)) if chance[6] < 0.75 else int(rng.integers(8, 40))
        image = _compressed(image, quality)
    return image


def _optics(image: Image, rng: np.random.Generator, moved: float, small: float) -> Image:
    """Blur of the lens, of motion, or of a picture that was made small and large again."""
    size = len(image)
    if small < 0.16:
        share = rng.uniform(0.2, 0.7)
        tiny = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(rng.choice(3, p=[0.55, 0.4, 0.05]))]
        image = np.asarray(cv2.resize(tiny, (size, size), interpolation=way), np.uint8)
    if moved < 0.08:
        length = int(rng.integers(3, 10) * size / 256) | 1
        kernel = np.zeros((length, length), np.float32)
        angle, half = rng.uniform(0, np.pi), length // 2
        reach = np.round(np.array([np.cos(angle), np.sin(angle)]) * half).astype(int)
        cv2.line(kernel, (half - reach[0], half - reach[1]), (half + reach[0], half + reach[1]), 1.0, 1)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)
    sigma = abs(rng.normal(0, 0.4)) * size / 256 if moved < 0.88 else rng.uniform(0.6, 2.0) * size / 256
    if sigma > 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    elif rng.random() < 0.6:  # sharpened by the camera
        soft = cv2.GaussianBlur(image, (0, 0), 1.2)
        more = rng.uniform(0.2, 1.0)
        image = np.asarray(cv2.addWeighted(image, 1 + more, soft, -more, 0), np.uint8)
    return image


def _tone(image: Image, rng: np.random.Generator, grey: float, shade: float) -> Image:
    """Curves of each channel, saturation, and darker corners; through one table of 256 values."""
    steps = np.linspace(0, 1, 256, dtype=np.float32)
    contrast, bright = np.exp(rng.normal(0.15, 0.18)), rng.normal(0.015, 0.05)
    gamma = np.exp(rng.normal(0, 0.2))
    curve = (steps**gamma - 0.5) * contrast + 0.5 + bright
    lift = max(rng.normal(-0.03, 0.05), 0)
    tables = np.clip((lift + curve * (1 - lift))[:, None] * (1 + rng.normal(0, 0.04, 3)), 0, 1)
    coded = np.rint(tables * 255).astype(np.uint8)[None]
    image = np.asarray(cv2.LUT(image, coded), np.uint8)
    if grey < 0.55:
        plain = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
        keep = 0.0 if grey < 0.06 else rng.uniform(0.4, 1.1)
        plain = np.repeat(plain, 3, -1)
        image = np.asarray(cv2.addWeighted(image, keep, plain, 1 - keep, 0), np.uint8)
    if shade < 0.2:
        size = len(image)
        offset = (np.arange(size, dtype=np.float32) / size - 0.5) ** 2
        dark = 1 - rng.uniform(0.2, 1.0) * (offset[:, None] + offset[None])
        image = (image * dark[..., None]).astype(np.uint8)
    return image


def _noise(image: Image, rng: np.random.Generator, chance: float) -> Image:
    """Grain, of one to three pixels; colour noise is coarser, as after denoising."""
    if chance < 0.25:
        return image
    size = len(image)
    strength = rng.uniform(0.5, 4) if chance < 0.93 else rng.uniform(4, 14)
    fine = _grain(rng, size)
    grain = fine[..., None] if rng.random() < 0.5 else np.stack([fine, _grain(rng, size), _grain(rng, size)], -1)
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(grain, (3, 3), 0.8).reshape(size, size, -1) * 1.7
    return np.clip(image + grain * np.float32(strength) + np.float32(0.5), 0, 255).astype(np.uint8)


_TABLE = np.random.Generator(np.random.PCG64(3)).standard_normal(1 << 19).astype(np.float32)


def _grain(rng: np.random.Generator, size: int) -> np.ndarray:
    """Normal noise from a table; one start and one stride give each picture its own."""
    start = int(rng.integers(len(_TABLE) - size * size)) if len(_TABLE) > size * size else 0
    return np.resize(_TABLE[start : start + size * size], (size, size))


def _compressed(image: Image, quality: int) -> Image:
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]  # channels in this order lose alike
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
