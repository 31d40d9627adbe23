"""NBF: what each stage takes, and the whole pipeline against a straightforward one with identical weights.

The straightforward pipeline enlarges all logits to 512 x 512 before it decides, colours and shrinks every segmentation
with Pillow, pools 5 x 5 pixels at once, projects one matrix after the other with `torch.linalg.svd` and poses the body
with smplx. Every case gets a process of its own.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import roma
import torch
from jaxtyping import Float
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.process import in_process, measure
from body.load import load_body
from lightning_modules.common.kinematics import to_relative
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.encoder import Encoder
from lightning_modules.nbf.network import NBFNetwork
from lightning_modules.nbf.segmenter import ChainedPooling, RefineNet, enlarge

BATCHES = (1, 4)
SIZE, PICTURE = 512, 224


class PlainPooling(ChainedPooling):
    """`ChainedPooling` with the same weights, over 5 x 5 pixels at once."""

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The sum of the chain."""
        link = total = functional.relu(features)
        for conv in self.convs:
            link = functional.max_pool2d(conv(link), 5, stride=1, padding=2)
            total = total + link
        return total


class Straightforward(nn.Module):
    """The two stages one after the other, person by person where that is the obvious way."""

    def __init__(self, network: NBFNetwork) -> None:
        super().__init__()
        self.network, self.smplx = network, network.layer.body.as_smplx()
        self.palette = (255 * network.colours).round().byte().numpy()
        for layer in network.modules():
            if isinstance(layer, ChainedPooling):
                layer.__class__ = PlainPooling

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch vertices 3"]:
        """Photographs to meshes."""
        labels = enlarge(self.network.segment(image), SIZE).argmax(1)
        pictures = [Image.fromarray(self.palette[one.cpu().numpy()]) for one in labels]
        small = [np.asarray(picture.resize((PICTURE, PICTURE), Image.Resampling.NEAREST)) for picture in pictures]
        code = self.network.encoder(torch.from_numpy(np.stack(small)).to(image.device).permute(0, 3, 1, 2) / 255)
        numbers = code.latent + self.network.mean
        rotations = torch.stack([self._rotation(entries) for entries in numbers[:, 10:].reshape(-1, 9)])
        relative = to_relative(rotations.view(-1, 24, 3, 3), self.network.layer.body.parents)
        pose = roma.rotmat_to_rotvec(relative).flatten(1)
        return self.smplx(betas=numbers[:, :10], global_orient=pose[:, :3], body_pose=pose[:, 3:]).vertices

    @staticmethod
    def _rotation(entries: Float[Tensor, "9"]) -> Float[Tensor, "3 3"]:
        left, _, right = torch.linalg.svd(entries.view(3, 3))
        sign = torch.ones_like(entries[:3])
        sign[2] = torch.linalg.det(left @ right)
        return left @ torch.diag(sign) @ right


def make_network() -> NBFNetwork:
    """The release's networks with random weights whose activations keep the usual size."""
    torch.manual_seed(0)
    network = NBFNetwork(Encoder("resnet50v1"), BodyLayer(load_body("open")), RefineNet("resnet101v1", 13))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data *= 0.5
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train().segment(torch.rand(2, 3, 128, 128))
        network.estimate(torch.rand(4, 3, PICTURE, PICTURE))
    return network.eval()


def whole(network: NBFNetwork, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch vertices 3"]:
    """Photographs to meshes, as the zoo does it."""
    vertices: Tensor = network(network.colour(network.segment(image), SIZE)).vertices
    return vertices


@torch.no_grad()
def case(plain: bool, batch: int, seconds: float) -> dict[str, Any]:
    """Time and memory of the whole pipeline."""
    network, image = make_network(), torch.rand(batch, 3, SIZE, SIZE)
    pipeline = Straightforward(network) if plain else None
    return measure(lambda: whole(network, image) if pipeline is None else pipeline(image), seconds)


@torch.no_grad()
def stages() -> dict[str, float]:
    """Milliseconds of every stage for one person."""
    network, image = make_network(), torch.rand(1, 3, SIZE, SIZE)
    logits = network.segment(image)
    picture = network.colour(logits, SIZE)
    code = network.encoder(picture)
    fit = network(picture)
    steps = {
        "photograph to part logits (RefineNet)": lambda: network.segment(image),
        "logits to coloured parts": lambda: network.colour(logits, SIZE),
        "coloured parts to numbers (ResNet-50)": lambda: network.encoder(picture),
        "numbers to rotations": lambda: network.layer.rotations(code.latent[:, 10:] + network.mean[10:]),
        "joints": lambda: network.layer.joints(fit.rotations, fit.betas),
        "mesh": lambda: network.layer.vertices(fit.rotations, fit.betas),
    }
    return {name: 1000 * measure(step, 1.0)["seconds"] for name, step in steps.items()}


@torch.no_grad()
def difference() -> float:
    """Largest distance between the two pipelines' vertices, metres."""
    image = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    ours = whole(make_network(), image)
    return float((ours - Straightforward(make_network())(image)).norm(dim=-1).max())


def main() -> None:
    """Measure all cases and print ratios."""
    console = Console()
    console.print(f"NBF, the release's networks, fp32, CPU, {torch.get_num_threads()} threads")
    console.print(f"Largest difference between the meshes of the two pipelines: {difference():.1e} m")
    table = Table("whole pipeline", "straightforward", "ours", "times faster", "memory, straightforward", "ours")
    for batch in BATCHES:
        plain, ours = (in_process("benchmarks.nbf", plain=flag, batch=batch) for flag in (True, False))
        table.add_row(
            f"batch {batch}",
            *(f"{found['seconds']:.3f} s" for found in (plain, ours)),
            f"{plain['seconds'] / ours['seconds']:.2f}",
            *(f"{found['mib']:.0f} MiB" for found in (plain, ours)),
        )
    console.print(table)
    steps = Table("stage, one person", "milliseconds")
    for name, spent in stages().items():
        steps.add_row(name, f"{spent:.1f}")
    console.print(steps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="one case, as JSON")
    parser.add_argument("--plain", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    arguments = parser.parse_args()
    print(json.dumps(case(bool(arguments.plain), arguments.batch, seconds=5.0)))
