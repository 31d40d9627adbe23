"""HumanEva-I."""

from dataclasses import replace

from body.skeleton import HUMANEVA15
from metrics.distance import MPJPE, PAMPJPE, MedianPAMPJPE
from metrics.protocol import Protocol
from metrics.tasks import PoseTask

_WALK_JOG = Protocol(
    id="humaneva-walk-jog",
    aka="the HumanEva-I table of Martinez et al. and HEMlets",
    benchmark="HumanEva-I",
    split="validation part of trial 1 of Walking and Jog, subjects 1, 2, 3; one model trained on their training parts",
    frames="every motion-capture frame that is marked valid",
    ground_truth="motion capture, 15 joints (the two ends of neighbouring segments averaged)",
    skeleton="humaneva15",
    joints=HUMANEVA15.joints,
    root="pelvis_humaneva",
    mesh_root="pelvis_humaneva",
    alignment="similarity",
    task=PoseTask,
    scores=(PAMPJPE, MPJPE),
    breakdown=("subject+action",),
    averaging="cells",
    note="Mean over the six pairs of subject and action. Papers write of a rigid alignment and do not say whether it "
    "scales; nor which cameras. The head marker of subject 3 is wrong in most of Walking.",
)

_SMPL = (
    ("pelvis_humaneva", "pelvis"),
    ("left_hip_humaneva", "left_hip"),
    ("right_hip_humaneva", "right_hip"),
    ("thorax_humaneva", "neck"),
)
"""SMPL's joints where those of the motion capture are."""

HUMANEVA = (
    _WALK_JOG,
    replace(
        _WALK_JOG,
        id="humaneva-walk-box",
        aka="the HumanEva-I table of SMPLify and NBF",
        split="validation part of trial 1 of Walking and Box, subjects 1, 2, 3; trained on other data",
        joints=tuple(joint for joint in HUMANEVA15.joints if joint != "head_humaneva"),
        aliases=_SMPL,
        scores=(PAMPJPE, MedianPAMPJPE),
        averaging="samples",
        note="Mean and median over all frames. The papers name neither the cameras nor the joints: here SMPL's pelvis, "
        "hips and neck stand for HumanEva's, and the head is left out, where SMPL's joint is another place.",
    ),
)
