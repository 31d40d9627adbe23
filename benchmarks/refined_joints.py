"""Train `JointRefiner`: joints put right by all that the frozen `people_movenet` says, from maps of its crops.

`python -m benchmarks.refined_joints --maps CACHE --open-v1 2000 --out people_movenet.safetensors` reads the crops of
`benchmarks.cached_maps` and, as many as asked for, of `open-v1`'s training split (made on first use; each counts
twice). It takes minutes of one core. `--evidence` keeps what was read, for another training.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.cached_maps import SIDE, CachedMaps
from body.camera import apply_affine, project
from body.skeleton import OPEN36
from datamodules.augment import Augmentation
from datamodules.settings import CropSettings
from datamodules.synthetic.datamodule import SyntheticDataModule
from lightning_modules.common.backbones import Backbone, create_pyramid
from lightning_modules.common.backbones.joint_refiner import Evidence, JointRefiner
from lightning_modules.common.backbones.movenet_people import PeopleMoveNet
from lightning_modules.common.backbones.registry import SHIPPED
from lightning_modules.common.normalisation import Normalise

_CHUNK = 50
_OUTSIDE, _LOST = 1.2, 3.0
"""Halves of the crop: farther joints count a quarter, and not at all."""
_GEOMETRY = 10
Rows = dict[str, Tensor]
"""`joints` and `parts` of `Evidence`, and the true `places`: x and y in halves of the crop, depth in metres."""


def main() -> None:
    """Read, train, write the backbone's weights with the refiner's."""
    options = _options()
    torch.manual_seed(options.seed)
    backbone = create_pyramid("people_movenet", True).eval()
    if options.evidence is not None and options.evidence.is_file():
        stored = np.load(options.evidence, allow_pickle=False)
        rows = {name: torch.from_numpy(values).float() for name, values in stored.items()}
    else:
        chunks = [*from_maps(options.maps), *2 * [*from_open_v1(backbone, options.open_v1)]]
        rows = {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}
        if options.evidence is not None:
            kept: dict[str, Any] = {name: values.half().numpy() for name, values in rows.items()}
            np.savez(options.evidence, **kept)
    refiner = train(JointRefiner(), rows, options.steps, options.batch, options.lr)
    state = load_file(options.weights)
    state |= {f"people_joints.{key}": value.half().contiguous() for key, value in refiner.state_dict().items()}
    save_file(state, options.out)


def from_maps(file: Path | None) -> Iterator[Rows]:
    """Evidence of the crops of `benchmarks.cached_maps`."""
    maps = None if file is None else CachedMaps(file)
    for start in range(0, 0 if maps is None else len(maps), _CHUNK):
        assert maps is not None
        found = maps.take(np.arange(start, min(start + _CHUNK, len(maps))))
        evidence = JointRefiner().describe(*torch.split(found["said"].float(), [36, 36, 25, 48], 1)[:3])
        yield _rows(evidence, found)


@torch.no_grad()
def from_open_v1(backbone: Backbone, samples: int) -> Iterator[Rows]:
    """Evidence of crops of the first training images of `open-v1`, changed at random."""
    if not samples:
        return
    normalise, net = Normalise(backbone.mean, backbone.std), cast(PeopleMoveNet, backbone.net)
    crops = CropSettings(skeleton="open36", size=SIDE, augmentation=Augmentation())
    data = SyntheticDataModule(train_samples=samples, crops=crops, num_workers=0)
    data.setup("fit")
    for batch in DataLoader(data.dataset("train"), _CHUNK):
        maps = net.read(net(normalise(data.on_after_batch_transfer(batch, 0)["image"]))[0])
        yield _rows(net.people_joints.describe(maps.joints, maps.depths, maps.parts), batch)


def _rows(evidence: Evidence, labels: Rows) -> Rows:
    joints = labels["joints"].float()
    pixels = apply_affine(project(joints, labels["intrinsics"]), labels["crop_affine"])
    depth = joints[..., 2:] - joints[:, OPEN36.root_index, None, 2:]
    places = torch.cat([pixels / (SIDE / 2) - 1, depth], -1).clamp(-100, 100)
    return {"joints": evidence.joints, "parts": evidence.parts, "places": places}


def train(refiner: JointRefiner, rows: Rows, steps: int, batch: int, lr: float) -> JointRefiner:
    """With a cosine schedule; the answer is the moving average of the weights."""
    for name in ("joints", "parts"):
        values = rows[name].flatten(0, -2)
        getattr(refiner, f"{name}_mean").copy_(values.mean(0))
        getattr(refiner, f"{name}_spread").copy_(values.std(0).clamp(min=0.02))
    optimiser = torch.optim.AdamW(refiner.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.05)
    mean = torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(refiner, multi_avg_fn=mean)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / steps))
        evidence, places = changed(rows, batch, refiner)
        loss = distance(refiner.answer(evidence), places)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(refiner.parameters(), 2.0)
        optimiser.step()
        average.update_parameters(refiner)
        if step % 200 == 0:
            print(f"{step} of {steps}: {float(loss.detach()):.3f}", flush=True)
    return cast(JointRefiner, average.module)


def distance(found: Tensor, true: Tensor) -> Tensor:
    """Mean distance in the picture and in depth; joints beyond the crop count less."""
    beyond = true[..., :2].abs().amax(-1)
    weight = torch.where(beyond < _OUTSIDE, 1.0, 0.25) * (beyond < _LOST)
    across = ((found[..., :2] - true[..., :2]).square().sum(-1) + 1e-6).sqrt()
    return 10 * ((across * weight).sum() / weight.sum() + (found[..., 2] - true[..., 2]).abs().mean())


def changed(rows: Rows, batch: int, refiner: JointRefiner) -> tuple[Evidence, Tensor]:
    """A batch turned, resized and shifted; in three of ten rows one pose with the errors of another one's evidence."""
    chosen, other = torch.randint(len(rows["places"]), (2, batch))
    joints, parts, places = rows["joints"][chosen], rows["parts"][chosen], rows["places"][chosen]
    most = torch.tensor([0, 60, 360]).repeat_interleave(torch.tensor([4, 3, 3]))[torch.randint(10, (batch,))]
    angle = (torch.rand(batch) - 0.5) * torch.deg2rad(most)
    size = 1 + 0.3 * (torch.rand(batch) - 0.5)
    turn = size[:, None, None] * torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], -1).view(-1, 2, 2)
    shift = 0.15 * (torch.rand(batch, 1, 2) - 0.5)

    def move(points: Tensor) -> Tensor:
        return points @ turn.mT + shift

    places = torch.cat([move(places[..., :2]), places[..., 2:]], -1)
    joints = torch.cat([move(joints[..., :2]), move(joints[..., 2:4]), joints[..., 4:]], -1)
    means = move(torch.stack([parts[:, 25:50], parts[:, 50:75]], -1))
    spreads = (
        torch.stack([parts[:, 75:100], parts[:, 100:]], -1).square() @ turn.mT.square()
    )  # as if without covariance
    parts = torch.cat([parts[:, :25], means[..., 0], means[..., 1], *spreads.sqrt().unbind(-1)], 1)
    mixed = torch.rand(batch) < 0.3
    strange = rows["joints"][other]
    wrong, size = rows["places"][other], size[:, None, None]
    lent = torch.cat(
        [
            (places[..., :2] + size * (strange[..., :2] - wrong[..., :2])).clamp(-1, 1),
            (places[..., :2] + size * (strange[..., 2:4] - wrong[..., :2])).clamp(-1, 1),
            strange[..., 4:7],
            strange[..., 7:9] + 2 * (places[..., 2:] - wrong[..., 2:]),
            strange[..., 9:_GEOMETRY],
            refiner.joints_mean[_GEOMETRY:].expand(*strange.shape[:2], -1),
        ],
        -1,
    )
    dull = mixed | (torch.rand(batch) < 0.1)  # geometry alone
    joints = torch.where(mixed[:, None, None], lent, joints)
    looks = torch.where(dull[:, None, None], refiner.joints_mean[_GEOMETRY:], joints[..., _GEOMETRY:])
    parts = torch.where(dull[:, None], refiner.parts_mean, parts)
    return Evidence(torch.cat([joints[..., :_GEOMETRY], looks], -1), parts), places


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--maps", type=Path, help="of benchmarks.cached_maps")
    add("--open-v1", type=int, default=2000, help="images of open-v1")
    add("--evidence", type=Path, help="file that keeps what was read")
    add("--out", type=Path, required=True)
    add("--weights", type=Path, default=SHIPPED / "people_movenet.safetensors", help="of the backbone")
    add("--steps", type=int, default=4000)
    add("--batch", type=int, default=256)
    add("--lr", type=float, default=2e-3)
    add("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
