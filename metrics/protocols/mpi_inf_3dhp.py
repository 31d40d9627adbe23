"""MPI-INF-3DHP and its multi-person sibling MuPoTS-3D, which share a joint set."""

from dataclasses import replace

from body.skeleton import MPI_INF_3DHP17
from metrics.distance import MPJPE
from metrics.protocol import Protocol
from metrics.tasks import PeopleTask, PoseTask
from metrics.threshold import AUC, PCK3D

SCORED14 = tuple(joint for joint in MPI_INF_3DHP17.joints if joint not in ("pelvis_mpi", "spine_mpi", "head_mpi"))
"""The 14 joints of 3DPCK: without pelvis, spine and head."""

_ALIASES = (
    ("neck_mpi", "neck_h36m"),
    ("left_hip_mpi", "left_hip_h36m"),
    ("right_hip_mpi", "right_hip_h36m"),
    ("pelvis_mpi", "pelvis_h36m"),
    ("spine_mpi", "torso_h36m"),
    ("head_mpi", "nose_h36m"),
)
_ACTIVITIES = "Standing/Walking, Exercising, Sitting, Reaching/Crouching, On the floor, Sports, Misc."

MPI_INF_3DHP = (
    Protocol(
        id="mpi-inf-3dhp-test",
        benchmark="MPI-INF-3DHP",
        split="test, 6 sequences",
        frames="the 2929 frames marked valid",
        ground_truth="marker-less motion capture scaled to one body height (`univ_annot3`)",
        skeleton="mpi_inf_3dhp17",
        joints=SCORED14,
        distance_joints=MPI_INF_3DHP17.joints,
        aliases=_ALIASES,
        body="smpl",
        regressor="h36m17",
        root="pelvis_mpi",
        mesh_root="pelvis_mpi",
        task=PoseTask,
        scores=(PCK3D, AUC, MPJPE),
        breakdown=("setting", "sequence", "action"),
        settings=(
            ("studio, green screen", ("TS1", "TS2")),
            ("studio, no green screen", ("TS3", "TS4")),
            ("outdoor", ("TS5", "TS6")),
        ),
        averaging="samples",
        note=f"Every frame weighs the same within a setting, too. Activities: {_ACTIVITIES} "
        "Some papers drop the 54 frames with a joint outside the image.",
    ),
)

_MUPOTS = Protocol(
    id="mupots-relative-all",
    aka='"all groundtruths" of Mehta et al. and 3DMPPE, the only number of the cascaded lifting paper',
    benchmark="MuPoTS-3D",
    split="all 20 sequences",
    frames="every frame; all annotated people count, whom nobody was matched to with a score of 0",
    ground_truth="marker-less motion capture scaled to one body height (`univ_annot3`)",
    task=PeopleTask,
    skeleton="mpi_inf_3dhp17",
    joints=SCORED14,
    aliases=_ALIASES,
    matching=tuple(joint for joint in SCORED14 if joint != "head_top"),
    root="pelvis_mpi",
    scores=("pck3d",),
    breakdown=("sequence",),
    averaging="sequences",
    note="People are matched by their 2D joints within 40 pixels; predicted bones are scaled to the true lengths.",
)
_MATCHED = replace(
    _MUPOTS,
    id="mupots-relative-matched",
    aka='"matched groundtruths" of Mehta et al. and 3DMPPE',
    frames="every frame; only people that a prediction was matched to count",
    matched_only=True,
)

MUPOTS = (
    _MUPOTS,
    _MATCHED,
    replace(_MUPOTS, id="mupots-absolute-all", aka="", root="", scores=("pck3d_abs",)),
    replace(_MATCHED, id="mupots-absolute-matched", aka="", root="", scores=("pck3d_abs",)),
    replace(
        _MUPOTS,
        id="mupots-root",
        aka='"AP root 25" of 3DMPPE (RootNet)',
        frames="every frame",
        joints=("pelvis_mpi",),
        root="",
        scores=("ap_root25", "mrpe"),
        breakdown=(),
        averaging="pooled",
        note="A root counts when it is within 25 cm of the truth in the camera frame.",
    ),
)
