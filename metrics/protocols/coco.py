"""COCO keypoints, and the dense correspondences of DensePose-COCO."""

from body.skeleton import COCO17
from metrics.protocol import Protocol
from metrics.tasks import DensePosePointsTask, KeypointsTask

COCO = (
    Protocol(
        id="coco-val-keypoints",
        benchmark="COCO keypoints",
        split="val2014",
        frames="all images; 50,197 people with keypoints, cropped by their true boxes",
        ground_truth="17 keypoints annotated by hand",
        task=KeypointsTask,
        skeleton="coco17",
        joints=COCO17.joints,
        scores=("ap", "ap50", "ap75", "ap_m", "ap_l"),
        averaging="pooled",
        note="Object keypoint similarity from 0.5 to 0.95 as pycocotools counts it, at most 20 people per image. The "
        "keypoints are projected from the mesh and every score is 1, as in DaNet.",
    ),
)

DENSEPOSE = (
    Protocol(
        id="densepose-points",
        benchmark="DensePose-COCO",
        split="minival",
        frames="every annotated person, cropped by the true box",
        ground_truth="about 100 surface points per person, annotated by hand",
        task=DensePosePointsTask,
        scores=("auc10", "auc30", "gps_ap"),
        averaging="pooled",
        note="Share of the points within a geodesic distance on the body, averaged over distances up to 10 and 30 cm. "
        "A point that the prediction calls background is wrong.",
    ),
)
