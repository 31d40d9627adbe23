"""FreiHAND."""

from body.skeleton import MANO21
from metrics.protocol import Protocol
from metrics.tasks import HandTask

FREIHAND = (
    Protocol(
        id="freihand-eval",
        benchmark="FreiHAND",
        split="evaluation",
        frames="all 3960 images",
        ground_truth="MANO fitted to several views, 21 joints and 778 vertices in the camera frame",
        task=HandTask,
        skeleton="mano21",
        joints=MANO21.joints,
        alignment="freihand",
        scores=(
            *("pa_pve", "pa_mpjpe", "pa_f5", "pa_f15", "pa_kp_auc", "pa_mesh_auc"),
            *("pve", "mpjpe", "f5", "f15", "kp_auc", "mesh_auc"),
        ),
        averaging="samples",
        note="Positions are compared as they are, and again after FreiHAND's own alignment, which may mirror; the mesh "
        "is aligned by its vertices. Thresholds of the area under the curve run from 0 to 50 mm. I2L-MeshNet's table "
        "gives the aligned numbers.",
    ),
)
