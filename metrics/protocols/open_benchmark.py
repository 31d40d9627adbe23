"""This project's own benchmark, on the open body."""

from dataclasses import replace

from body.skeleton import SMPL24
from metrics.distance import MPJPE, MRPE, PAMPJPE, PVE, PVEP, PVES
from metrics.protocol import Protocol
from metrics.tasks import IuvMapsTask, MeshTask
from metrics.threshold import AUC, PCK3D

_WHOLE = Protocol(
    id="open-v1",
    benchmark="open benchmark (synthetic bodies rendered by this project)",
    split="held-out test split",
    frames="600 images, one person each, cropped by the true box",
    ground_truth="the open body (Anny, CC0; one body for all genders), exact",
    skeleton="smpl24",
    joints=tuple(joint for joint in SMPL24.joints if joint != "pelvis"),
    body="open",
    regressor="smpl24",
    target_regressor="smpl24",
    root="pelvis",
    mesh_root="pelvis",
    alignment="similarity",
    task=MeshTask,
    scores=(MPJPE, PAMPJPE, PVE, PCK3D, AUC),
    breakdown=("action",),
    averaging="samples",
    note="The pelvis is the origin and is not scored. Not comparable with any number on SMPL or on photographs.",
)

OPEN = (
    _WHOLE,
    replace(
        _WHOLE,
        id="open-v1-root",
        joints=("pelvis",),
        body="",
        regressor=None,
        target_regressor=None,
        root="",
        mesh_root="",
        alignment="none",
        scores=(MRPE,),
        breakdown=(),
        note="Distance of the absolute root positions in the camera frame. Not comparable with any number on SMPL.",
    ),
    replace(
        _WHOLE,
        id="open-v1-body",
        alignment="none",
        scores=(PVEP, PVES),
        note="The same body with one of shape and pose replaced by none; for methods that give parameters of the open "
        "body. Not comparable with any number on SMPL or on photographs.",
    ),
    Protocol(
        id="open-v1-iuv",
        benchmark=_WHOLE.benchmark,
        split=_WHOLE.split,
        frames="600 images, one person each; the 56 x 56 cells of the crop",
        ground_truth="charts of the open body (24 parts, their U and V) where the camera sees them",
        task=IuvMapsTask,
        scores=("auc10", "auc30", "miou"),
        averaging="pooled",
        note="Distances run along the open body's mesh, from vertex to vertex. mIoU is over 24 parts and the "
        "background. A method without IUV maps is scored by its mesh as the camera sees it. Not comparable with "
        "DensePose-COCO, whose charts and annotated points are others.",
    ),
)
