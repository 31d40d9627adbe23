"""Human3.6M: the same two subjects, evaluated in ways that papers call "Protocol 1" or "Protocol 2"."""

from dataclasses import replace

from body.skeleton import H36M17, SMPL24
from metrics.distance import MPJPE, MRPE, PAMPJPE, PVE, PVEP, PVES, MedianPAMPJPE
from metrics.protocol import MODEL_ORIGIN, Protocol
from metrics.tasks import MeshTask, PoseTask

H36M14 = tuple(joint for joint in H36M17.joints if joint not in ("pelvis_h36m", "torso_h36m", "nose_h36m"))
"""14 of Human3.6M's 17 joints, which the SMPL-regression literature scores on Human3.6M and 3DPW."""

H36M14_NOTE = "14 joints as in the SMPL-regression literature (HMR, SPIN)."

_MOTION_CAPTURE = "the data set's own 17 joints in the camera frame"
_FIVE = "subjects 9 and 11, trained on 1, 5, 6, 7, 8"

_JOINTS = Protocol(
    id="h36m-p1-17j",
    aka='"Protocol 1" of Martinez et al. and HEMlets',
    benchmark="Human3.6M",
    split=_FIVE,
    frames="all four cameras, every frame at 50 Hz (some papers keep fewer frames of the same videos)",
    ground_truth=_MOTION_CAPTURE,
    skeleton="h36m17",
    joints=H36M17.joints,
    body="smpl",
    regressor="h36m17",
    root="pelvis_h36m",
    mesh_root="pelvis_h36m",
    task=PoseTask,
    scores=(MPJPE,),
    breakdown=("action",),
    averaging="actions",
    note="The root is among the 17 joints, with its error of 0.",
)

_MESH = replace(
    _JOINTS,
    id="h36m-p1-14j-mesh",
    aka='"Protocol 1" of HMR and SPIN',
    frames="all four cameras, every 5th frame",
    ground_truth=f"{_MOTION_CAPTURE}; meshes (for PVE) are neutral SMPL fitted to the markers by MoSh",
    joints=H36M14,
    mesh_root="pelvis_h36m",
    alignment="similarity",
    task=MeshTask,
    scores=(MPJPE, PAMPJPE, PVE),
    averaging="samples",
    note=H36M14_NOTE,
)

HUMAN36M = (
    _JOINTS,
    replace(
        _JOINTS,
        id="h36m-p2-17j",
        aka='"Protocol 2" of Martinez et al. and HEMlets',
        alignment="similarity",
        scores=(PAMPJPE, MedianPAMPJPE),
        note="The alignment and the mean are over all 17 joints. HEMlets' released code aligns the truth to the "
        "prediction instead, which favours predictions that are too small; here the prediction moves.",
    ),
    replace(
        _JOINTS,
        id="h36m-s11-17j-rigid",
        aka='"Protocol 1" of integral regression and 3DMPPE, "Protocol 2" of the cascaded lifting paper',
        split="subject 11, trained on 1, 5, 6, 7, 8, 9",
        frames="all four cameras, every 64th frame",
        alignment="rigid",
        scores=(PAMPJPE,),
        averaging="samples",
        note="Without scale, as in the released code of 3DMPPE; older numbers in the same tables may have used scale. "
        "HEMlets quotes such rows as PA MPJPE although it was trained without subject 9.",
    ),
    replace(
        _JOINTS,
        id="h36m-p2-17j-64",
        aka='"Protocol 2" of integral regression and 3DMPPE, "Protocol 1" of the cascaded lifting paper',
        frames="all four cameras, every 64th frame",
        averaging="samples",
    ),
    _MESH,
    replace(
        _MESH,
        id="h36m-p2-14j-mesh",
        aka='"Protocol 2" of HMR and SPIN',
        frames="frontal camera 60457274 only, every 5th frame",
        scores=(PAMPJPE, MPJPE, MedianPAMPJPE, PVE, PVES, PVEP),
        note=f"{H36M14_NOTE} PVE-S poses both bodies with zero rotations, PVE-P with zero shape.",
    ),
    replace(
        _MESH,
        id="h36m-p2-14j-lixel",
        aka="I2L-MeshNet's own evaluation",
        frames="every 64th frame of camera 60457274",
        ground_truth=_MOTION_CAPTURE,
        scores=(MPJPE, PAMPJPE),
    ),
    replace(
        _JOINTS,
        id="h36m-p2-root",
        aka='"MRPE" of 3DMPPE (RootNet)',
        frames="all four cameras, every 64th frame",
        joints=("pelvis_h36m",),
        root="",
        mesh_root="",
        scores=(MRPE,),
        averaging="samples",
        note="Distance of the absolute root positions in the camera frame.",
    ),
    replace(
        _JOINTS,
        id="h36m-s8-24j",
        aka="the validation of NBF",
        split="subject 8, trained on 1, 5, 6, 7",
        frames="the frames on which the SMPL fits exist",
        ground_truth="neutral SMPL fitted to the markers by MoSh",
        skeleton="smpl24",
        joints=SMPL24.joints,
        regressor="smpl24",
        target_regressor="smpl24",
        root=MODEL_ORIGIN,
        mesh_root=MODEL_ORIGIN,
        task=MeshTask,
        scores=(MPJPE, PVE),
        averaging="samples",
        note="The paper does not say which frames.",
    ),
)
