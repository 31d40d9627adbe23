"""UP-3D as Neural Body Fitting prepared it: crops of 512 pixels with one file of parameters each.

Layout of `up_L12_refinenet`: `lists/{train,val,test}_latent.txt` (lines "id flag"; flag 1: the parameters may be learnt
from), `images/<id>_image.png` (512 x 512, people scaled to 440 pixels), `smplparams/<id>_smplparams.bin` (85 numbers of
double precision: 10 betas, 72 pose, 3 translation). The camera has the focal length 5000 and looks at the middle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from body.model import BodyModel
from body.skeleton import SMPL24
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn
from datamodules.readers.posed import RestJoints

SIZE, PERSON, FOCAL = 512, 440, 5000.0
_NUMBERS = 10 + 72 + 3


def read_nbf(root: Path, listing: Path, body: BodyModel, train: bool) -> Annotations:
    """The crops of a list; people fill the box in the middle.

    Args:
        root: `up_L12_refinenet`.
        listing: one of its lists.
        body: neutral, whose parameters these are.
        train: parameters with flag 0 are left out.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged.
    """
    lines = [line.split() for line in listing.read_text(encoding="utf-8").splitlines() if line.strip()]
    if any(len(words) != 2 or words[1] not in "01" for words in lines):
        raise ValueError(f"{listing} has lines other than 'id 0' and 'id 1'; is it one of NBF's lists?")
    values = np.stack([_read(root / f"smplparams/{name}_smplparams.bin") for name, _ in lines])
    betas, pose, transl = values[:, :10], values[:, 10:82].reshape(-1, 24, 3), values[:, 82:]
    rows, border = len(lines), (SIZE - PERSON) / 2
    return Annotations(
        skeleton=SMPL24,
        images=StringColumn.of([f"images/{name}_image.png" for name, _ in lines]),
        intrinsics=np.tile([FOCAL, FOCAL, SIZE / 2, SIZE / 2], (rows, 1)),
        boxes=np.tile(np.array([border, border, PERSON, PERSON], np.float32), (rows, 1)),
        joints=RestJoints(body).posed(pose, betas, transl).astype(np.float32),
        joints_valid=np.ones((rows, 24), bool),
        pose=pose.astype(np.float32),
        betas=betas.astype(np.float32),
        transl=transl.astype(np.float32),
        smpl_valid=np.array([flag == "1" or not train for _, flag in lines]),
    )


def _read(path: Path) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there, though a list names it")
    values = np.fromfile(path, "<f8")
    if len(values) != _NUMBERS or not np.isfinite(values).all():
        raise ValueError(f"{path} has {len(values)} numbers instead of {_NUMBERS}; copy it again")
    return values
