"""What the tests of NBF share: small settings, and a batch with rendered parts."""

import torch
from people import make_batch, open_body

from body.camera import apply_affine, crop_affine, project

TINY = {
    "encoder": "resnet18_tiny",
    "segmenter_backbone": "resnet18_tiny",
    "segmenter_channels": 8,
    "crop_size": 64,
    "input_size": 32,
}


def with_parts(batch, crop):
    """The batch with part labels: a dot of every vertex, later ones over earlier ones."""
    body = open_body()
    size = len(batch["image"])
    part = body.lbs_weights.argmax(1) + 1
    homogeneous = batch["vertices"] @ batch["intrinsics"].mT
    pixels = homogeneous[..., :2] / homogeneous[..., 2:]
    pixels = pixels @ batch["crop_affine"][..., :2].mT + batch["crop_affine"][:, None, :, 2]
    column, row = pixels.round().long().clamp(0, crop - 1).unbind(-1)
    iuv = torch.zeros(size, 3, crop, crop, dtype=torch.uint8)
    for person in range(size):
        iuv[person, 0, row[person], column[person]] = part.to(torch.uint8)
    return batch | {"iuv": iuv, "iuv_valid": torch.ones(size, dtype=torch.bool)}


def make_people(size=3, crop=64, seed=0):
    """People in crops that stand upright as those of datamodules do: their labels turn with them."""
    batch = make_batch(size, crop, seed)
    upright = crop_affine(batch["box"], crop)
    pixels = apply_affine(project(batch["joints"], batch["intrinsics"]), upright)
    return with_parts(batch | {"crop_affine": upright, "joints_2d": pixels}, crop)
