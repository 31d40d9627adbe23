"""SURREAL."""

from body.skeleton import SMPL24
from metrics.distance import MPJPE, PVE
from metrics.protocol import Protocol
from metrics.tasks import MeshTask

SURREAL = (
    Protocol(
        id="surreal-bodynet-507",
        aka="the SURREAL numbers of BodyNet, DenseBody, HEMlets and I2L-MeshNet",
        benchmark="SURREAL",
        split="validation, 507 clips of the test subjects (the list of BodyNet)",
        frames="the middle frame of each clip; the I2L-MeshNet release keeps 493 of them",
        ground_truth="gendered SMPL mesh",
        skeleton="smpl24",
        joints=SMPL24.joints,
        body="smpl",
        regressor="smpl24",
        target_regressor="smpl24",
        root="pelvis",
        mesh_root="pelvis",
        task=MeshTask,
        scores=(PVE, MPJPE),
        averaging="samples",
        note="All 24 joints are scored, the root with its error of 0 among them. Tables call the two numbers surface "
        "and joint.",
    ),
)
