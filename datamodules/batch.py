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
        the scene and the image together, an in-plane rotation rotates the scene about the optical axis and the affine
        back. So camera-frame labels always describe the person as the crop shows them.

    Keys filled on the device after transfer (`BaseDataModule.on_after_batch_transfer`) from the SMPL parameters:
    `vertices`. Parameters of gendered bodies become those of the neutral one afterwards.
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
    scored_joints: Float[Tensor, "batch scored 3"]
    """In the skeleton of the datamodule's protocol, as annotated: no joint stands for another. For evaluation only."""
    scored_joints_valid: Bool[Tensor, "batch scored"]
    scored_joints_2d: Float[Tensor, "batch scored 2"]
    scored_joints_2d_valid: Bool[Tensor, "batch scored"]
    depth_order: Int[Tensor, "batch joints joints"]
    """[i, j] = -1 when joint i is nearer to the camera than j, 1 when farther, 0 when level (within 5 cm)."""
    depth_order_valid: Bool[Tensor, "batch joints joints"]
    root_depth: Float[Tensor, " batch"]
    """z of the root joint, metres."""
    root_depth_valid: Bool[Tensor, " batch"]
    """False as well where the translation was estimated, see `RawSample.absolute`: the depth is made up then."""
    estimated_root_depth: Float[Tensor, " batch"]
    """The same as RootNet estimates it; no label, and in no batch unless its results are given."""
    estimated_root_depth_valid: Bool[Tensor, " batch"]

    # body model
    pose: Float[Tensor, "batch parts 3"]
    """SMPL axis-angle of 24 joints (MANO: 16), joint 0 the orientation in the camera frame."""
    betas: Float[Tensor, "batch 10"]
    """Of the neutral body, after transfer also for people whose fit is male or female (`gendered.NeutralShapes`)."""
    transl: Float[Tensor, "batch 3"]
    smpl_valid: Bool[Tensor, " batch"]
    vertices: Float[Tensor, "batch vertices 3"]
    vertices_valid: Bool[Tensor, " batch"]

    gender: list[str]
    """Of the body that `vertices` are decoded with: `neutral`, `male` or `female`."""

    # dense surface labels, pixels of the crop
    iuv: UInt8[Tensor, "batch 3 labels labels"]
    """Part index 0 (background) to 24, U and V in 0..255; `CropSettings.label_size` wide."""
    iuv_valid: Bool[Tensor, " batch"]
    dense_points: Float[Tensor, "batch 196 5"]
    """DensePose's annotated points: x, y, part 1 to 24, U and V in [0, 1]."""
    dense_points_valid: Bool[Tensor, "batch 196"]
    dense_mask: UInt8[Tensor, "batch size size"]
    """DensePose's coarse parts 1 to 14, 0 elsewhere."""
    dense_mask_valid: Bool[Tensor, " batch"]
    part_labels: list[UInt8[Tensor, "_ _"]]
    """Part labels of the whole images, 255 where none was drawn; empty without."""
    silhouette: list[UInt8[Tensor, "_ _"]]
    """1 where the person is, of the whole images; empty where it is where `part_labels` are not 0."""

    # what sample this is
    index: Int[Tensor, " batch"]
    """Position in the split; unique, so that a padded last batch can be told apart."""
    image_id: Int[Tensor, " batch"]
    """The benchmark's number of the image; -1 where it has none."""
    annotation_id: Int[Tensor, " batch"]
    """The benchmark's number of the person in it; -1 where it has none."""
    image_name: list[str]
    image_size: Float[Tensor, "batch 2"]
    """Width and height of the full image."""
    subject: list[str]
    action: list[str]
    sequence: list[str]
    camera: list[str]
    frame: list[int]
