"""Joints in photographs: Leeds Sports Pose and its extension."""

from dataclasses import replace

from metrics.pose2d import PCK, BoxError, PCKh, WithinBox
from metrics.protocol import Protocol
from metrics.tasks import PoseTask

_LIMBS = tuple(
    f"{side}_{joint}"
    for joint in ("ankle", "knee", "hip_lsp", "wrist", "elbow", "shoulder")
    for side in ("right", "left")
)
_HIPS = ("{side}_hip_mpii", "{side}_hip", "{side}_hip_h36m", "{side}_hip_mpi")

_TEST = Protocol(
    id="lsp-test-2d",
    benchmark="LSP",
    split="test, im1001 to im2000",
    frames="all 1000 photographs, one person each, cropped by a box around the annotated joints",
    ground_truth="14 joints marked by hand in the image, hidden ones too",
    skeleton="lsp14",
    joints=_LIMBS,
    head=("head_top", "neck_lsp"),
    torso=("left_shoulder", "right_shoulder", "left_hip_lsp", "right_hip_lsp"),
    aliases=tuple((f"{side}_hip_lsp", hip.format(side=side)) for side in ("left", "right") for hip in _HIPS),
    task=PoseTask,
    scores=(PCK, PCKh, WithinBox, BoxError),
    averaging="pooled",
    note="The twelve limb joints. LSP's annotators marked hips by eye; a method's own hip (SMPL's, Human3.6M's, "
    "MPII's) is compared with them as it is. Neck and head top are not scored: no joint sets agree on them. Lengths "
    "of head and torso are the labels'. `box_error` is the mean over people, the other numbers pool all joints.",
)

LSP = (
    _TEST,
    replace(
        _TEST,
        id="lsp-test-2d-14j",
        joints=(*_LIMBS, "neck_lsp", "head_top"),
        aliases=(
            *_TEST.aliases,
            *(("neck_lsp", name) for name in ("neck_mpii", "neck_h36m", "neck_mpi", "neck")),
            ("head_top", "head_lsp"),
        ),
        note="All 14 joints, for methods that predict a head top; hips and neck are the method's own.",
    ),
    replace(
        _TEST,
        id="lsp-extended-2d",
        benchmark="LSP-Extended",
        split="the whole set, which has no test split of its own: not for methods that trained on it",
        frames="all photographs whose twelve limb joints are all marked",
        ground_truth="14 joints marked by crowd workers, hidden ones often left out",
    ),
)
