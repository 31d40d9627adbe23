"""From a raw sample to the tensors of one crop: geometry of the box, the warp, and every label moved along.

Convention:
    A flip mirrors scene and image together (x of 3D points and of pixels about the image centre). A change's
    rotation rotates the scene about the optical axis (x towards y), and the crop with it. The crop affine of the result
    maps the rotated scene's projections to crop pixels, so `crop_affine @ project(joints, intrinsics) == joints_2d`.
    For example, with a rotation of pi / 2 a person who stood upright lies with the head to the right.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from body.camera import compose_affine, crop_affine, rotation_affine, square_box
from datamodules.augment import Change, change_colours
from datamodules.crop.joints import joint_labels
from datamodules.crop.smpl import RestRoot, smpl_labels
from datamodules.crop.surface import dense_labels, surface_labels
from datamodules.sample import RawSample
from datamodules.settings import CropSettings
from metrics.protocols import Protocol

_WIDEST = 32_766  # pixels of a side that OpenCV warps; of wider images only the part that is needed is given to it
_NAMES = (
    "index", "image_id", "annotation_id", "image_name", "gender", "subject", "action", "sequence", "camera", "frame",
)  # fmt: skip


def crop_image(
    image: UInt8[np.ndarray, "height width 3"], affine: Float[np.ndarray, "2 3"], size: int
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Bilinear warp of an image by the affine that maps its pixels to crop pixels; black outside."""
    affine = np.asarray(affine, np.float64)
    if max(image.shape[:2]) > _WIDEST:
        corners = np.array([[-1, -1], [size, -1], [-1, size], [size, size]]) - affine[:, 2]
        region = corners @ np.linalg.inv(affine[:, :2]).T
        low = np.clip(np.floor(region.min(0)) - 1, 0, np.array(image.shape[1::-1]) - 1).astype(int)
        high = np.clip(np.ceil(region.max(0)) + 2, low + 1, None).astype(int)
        image = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
        affine = np.concatenate([affine[:, :2], (affine[:, :2] @ low + affine[:, 2])[:, None]], 1)
    return cv2.warpAffine(image, affine, (size, size), flags=cv2.INTER_LINEAR)


def make_crop(
    sample: RawSample, settings: CropSettings, change: Change, rest_root: RestRoot, scored: Protocol | None = None
) -> dict[str, Any]:
    """One row of a `Batch`, without `vertices`.

    Args:
        sample: what the benchmark gave.
        settings: of the crop.
        change: augmentation.
        rest_root: where the body's root rests, for rotating SMPL translations.
        scored: protocol whose joints are evaluated; those of `settings` when omitted.

    Raises:
        ValueError: the box is empty.
    """
    if not (np.isfinite(sample.box).all() and sample.box[2:].min() > 0):
        raise ValueError(
            f"sample {sample.index} ({sample.image_name or sample.sequence}): its box {sample.box} is empty"
        )
    size = settings.size
    height, width = sample.image.shape[:2]
    flip = _flip_affine(width) if change.flip else np.eye(2, 3)
    intrinsics = _mirror_intrinsics(sample.intrinsics, width) if change.flip else sample.intrinsics
    box = sample.box.astype(np.float64)
    if change.flip:
        box[0] = width - 1 - box[0] - box[2]
    window = square_box(torch.from_numpy(box), settings.window_scale * change.scale)
    # the window rotates against the scene, so that the crop's content rotates with it
    affine = crop_affine(window, size, torch.tensor(-change.rotation, dtype=torch.float64))
    unturn = rotation_affine(
        torch.from_numpy(intrinsics.astype(np.float64)), torch.tensor(-change.rotation, dtype=torch.float64)
    )
    from_original = compose_affine(affine, torch.from_numpy(flip)).numpy()
    image = change_colours(crop_image(sample.image, from_original, size), change)
    row = {
        "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float().div_(255),
        "intrinsics": torch.from_numpy(intrinsics).float(),
        "crop_affine": compose_affine(affine, unturn).float(),
        "box": window.float(),
        **joint_labels(sample, settings, scored, change, from_original),
        **smpl_labels(sample.smpl, change, rest_root),
        **surface_labels(sample, change, from_original, settings),
        **dense_labels(sample, change, from_original, size),
    }
    names = {key: getattr(sample, key) for key in _NAMES}
    maps = {"part_labels": sample.part_labels, "silhouette": sample.silhouette}
    drawn = {key: torch.from_numpy(np.zeros((0, 0), np.uint8) if m is None else m) for key, m in maps.items()}
    size_of_image = torch.tensor([width, height]).float()
    return {**row, **names, "image_size": size_of_image, **drawn}


def _flip_affine(width: int) -> Float[np.ndarray, "2 3"]:
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])


def _mirror_intrinsics(intrinsics: Float[np.ndarray, "3 3"], width: int) -> Float[np.ndarray, "3 3"]:
    mirrored = intrinsics.astype(np.float64)
    mirrored[0, 1] *= -1
    mirrored[0, 2] = width - 1 - mirrored[0, 2]
    return mirrored
