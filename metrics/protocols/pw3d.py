"""3DPW."""

from dataclasses import replace

from metrics.distance import MPJPE, PAMPJPE, PVE
from metrics.protocol import Protocol
from metrics.protocols.human36m import H36M14, H36M14_NOTE
from metrics.tasks import MeshTask

_GENDERED = Protocol(
    id="3dpw-test-14j-gendered",
    benchmark="3DPW",
    split="test, 24 sequences",
    frames="every person frame with a valid camera pose",
    ground_truth="gendered SMPL mesh",
    skeleton="h36m17",
    joints=H36M14,
    body="smpl",
    regressor="h36m17",
    target_regressor="h36m17",
    root="pelvis_h36m",
    mesh_root="pelvis_h36m",
    alignment="similarity",
    task=MeshTask,
    scores=(MPJPE, PAMPJPE, PVE),
    breakdown=("sequence",),
    averaging="samples",
    note=f"{H36M14_NOTE} Tables call PA-MPJPE reconstruction error.",
)

PW3D = (
    _GENDERED,
    replace(
        _GENDERED,
        id="3dpw-test-14j-neutral",
        ground_truth="the data set's parameters on the neutral SMPL mesh",
        note=f"{H36M14_NOTE} The parameters were fitted with gendered bodies, so this truth is a little off.",
    ),
)
