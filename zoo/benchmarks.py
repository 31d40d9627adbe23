"""The licensed benchmarks as folders of `$ZOO_ASSETS/benchmarks`, each in its authors' own layout."""

from __future__ import annotations

from zoo.assets import Asset

_3DMPPE = "github.com/mks0601/3DMPPE_POSENET_RELEASE"
_GVV = "vcai.mpi-inf.mpg.de/3dhp-dataset"
_MUPOTS = "vcai.mpi-inf.mpg.de/projects/SingleShotMultiPerson"

# name, folder, what must be there, the tables it is for, where to get it
_ROWS: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    (
        "Human3.6M",
        "human36m",
        ("images", "annotations"),
        "training and the protocols h36m-*",
        f"account at vision.imar.ro/human3.6m, parsed files from {_3DMPPE}",
    ),
    (
        "HumanEva-I",
        "humaneva",
        ("S1", "S2", "S3"),
        "the protocol humaneva-walk-jog",
        "register at humaneva.is.tue.mpg.de",
    ),
    (
        "MPI-INF-3DHP",
        "mpi_inf_3dhp",
        ("mpi_inf_3dhp_test_set",),
        "the protocol mpi-inf-3dhp-test, and training with S1 to S8",
        f"accept the terms at {_GVV}",
    ),
    (
        "MuCo-3DHP",
        "muco",
        ("MuCo-3DHP.json", "augmented_set", "unaugmented_set"),
        "training of I2L-MeshNet and CDL",
        f"accept the terms at {_MUPOTS}, composited files from {_3DMPPE}",
    ),
    (
        "MuPoTS-3D",
        "mupots",
        ("MultiPersonTestSet",),
        "the protocols mupots-*",
        f"accept the terms at {_MUPOTS}",
    ),
    (
        "SURREAL",
        "surreal",
        ("data/cmu",),
        "training and the protocol surreal-bodynet-507",
        "accept the terms at www.di.ens.fr/willow/research/surreal/data",
    ),
    (
        "UP-3D",
        "up3d",
        ("up-3d",),
        "training of NBF and the protocols up3d-*",
        "download up-3d.zip from files.is.tuebingen.mpg.de/classner/up",
    ),
    (
        "UPi-S1h",
        "upi_s1h",
        ("data/lsp",),
        "part segmentation: upi-s1h-val, lsp-upi-parts",
        "download upi-s1h.zip from files.is.tuebingen.mpg.de/classner/up",
    ),
    (
        "LSP",
        "lsp",
        ("images", "joints.mat"),
        "the protocol lsp-upi-parts",
        "download lsp_dataset.zip from sam.johnson.io/research/lsp.html",
    ),
    (
        "MPII",
        "mpii",
        ("images", "annotations"),
        "2D training data of HEMlets and CDL",
        f"download from human-pose.mpi-inf.mpg.de, parsed files from {_3DMPPE}",
    ),
    (
        "3DPW",
        "3dpw",
        ("imageFiles", "sequenceFiles"),
        "the protocols 3dpw-*",
        "accept the licence at virtualhumans.mpi-inf.mpg.de/3DPW",
    ),
    (
        "FreiHAND",
        "freihand",
        ("training_K.json", "evaluation_K.json", "training", "evaluation"),
        "hands: training and the protocol freihand-eval",
        "download both zips from lmb.informatik.uni-freiburg.de/projects/freihand",
    ),
    (
        "COCO",
        "coco",
        ("annotations", "train2017", "val2017"),
        "2D training data and the protocol coco-val-keypoints",
        "download 2017 images and annotations from cocodataset.org",
    ),
    (
        "DensePose-COCO",
        "densepose_coco",
        ("densepose_coco_2014_train.json", "densepose_coco_2014_minival.json"),
        "training of DaNet and the protocol densepose-points",
        "run get_DensePose_COCO.sh of github.com/facebookresearch/DensePose",
    ),
)

BENCHMARKS: tuple[Asset, ...] = tuple(
    Asset(name, f"benchmarks/{folder}", files, unlocks, get) for name, folder, files, unlocks, get in _ROWS
)
