"""From radiance to a stored image: exposure, blur, noise, gamma, compression."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8


def expose(radiance: Float[np.ndarray, "size size 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
    """A image (RGB) of linear radiance.

    The exposure follows the mean brightness within a stop or so, as a camera's does.
    """
    size, luminance = len(radiance), radiance.mean()
    gain = 0.25 / max(luminance, 1e-3) * 2 ** rng.normal(0, 0.45)
    white = 1 + rng.normal(0, 0.05, 3)
    image = np.empty_like(radiance)
    for channel, strength in enumerate((gain * white).astype(np.float32)):  # numpy is slow with rows of three
        np.multiply(radiance[..., channel], strength, out=image[..., channel])
    image = _blur(image, rng, size)
    noise = rng.standard_normal((size, size, 3), np.float32)
    read, shot = rng.uniform(0.0005, 0.004), rng.uniform(0.002, 0.02)
    noise *= read + shot * np.sqrt(np.clip(image, 0, None))
    image += noise
    image /= 1 + np.clip(image - 0.7, 0, None)  # soft shoulder instead of clipped highlights
    coded = np.clip(image, 0, 1) ** np.float32(1 / rng.uniform(1.9, 2.4))
    pixels = np.rint(coded * 255).astype(np.uint8)
    if rng.random() < 0.8:
        pixels = _compress(pixels, int(rng.integers(35, 96)))
    return pixels


def _blur(
    image: Float[np.ndarray, "size size 3"], rng: np.random.Generator, size: int
) -> Float[np.ndarray, "size size 3"]:
    sigma = abs(rng.normal(0, 0.5)) * size / 192
    if rng.random() < 0.08:  # a moving hand
        length = int(rng.integers(3, 8) * size / 192) | 1
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        middle = np.array([length // 2] * 2)
        ends = [tuple(round(float(a)) for a in middle + sign * reach) for sign in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1)
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.2 else image


def _compress(pixels: UInt8[np.ndarray, "size size 3"], quality: int) -> UInt8[np.ndarray, "size size 3"]:
    coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1])
