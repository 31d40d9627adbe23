"""This project's own benchmark, on the open body."""

from dataclasses import replace

from body.skeleton import SMPL24
from metrics.distance import MPJPE, MRPE, PAMPJPE, PVE, PVEP, PVES
from metrics.protocol import Protocol
from metrics.tasks import IuvMapsTask, MeshTask
from metrics.threshold import AUC, PCK3D

_NOTE = "Not comparable with any number on SMPL or on photographs."


def _protocols(version: str, benchmark: str, frames: str, breakdown: tuple[str, ...]) -> tuple[Protocol, ...]:
    """What is scored of the same pictures: the whole, the root's position, shape and pose apart, the surface."""
    whole = Protocol(
        id=version,
        benchmark=benchmark,
        split="held-out test split",
        frames=f"600 images, {frames}",
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
        breakdown=breakdown,
        averaging="samples",
        note=f"The pelvis is the origin and is not scored. {_NOTE}",
    )
    root = replace(
        whole,
        id=f"{version}-root",
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
    )
    parameters = replace(
        whole,
        id=f"{version}-body",
        alignment="none",
        scores=(PVEP, PVES),
        note="The same body with one of shape and pose replaced by none; for methods that give parameters of the open "
        f"body. {_NOTE}",
    )
    surface = Protocol(
        id=f"{version}-iuv",
        benchmark=benchmark,
        split=whole.split,
        frames=f"600 images, {frames.split(',')[0]}; the 56 x 56 cells of the crop",
        ground_truth="charts of the open body (24 parts, their U and V) where the camera sees them",
        task=IuvMapsTask,
        scores=("auc10", "auc30", "miou"),
        averaging="pooled",
        note="Distances run along the open body's mesh, from vertex to vertex. mIoU is over 24 parts and the "
        "background. A method without IUV maps is scored by its mesh as the camera sees it. Not comparable with "
        "DensePose-COCO, whose charts and annotated points are others.",
    )
    return whole, root, parameters, surface


OPEN = _protocols(
    "open-v1",
    "open benchmark (synthetic bodies rendered by this project)",
    "one person each, cropped by the true box",
    ("action",),
)
OPEN_V2 = _protocols(
    "open-v2",
    "open benchmark 2 (dressed synthetic people, rendered nearer to photographs by this project)",
    "one labelled person each, often among others or cut by the border, cropped by a box as detectors draw it",
    (),
)
