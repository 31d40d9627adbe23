"""UP-3D, and the silhouettes and part labels of UPi-S1h."""

from dataclasses import replace

from body.skeleton import SMPL24
from metrics.distance import MPJPE, PVE
from metrics.pose2d import PCKh
from metrics.protocol import MODEL_ORIGIN, Protocol
from metrics.rotation import QuaternionError
from metrics.tasks import MeshTask, PartsTask

_TEST = Protocol(
    id="up3d-test",
    aka='"Full" of DaNet',
    benchmark="UP-3D",
    split="test",
    frames="all 1389 images",
    ground_truth="neutral SMPL fitted to 2D annotations and accepted by hand",
    skeleton="smpl24",
    joints=SMPL24.joints,
    body="smpl",
    regressor="smpl24",
    target_regressor="smpl24",
    root="pelvis",
    mesh_root=MODEL_ORIGIN,
    task=MeshTask,
    scores=(PVE, MPJPE),
    averaging="samples",
    note="Meshes are compared as the parameters pose them, without translation and without alignment (GraphCMR). "
    "HEMlets and DenseBody call the two numbers surface and joint and do not say which images they used.",
)


def _part(name: str, aka: str, frames: str) -> Protocol:
    """Some images of the test split, by their meshes alone."""
    note = "Meshes are compared as the parameters pose them, without translation and without alignment."
    return replace(_TEST, id=name, aka=aka, frames=frames, scores=(PVE,), note=note)


UP3D = (
    _TEST,
    _part(
        "up3d-lsp-639",
        '"LSP" of BodyNet, GraphCMR and DaNet',
        "the 639 images that come from LSP (`namesUPlsp.txt`)",
    ),
    _part("up3d-139", "the subset of Tan et al.", "139 images chosen by Tan et al."),
    _part("up3d-mpii", '"MPII" of DaNet', "the images that come from MPII"),
    _part("up3d-fashionpose", '"FashionPose" of DaNet', "the images that come from FashionPose"),
    replace(
        _TEST,
        id="up3d-val-24j",
        aka="the analysis of NBF",
        split="validation",
        frames="all 1423 images",
        root=MODEL_ORIGIN,
        head=("head", "neck"),
        scores=(MPJPE, PVE, PCKh, QuaternionError),
        note="Bodies are compared as the parameters pose them, without translation and without alignment. PCKh is over "
        "the projected joints, within half of the true distance from neck to head; the paper does not define its own.",
    ),
)

_LSP = Protocol(
    id="lsp-upi-parts",
    aka='the "UP-3D" segmentation table of HEMlets',
    benchmark="LSP with the labels of UPi-S1h",
    split="test, im1001 to im2000",
    frames="all 1000 images at their original size",
    ground_truth="silhouettes and six body parts drawn by hand",
    task=PartsTask,
    classes=7,
    scores=("fb_accuracy", "fb_f1", "part_accuracy", "part_f1"),
    averaging="pooled",
    note="Pixels of all images are pooled; F1 is the mean over the classes, background included. A pixel labelled 255 "
    "is background for part accuracy and does not count for part F1.",
)

UPI = (
    _LSP,
    replace(
        _LSP,
        id="upi-s1h-val",
        aka="the segmentation quality of NBF",
        benchmark="UP-3D",
        split="validation",
        frames="all 1423 images",
        ground_truth="twelve body parts rendered from the fitted neutral SMPL body",
        classes=13,
        scores=("miou",),
        note="Mean over the classes, pixels of all images pooled. The paper does not say whether the background is one "
        "of them; here it is.",
    ),
)
