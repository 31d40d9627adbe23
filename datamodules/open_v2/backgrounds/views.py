"""Pictures without people to put behind people: one file of small JPEGs, and views drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Image = UInt8[np.ndarray, "size size 3"]


@dataclass(frozen=True)
class BackgroundBank:
    """Pictures as JPEGs one after another, decoded when they are drawn.

    Attributes:
        coded: all files.
        offsets: where each begins, and the end.
        starts: where each kind begins among the pictures, and the end; see `KINDS`.
    """

    coded: UInt8[np.ndarray, " bytes"]
    offsets: tuple[int, ...]
    starts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def picture(self, number: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB."""
        coded = self.coded[self.offsets[number] : self.offsets[number + 1]]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1]


KINDS = ("photographs", "panoramas", "places")
_SHARES = (0.2, 0.38, 0.42)


def load_backgrounds(path: Path) -> BackgroundBank:
    """Read what `background_file` made.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; datamodules.open_v2.backgrounds.pack makes it where the assets are"
        )
    with np.load(path, allow_pickle=False) as stored:
        return BackgroundBank(
            stored["coded"], tuple(stored["offsets"].tolist()), tuple(int(s) for s in stored["starts"])
        )


def draw_background(bank: BackgroundBank, rng: np.random.Generator, size: int) -> Image:
    """A view into one of the pictures, in one case of five over a ground from another one."""
    image = _view(_picked(bank, rng), rng, size)
    if rng.random() < 0.2:
        image = _on_ground(image, _picked(bank, rng), rng, size)
    if rng.random() < 0.25:  # out of focus
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 5) * size / 256), np.uint8)
    return _recoloured(image, rng)


def _picked(bank: BackgroundBank, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
    there = [k for k in range(len(KINDS)) if bank.starts[k + 1] > bank.starts[k]]
    shares = np.array([_SHARES[k] for k in there])
    kind = int(rng.choice(there, p=shares / shares.sum()))
    return bank.picture(int(rng.integers(bank.starts[kind], bank.starts[kind + 1])))


def _view(picture: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator, size: int) -> Image:
    """Crop, scale, mirror and a little rotation."""
    height, width = picture.shape[:2]
    side = min(height, width) * np.exp(rng.uniform(np.log(0.45), 0.0))
    scale = size / side
    angle = rng.normal(0, 0.05)
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    mirror = rng.choice([-1.0, 1.0])
    centre = np.array([rng.uniform(side / 2, width - side / 2), rng.uniform(side / 2, height - side / 2)])
    turned = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
    matrix = np.concatenate([turned, (size / 2 - turned @ centre)[:, None]], -1)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=way, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _on_ground(
    image: Image, picture: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator, size: int
) -> Image:
    """The lower part replaced by another picture laid flat."""
    height, width = picture.shape[:2]
    horizon = int(size * rng.uniform(0.35, 0.8))
    wide = size * rng.uniform(0.5, 3)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    low = np.array([[0, horizon], [size, horizon], [size + wide, size], [-wide, size]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, low)
    flat = cv2.warpPerspective(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    joined = image.copy()
    joined[horizon:] = flat[horizon:]
    return joined


def _recoloured(image: Image, rng: np.random.Generator) -> Image:
    """Brightness, contrast, white balance and saturation."""
    gamma, gain = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.15)) * (1 + rng.normal(0, 0.05, 3))
    steps = np.linspace(0, 1, 256, dtype=np.float32)[:, None] ** gamma
    curve = ((steps - 0.45) * np.exp(rng.normal(0.15, 0.15)) + 0.45) * gain
    image = np.asarray(cv2.LUT(image, np.rint(curve.clip(0, 1) * 255).astype(np.uint8)[None]), np.uint8)
    if rng.random() < 0.6:
        plain = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, -1)
        keep = rng.uniform(0.2, 1.1)
        image = np.asarray(cv2.addWeighted(image, keep, plain, 1 - keep, 0), np.uint8)
    return image


def match(
    foreground: UInt8[np.ndarray, "size size 4"], background: Image, rng: np.random.Generator
) -> Float[np.ndarray, "3"]:
    """Gains for the background, so that its exposure and tint lie nearer to the foreground's, as in one photograph."""
    small = foreground[::4, ::4].astype(np.float32)
    covered = (small[..., 3] > 200) & (small[..., :3].sum(-1) > 0)
    if covered.sum() < 10:
        return np.ones(3, np.float32)
    own = small[covered][:, :3].mean(0) + 8
    other = background[::4, ::4].reshape(-1, 3).mean(0) + 8
    strength = rng.uniform(0.0, 0.7)
    return np.clip((own / other * rng.uniform(0.8, 1.7)) ** strength, 0.4, 1.8).astype(np.float32)
