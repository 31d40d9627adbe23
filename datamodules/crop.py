"""From a raw sample to the tensors of one crop: geometry of the box, the warp, and every label moved along.

Convention:
    A flip mirrors scene and photograph together (x of 3D points and of pixels about the image centre). A change's
    rotation turns the scene about the optical axis (x towards y), and the crop with it. The crop affine of the result
    maps the turned scene's projections to crop pixels, so `crop_affine @ project(joints, intrinsics) == joints_2d`.
    For example, with a rotation of pi / 2 a person who stood upright lies with the head to the right.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from body.camera import compose_affine, crop_affine, square_box, turn_affine
from body.parts import swap_table
from body.skeleton import SMPL24, Skeleton, get_skeleton
from datamodules.aliases import same_joints
from datamodules.augment import Change, change_colours
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings
from metrics.protocols import Protocol

DENSE_POINTS = 196
"""Most surface points that DensePose-COCO annotates of one person."""
_LEVEL = 0.05  # metres within which two joints count as equally far away
_MIDDLE_PARTS = np.array([SMPL24.mirror[j] == j for j in range(24)])
_FLIP_VECTOR = np.array([-1.0, 1.0, 1.0])
_FLIP_AXIS = np.array([1.0, -1.0, -1.0])  # a mirrored turn keeps x and reverses y and z


class RestRoot:
    """Where the root joint of a body rests, as a linear function of its shape.

    An SMPL body turns about its rest-pose root, so a turn of the whole scene changes the translation as well.

    Args:
        origin: root of the mean shape.
        directions: how it moves with every shape coefficient.
        parts: number of joints that the body's pose turns: 24, or 16 for a hand.
    """

    def __init__(
        self, origin: Float[np.ndarray, "3"], directions: Float[np.ndarray, "10 3"], parts: int = len(SMPL24)
    ) -> None:
        self._origin, self._directions, self.parts = origin, directions, parts

    def of(self, betas: Float[np.ndarray, "*rows 10"]) -> Float[np.ndarray, "*rows 3"]:
        """Rest place of the root joint of a shape, or of many, metres."""
        return self._origin + betas @ self._directions


_NAMES = (
    "index", "image_id", "annotation_id", "image_name", "gender", "subject", "action", "sequence", "camera", "frame",
)  # fmt: skip


def crop_image(
    image: UInt8[np.ndarray, "height width 3"], affine: Float[np.ndarray, "2 3"], size: int
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Bilinear warp of an image by the affine that maps its pixels to crop pixels; black outside."""
    return cv2.warpAffine(image, np.asarray(affine, np.float64), (size, size), flags=cv2.INTER_LINEAR)


def make_crop(
    sample: RawSample, settings: CropSettings, change: Change, rest_root: RestRoot, scored: Protocol | None = None
) -> dict[str, Any]:
    """One row of a `Batch`, without `vertices`.

    Args:
        sample: what the benchmark gave.
        settings: of the crop.
        change: augmentation.
        rest_root: where the body's root rests, for turning SMPL translations.
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
    window = square_box(torch.from_numpy(box), settings.margin * change.scale)
    # the window turns against the scene, so that the crop's content turns with it
    affine = crop_affine(window, size, torch.tensor(-change.rotation, dtype=torch.float64))
    unturn = turn_affine(
        torch.from_numpy(intrinsics.astype(np.float64)), torch.tensor(-change.rotation, dtype=torch.float64)
    )
    from_original = compose_affine(affine, torch.from_numpy(flip)).numpy()
    image = change_colours(crop_image(sample.image, from_original, size), change)
    row = {
        "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float().div_(255),
        "intrinsics": torch.from_numpy(intrinsics).float(),
        "crop_affine": compose_affine(affine, unturn).float(),
        "box": window.float(),
        **_joints(sample, settings, scored, change, from_original),
        **_smpl(sample.smpl, change, rest_root),
        **_surface(sample, change, from_original, settings),
        **_dense(sample, change, from_original, size),
    }
    names = {key: getattr(sample, key) for key in _NAMES}
    maps = {"part_labels": sample.part_labels, "silhouette": sample.silhouette}
    drawn = {key: torch.from_numpy(np.zeros((0, 0), np.uint8) if m is None else m) for key, m in maps.items()}
    size_of_image = torch.tensor([width, height]).float()
    return {**row, **names, "image_size": size_of_image, **drawn}


def change_smpl(smpl: Smpl, change: Change, rest_root: Float[np.ndarray, "3"]) -> Smpl:
    """SMPL parameters of the mirrored and turned person; exact for a body that is its own mirror image.

    Raises:
        ValueError: a hand is to be mirrored, which makes a left hand of it.
    """
    if change.flip and len(smpl.pose) != len(SMPL24):
        raise ValueError("a mirrored hand is another hand; set augmentation.flip_probability to 0")
    pose, root = smpl.pose.astype(np.float64), rest_root + smpl.transl
    if change.flip:
        pose = pose[list(SMPL24.mirror)] * _FLIP_AXIS
        root = root * _FLIP_VECTOR
    if change.rotation:
        turn = _turn_matrix(change.rotation)
        orientation = turn @ cv2.Rodrigues(pose[0])[0]
        pose = np.concatenate([cv2.Rodrigues(orientation)[0].T, pose[1:]])
        root = turn @ root
    return Smpl(pose, smpl.betas, root - rest_root)


def mirror_iuv(iuv: UInt8[np.ndarray, "*batch 3"]) -> UInt8[np.ndarray, "*batch 3"]:
    """Labels of mirrored pixels: sides swapped, U reversed on the parts that have no other side (`body.uv`)."""
    part, u, v = iuv[..., 0], iuv[..., 1], iuv[..., 2]
    middle = np.concatenate([[False], _MIDDLE_PARTS])[part]
    return np.stack([_swapped_parts()[part], np.where(middle, 255 - u, u), v], -1)


def _turn_matrix(angle: float) -> Float[np.ndarray, "3 3"]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _flip_affine(width: int) -> Float[np.ndarray, "2 3"]:
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])


def _mirror_intrinsics(intrinsics: Float[np.ndarray, "3 3"], width: int) -> Float[np.ndarray, "3 3"]:
    mirrored = intrinsics.astype(np.float64)
    mirrored[0, 1] *= -1
    mirrored[0, 2] = width - 1 - mirrored[0, 2]
    return mirrored


@cache
def _swapped_parts() -> UInt8[np.ndarray, "25"]:
    return swap_table(24)


@cache
def _positions(source: Skeleton, target: Skeleton, rule: str, flip: bool) -> Int[np.ndarray, "target"]:
    """Where the joints of `target` are; of a mirrored person, where those of the other side are."""
    positions = np.array(source.positions_of(target, same_joints(rule, source, target)))
    return positions[list(target.mirror)] if flip else positions


@cache
def _scored_positions(source: Skeleton, protocol: Protocol, flip: bool) -> Int[np.ndarray, "target"]:
    target = get_skeleton(protocol.skeleton)
    positions = np.array(source.positions_of(target, protocol.aliases_of(source)))
    return positions[list(target.mirror)] if flip else positions


class _Points(NamedTuple):
    """A sample's joints in its own skeleton, as the crop shows them; sides are not swapped yet."""

    points: Float[np.ndarray, "joints 3"]
    valid: Bool[np.ndarray, "joints"]
    pixels: Float[np.ndarray, "joints 2"]
    pixels_valid: Bool[np.ndarray, "joints"]

    def pick(self, positions: Int[np.ndarray, "target"]) -> _Points:
        """Joints of another skeleton by their positions here; zeros where one is -1."""
        found = positions >= 0
        valid, pixels_valid = self.valid[positions] & found, self.pixels_valid[positions] & found
        points, pixels = self.points[positions] * valid[:, None], self.pixels[positions] * pixels_valid[:, None]
        return _Points(points, valid, pixels, pixels_valid)

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Keys of a batch, which begin with a name."""
        return {
            name: torch.from_numpy(self.points).float(),
            f"{name}_valid": torch.from_numpy(self.valid),
            f"{name}_2d": torch.from_numpy(self.pixels).float(),
            f"{name}_2d_valid": torch.from_numpy(self.pixels_valid),
        }


def _moved(sample: RawSample, change: Change, affine: Float[np.ndarray, "2 3"]) -> _Points:
    pixels, pixels_valid = sample.joints_2d, sample.joints_2d_valid
    if pixels is None or pixels_valid is None:
        pixels_valid = sample.joints_valid & (sample.joints[:, 2] > 0)
        homogeneous = sample.joints @ sample.intrinsics.T
        pixels = homogeneous[:, :2] / np.where(pixels_valid, homogeneous[:, 2], 1)[:, None]
    points = sample.joints.astype(np.float64) * (_FLIP_VECTOR if change.flip else 1.0)
    points = points @ _turn_matrix(change.rotation).T
    return _Points(points, sample.joints_valid, pixels @ affine[:, :2].T + affine[:, 2], pixels_valid)


def _joints(
    sample: RawSample,
    settings: CropSettings,
    scored: Protocol | None,
    change: Change,
    affine: Float[np.ndarray, "2 3"],
) -> dict[str, Tensor]:
    moved, wanted = _moved(sample, change, affine), get_skeleton(settings.skeleton)
    positions = _positions(sample.skeleton, wanted, settings.same_joints, change.flip)
    exact = _scored_positions(sample.skeleton, scored, change.flip) if scored else positions
    joints, root = moved.pick(positions), wanted.root_index
    return {
        **joints.tensors("joints"),
        **moved.pick(exact).tensors("scored_joints"),
        **_depth_order(sample, joints.points[:, 2], joints.valid, positions),
        "root_depth": torch.tensor(joints.points[root, 2], dtype=torch.float32),
        "root_depth_valid": torch.tensor(bool(joints.valid[root]) and sample.absolute),
    }


def _depth_order(
    sample: RawSample, depth: Float[np.ndarray, "joints"], valid: Bool[np.ndarray, "joints"], positions: Any
) -> dict[str, Tensor]:
    """Which joint is nearer: from 3D joints where both are there, else as annotated. A turn or flip changes nothing."""
    behind = depth[:, None] - depth[None]
    order, known = np.sign(behind) * (np.abs(behind) > _LEVEL), valid[:, None] & valid[None]
    if sample.depth_order is not None and sample.depth_order_valid is not None:
        pairs = np.ix_(positions, positions)
        found = (positions >= 0)[:, None] & (positions >= 0)[None]
        order = np.where(known, order, sample.depth_order[pairs])
        known = known | (sample.depth_order_valid[pairs] & found)
    return {
        "depth_order": torch.from_numpy((order * known).astype(np.int64)),
        "depth_order_valid": torch.from_numpy(known),
    }


def _smpl(smpl: Smpl | None, change: Change, rest_root: RestRoot) -> dict[str, Tensor]:
    if smpl is None:
        zeros = {"pose": torch.zeros(rest_root.parts, 3), "betas": torch.zeros(10), "transl": torch.zeros(3)}
        return {**zeros, "smpl_valid": torch.tensor(False), "vertices_valid": torch.tensor(False)}
    changed = change_smpl(smpl, change, rest_root.of(smpl.betas.astype(np.float64)))
    values = {key: torch.from_numpy(getattr(changed, key)).float() for key in ("pose", "betas", "transl")}
    return {**values, "smpl_valid": torch.tensor(True), "vertices_valid": torch.tensor(True)}


def _surface(
    sample: RawSample, change: Change, affine: Float[np.ndarray, "2 3"], settings: CropSettings
) -> dict[str, Tensor]:
    size = settings.label_size
    if sample.iuv is None:
        return {"iuv": torch.zeros(3, size, size, dtype=torch.uint8), "iuv_valid": torch.tensor(False)}
    iuv = cv2.warpAffine(sample.iuv, scale_affine(affine, size / settings.size), (size, size), flags=cv2.INTER_NEAREST)
    if change.flip:
        iuv = mirror_iuv(iuv)
    return {"iuv": torch.from_numpy(np.ascontiguousarray(iuv.transpose(2, 0, 1))), "iuv_valid": torch.tensor(True)}


def scale_affine(affine: Float[np.ndarray, "2 3"], factor: float) -> Float[np.ndarray, "2 3"]:
    """The affine to the same crop at another resolution; pixel centres are at integers, so corners are at -0.5."""
    scaled = factor * np.asarray(affine, np.float64)
    scaled[:, 2] += (factor - 1) / 2
    return scaled


def _dense(sample: RawSample, change: Change, affine: Float[np.ndarray, "2 3"], size: int) -> dict[str, Tensor]:
    """DensePose's points and coarse mask; their charts are mirrored by `datamodules.dense`."""
    points, valid = np.zeros((DENSE_POINTS, 5), np.float32), np.zeros(DENSE_POINTS, bool)
    mask = np.zeros((size, size), np.uint8)
    if sample.dense_points is not None:
        count = min(len(sample.dense_points), DENSE_POINTS)
        points[:count], valid[:count] = sample.dense_points[:count], True
        points[:count, :2] = points[:count, :2] @ affine[:, :2].T + affine[:, 2]
    if sample.dense_mask is not None:
        mask = cv2.warpAffine(sample.dense_mask, affine, (size, size), flags=cv2.INTER_NEAREST)
    if change.flip and (sample.dense_points is not None or sample.dense_mask is not None):
        from datamodules.dense import mirror_dense

        points, mask = mirror_dense(points, valid, mask)
    return {
        "dense_points": torch.from_numpy(points),
        "dense_points_valid": torch.from_numpy(valid),
        "dense_mask": torch.from_numpy(mask),
        "dense_mask_valid": torch.tensor(sample.dense_mask is not None),
    }
