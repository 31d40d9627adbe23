"""A network's parts as boxes, with the shapes that a forward pass hands from one to the next."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from body.load import load_body
from lightning_modules.cascaded_lifting.network import CascadeNet
from lightning_modules.danet.network import DaNet
from lightning_modules.hemlets.network import HemletsNet
from lightning_modules.i2l_meshnet.network import I2LMeshNet
from lightning_modules.nbf.config import NBFConfig
from lightning_modules.nbf.network import NBFNetwork, make_network

_WIDTH, _HEIGHT, _STEP_X, _STEP_Y, _MARGIN = 168, 58, 208, 84, 16


@dataclass(frozen=True)
class Part:
    """A box.

    Attributes:
        title: in it.
        module: path in the network whose output's shape is written; empty for the input.
        column: from the left.
        row: from the top; halves are allowed.
        sources: titles of the parts that lead to it.
    """

    title: str
    module: str
    column: float
    row: float
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """A network as released, and how it is drawn.

    Attributes:
        make: builds it.
        run: a forward pass.
        parts: boxes, in the order of the forward pass.
    """

    make: Callable[[], nn.Module]
    run: Callable[[Any, Tensor], Any]
    size: int
    parts: tuple[Part, ...]


def _nbf() -> nn.Module:
    return make_network(NBFConfig(segmenter="refinenet"), load_body("open"))


def _run_nbf(network: NBFNetwork, image: Tensor) -> Any:
    return network(network.colour(network.segment(image), image.shape[-1]))


NETWORKS: Mapping[str, Drawn] = {
    "i2l_meshnet": Drawn(
        lambda: I2LMeshNet(torch.full((29, 6890), 1 / 6890)),
        lambda network, image: network(image),
        256,
        (
            Part("image", "", 0, 0.5),
            Part("early features", "stem", 1, 0.5, ("image",)),
            Part("PoseNet backbone", "pose_body", 2, 0, ("early features",)),
            Part("joints by lixels", "pose_head", 3, 0, ("PoseNet backbone",)),
            Part("features + Gaussians", "pose2feat", 3, 1, ("early features", "joints by lixels")),
            Part("MeshNet backbone", "mesh_body", 4, 1, ("features + Gaussians",)),
            Part("vertices by lixels", "mesh_head", 5, 1, ("MeshNet backbone",)),
        ),
    ),
    "hemlets": Drawn(
        lambda: HemletsNet(pose_joints=24),
        lambda network, image: network(image),
        256,
        (
            Part("image", "", 0, 0.5),
            Part("backbone", "backbone", 1, 0.5, ("image",)),
            Part("feature branch", "feature_branch", 2, 0, ("backbone",)),
            Part("map branch", "map_branch", 2, 1, ("backbone",)),
            Part("HEMlets + 2D maps", "maps", 3, 1, ("map branch",)),
            Part("fusion", "fusion", 4, 0, ("feature branch", "HEMlets + 2D maps")),
            Part("volumes", "volume", 5, 0, ("fusion",)),
            Part("PoSh: SMPL's numbers", "regressor", 5, 1, ("volumes", "backbone")),
        ),
    ),
    "nbf": Drawn(
        _nbf,
        _run_nbf,
        512,
        (
            Part("image", "", 0, 0),
            Part("part logits", "segmenter", 1, 0, ("image",)),
            Part("coloured parts: encoder", "encoder", 2, 0, ("part logits",)),
            Part("SMPL layer: vertices", "layer", 3, 0, ("coloured parts: encoder",)),
        ),
    ),
    "danet": Drawn(
        DaNet,
        lambda network, image: network(image),
        224,
        (
            Part("image", "", 0, 0.5),
            Part("backbone", "estimator.backbone", 1, 0.5, ("image",)),
            Part("global IUV", "estimator.index", 2, 0, ("backbone",)),
            Part("partial IUV of 24 joints", "estimator.partial", 2, 1, ("backbone",)),
            Part("camera, shape", "global_stream", 3, 0, ("global IUV",)),
            Part("joint features", "local_streams", 3, 1, ("partial IUV of 24 joints",)),
            Part("aggregation by a graph", "aggregation", 4, 1, ("joint features",)),
        ),
    ),
    "cascaded_lifting": Drawn(
        CascadeNet,
        lambda network, image: network(image),
        256,
        (
            Part("image", "", 0, 0.5),
            Part("backbone", "backbone", 1, 0.5, ("image",)),
            Part("context", "context", 2, 1, ("backbone",)),
            Part("bone maps (1D structure)", "bone_head", 2, 0, ("backbone",)),
            Part("joint maps (2D)", "joint_head", 3, 0, ("bone maps (1D structure)", "context")),
            Part("depth cube (2.5D)", "cube_head", 4, 0, ("joint maps (2D)", "context")),
            Part("volumes", "volume_head", 4, 1, ("depth cube (2.5D)", "context")),
            Part("lifted joints (3D)", "lifting", 5, 1, ("volumes",)),
        ),
    ),
}
"""Method -> its network."""


@torch.no_grad()
def draw_network(method: str) -> bytes:
    """SVG of a method's network, with shapes of one image."""
    drawn = NETWORKS[method]
    torch.manual_seed(0)
    network, shapes = drawn.make().eval(), {"": f"3 x {drawn.size} x {drawn.size}"}
    if hasattr(network, "fold"):
        network.fold = False  # type: ignore[assignment]

    def keep(part: Part) -> Callable[..., None]:
        def hook(*call: Any) -> None:
            shapes[part.module] = _shape(call[-1])

        return hook

    for part in drawn.parts:
        if part.module:
            network.get_submodule(part.module).register_forward_hook(keep(part))
    drawn.run(network, torch.rand(1, 3, drawn.size, drawn.size))
    return _svg(drawn.parts, shapes).encode()


def _shape(output: Any) -> str:
    """Without the batch; of the last map where there are several, of all numbers of an answer with names."""
    if isinstance(output, Tensor):
        return " x ".join(map(str, output.shape[1:]))
    if isinstance(output, list):
        return _shape(output[-1])
    tensors = [value for value in cast(Any, output) if isinstance(value, Tensor)]
    return ", ".join(" x ".join(map(str, value.shape[1:])) for value in tensors[:2])


def _svg(parts: tuple[Part, ...], shapes: Mapping[str, str]) -> str:
    columns, rows = max(part.column for part in parts), max(part.row for part in parts)
    width = _MARGIN * 2 + columns * _STEP_X + _WIDTH
    height = _MARGIN * 2 + rows * _STEP_Y + _HEIGHT
    places = {part.title: (_MARGIN + part.column * _STEP_X, _MARGIN + part.row * _STEP_Y) for part in parts}
    lines = [_arrow(places[source], places[part.title]) for part in parts for source in part.sources]
    boxes = [_box(part, *places[part.title], shapes.get(part.module, "")) for part in parts]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#777"/></marker></defs>' + "".join(lines + boxes) + "</svg>\n"
    )


def _box(part: Part, x: float, y: float, shape: str) -> str:
    middle = x + _WIDTH / 2
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#e8eef8" stroke="#5b7db1"/>'
        f'<text x="{middle:g}" y="{y + 25:g}" text-anchor="middle" font-size="13" fill="#111">'
        f"{html.escape(part.title)}</text>"
        f'<text x="{middle:g}" y="{y + 44:g}" text-anchor="middle" font-size="12" fill="#555">{shape}</text>'
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the right side of a box to the left side of another, or between top and bottom in one column."""
    (x0, y0), (x1, y1) = start, end
    if x0 == x1:
        down = y1 > y0
        begin = (x0 + _WIDTH / 2, y0 + (_HEIGHT if down else 0))
        finish = (x1 + _WIDTH / 2, y1 + (0 if down else _HEIGHT))
        path = f"M{begin[0]:g} {begin[1]:g}L{finish[0]:g} {finish[1]:g}"
    else:
        begin, finish = (x0 + _WIDTH, y0 + _HEIGHT / 2), (x1, y1 + _HEIGHT / 2)
        bend = (finish[0] - begin[0]) / 2
        path = (
            f"M{begin[0]:g} {begin[1]:g}C{begin[0] + bend:g} {begin[1]:g} {finish[0] - bend:g} {finish[1]:g} "
            f"{finish[0]:g} {finish[1]:g}"
        )
    return f'<path d="{path}" fill="none" stroke="#777" stroke-width="1.4" marker-end="url(#tip)"/>'
