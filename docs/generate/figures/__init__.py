"""Figures of the site: each network's parts, an image on its way through it, and what every bundled file predicts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import zoo
from body.atomic import atomic_file
from generate.figures.banner import METHOD, draw_banner
from generate.figures.examples import draw_example
from generate.figures.networks import NETWORKS, draw_network
from zoo.checkpoints.card_picture import card_picture
from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.listing import get_checkpoint, read_checkpoints


def draw_figures(cache: Path) -> dict[str, Path]:
    """Page path of every figure -> file; those that were drawn before from the same weights and code are taken.

    Args:
        cache: folder for them.
    """
    code = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    figures = {}
    for name, entry, draw in _drawings():
        key = hashlib.sha256(code + str(entry.sha256).encode()).hexdigest()[:12]
        file = cache / f"{key}-{name}"
        if not file.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            with atomic_file(file) as temporary:
                temporary.write_bytes(draw())
        figures[f"figures/{name}"] = file
    return figures


def _drawings() -> Iterator[tuple[str, Checkpoint, Callable[[], bytes]]]:
    """Name, the weights that it depends on, and what draws it."""
    yield "banner.jpg", get_checkpoint(METHOD), draw_banner
    for method in NETWORKS:
        yield f"{method}_network.svg", get_checkpoint(method), partial(draw_network, method)
        yield f"{method}_example.jpg", get_checkpoint(method), partial(draw_example, method)
    for name, entry in read_checkpoints().items():
        if has_picture(entry):
            yield f"{name}.jpg", entry, partial(_picture, name)


def has_picture(entry: Checkpoint) -> bool:
    """Whether the card of these weights shows what they predict."""
    return entry.availability == "bundled" and entry.body in ("open", "none")


def _picture(name: str) -> bytes:
    return card_picture(zoo.load(name))
