"""Figures of the methods: the parts of each network, and an image on its way through."""

from __future__ import annotations

import hashlib
from pathlib import Path

from body.atomic import atomic_file
from generate.figures.examples import draw_example
from generate.figures.networks import NETWORKS, draw_network
from zoo.checkpoints.listing import get_checkpoint


def draw_figures(cache: Path) -> dict[str, Path]:
    """Page path of every figure -> file; those that were drawn before from the same weights and code are taken.

    Args:
        cache: folder for them.
    """
    code = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    figures = {}
    for method in NETWORKS:
        key = hashlib.sha256(code + str(get_checkpoint(method).sha256).encode()).hexdigest()[:12]
        drawings = {f"{method}_network.svg": draw_network, f"{method}_example.jpg": draw_example}
        for name, draw in drawings.items():
            file = cache / f"{key}-{name}"
            if not file.is_file():
                cache.mkdir(parents=True, exist_ok=True)
                with atomic_file(file) as temporary:
                    temporary.write_bytes(draw(method))
            figures[f"figures/{name}"] = file
    return figures
