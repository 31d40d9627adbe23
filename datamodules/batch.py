"""The one batch layout that every datamodule yields and every method reads."""

from __future__ import annotations

from typing import TypedDict

from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor


class Batch(TypedDict):
    """A batch of single-person crops with every label the zoo knows.

    A label that a benchmark does not have is zeros with an all-false mask: keys and shapes never change. 3D values are
    metres in the camera frame of `intrinsics` (x right, y down, z forward). Joints are in the datamodule's `skeleton`.

    Convention:
        `crop_affine @ project(joints, intrinsics) == joints_2d` always holds, also after augmentation: a flip mirrors
        the scene and the image together, an in-plane rotation turns the scene about the optical axis and the affine
        back. So camera-frame labels always describe the person as the crop shows them.

    Keys filled on the device after transfer (`BaseDataModule.on_after_batch_transfer`) from the SMPL parameters:
    `vertices`.
    """

    # image
    image: Float[Tensor, "batch 3 size size"]
    """RGB in [0, 1]."""
    intrinsics: Float[Tensor, "batch 3 3"]
    """Camera of the full image, pixels."""
    crop_affine: Float[Tensor, "batch 2 3"]
    """Full-image pixels to crop pixels."""
    box: Float[Tensor, "batch 4"]
    """Square crop window (x, y, width, height) in full-image pixels before rotation."""

    # joints
    joints: Float[Tensor, "batch joints 3"]
    joints_valid: Bool[Tensor, "batch joints"]
    joints_2d: Float[Tensor, "batch joints 2"]
    """Crop pixels."""
    joints_2d_valid: Bool[Tensor, "batch joints"]
    depth_order: Int[Tensor, "batch joints joints"]
    """[i, j] = -1 when joint i is nearer to the camera than j, 1 when farther, 0 when level (within 5 cm)."""
    depth_order_valid: Bool[Tensor, "batch joints joints"]
    root_depth: Float[Tensor, "batch"]
    """z of the root joint, metres."""
    root_depth_valid: Bool[Tensor, "batch"]

    # body model
    pose: Float[Tensor, "batch 24 3"]
    """SMPL axis-angle, joint 0 the orientation in the camera frame."""
    betas: Float[Tensor, "batch 10"]
    transl: Float[Tensor, "batch 3"]
    smpl_valid: Bool[Tensor, "batch"]
    vertices: Float[Tensor, "batch vertices 3"]
    vertices_valid: Bool[Tensor, "batch"]

    # dense surface labels, crop pixels at the crop's full size
    iuv: UInt8[Tensor, "batch 3 size size"]
    """Part index 0 (background) to 24, U and V in 0..255."""
    iuv_valid: Bool[Tensor, "batch"]

    # what sample this is
    index: Int[Tensor, "batch"]
    """Position in the split; unique, so that a padded last batch can be told apart."""
    image_size: Float[Tensor, "batch 2"]
    """Width and height of the full image."""
    subject: list[str]
    action: list[str]
    sequence: list[str]
    camera: list[str]
    frame: list[int]
