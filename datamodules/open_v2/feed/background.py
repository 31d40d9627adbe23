"""Backgrounds on the device that trains: photographs without people, another cut-out at every visit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from datamodules.open_v2.backgrounds.views import draw_background, load_backgrounds
from datamodules.open_v2.generator import BACKGROUNDS


class Backgrounds:
    """A bank of pictures.

    Args:
        photographs: RGB, all of one size.
        device: where they lie.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, photographs: UInt8[np.ndarray, "photographs side side 3"], device: torch.device) -> None:
        if not len(photographs):
            raise ValueError("a bank of backgrounds needs at least one photograph")
        self._bank = torch.from_numpy(np.ascontiguousarray(photographs.transpose(0, 3, 1, 2))).to(device)

    def __len__(self) -> int:
        return len(self._bank)

    def draw(self, count: int, size: int) -> Float[Tensor, "batch 3 size size"]:
        """Cut-outs at random, half to the whole of a picture, mirrored and turned a little; values 0 to 255."""
        device = self._bank.device
        chosen = torch.randint(len(self._bank), (count,), device=device)
        zoom, mirrored = 0.5 + 0.5 * torch.rand(count, device=device), torch.rand(count, device=device) < 0.5
        turn = 0.15 * torch.randn(count, device=device).clamp(-2, 2)
        cos, sin, across = zoom * torch.cos(turn), zoom * torch.sin(turn), torch.where(mirrored, -1.0, 1.0)
        free = (1 - zoom)[:, None] * (2 * torch.rand(count, 2, device=device) - 1)
        rows = [torch.stack([across * cos, -sin, free[:, 0]], -1), torch.stack([across * sin, cos, free[:, 1]], -1)]
        grid = functional.affine_grid(torch.stack(rows, 1), [count, 3, size, size], align_corners=False)
        return self._sample(chosen, grid)

    def of_seed(self, seeds: Int[Tensor, " batch"], size: int) -> Float[Tensor, "batch 3 size size"]:
        """The whole photograph that belongs to each seed; values 0 to 255."""
        still = torch.eye(2, 3, device=self._bank.device).expand(len(seeds), -1, -1)
        grid = functional.affine_grid(still, [len(seeds), 3, size, size], align_corners=False)
        return self._sample(seeds % len(self._bank), grid)

    def _sample(self, chosen: Int[Tensor, " batch"], grid: Tensor) -> Float[Tensor, "batch 3 size size"]:
        photographs = self._bank[chosen].float()
        return functional.grid_sample(photographs, grid, padding_mode="reflection", align_corners=False)


def bundle_backgrounds(
    folder: Path, count: int, side: int = 256, seed: int = 0
) -> UInt8[np.ndarray, "photographs side side 3"]:
    """Views drawn from the pictures of a bundle (`datamodules.open_v2.bundle`).

    Raises:
        FileNotFoundError: the bundle has none.
    """
    bank, rng = load_backgrounds(folder / BACKGROUNDS), np.random.default_rng(seed)
    return np.stack([draw_background(bank, rng, side) for _ in range(count)])


def plain_backgrounds(count: int = 64, side: int = 64, seed: int = 0) -> UInt8[np.ndarray, "count side side 3"]:
    """Smooth colour and coarse noise, where there are no photographs."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        coarse = rng.random((int(rng.integers(2, 12)),) * 2 + (3,)).astype(np.float32)
        smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        pictures.append(np.clip(255 * smooth + rng.normal(0, rng.uniform(0, 20), (side, side, 3)), 0, 255))
    return np.stack(pictures).astype(np.uint8)
