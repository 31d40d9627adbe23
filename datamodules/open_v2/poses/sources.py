"""Finds captured poses in the assets folder and packs them into one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from body.assets import find_asset
from body.atomic import atomic_file
from datamodules.open_v2.poses.acclaim import read_acclaim
from datamodules.open_v2.poses.bvh import read_bvh
from datamodules.open_v2.poses.capture import Capture
from datamodules.open_v2.poses.cmu import read_positions
from datamodules.open_v2.poses.deepmimic import read_clip
from datamodules.open_v2.poses.ik import fit_poses, rest_joints
from datamodules.open_v2.poses.variation import eased
from datamodules.synthetic.self_intersection import intersects, joints_of

_EVERY = 2  # frames of clips that lie close together


def pose_sources() -> list[Path]:
    """All files with poses in `$ZOO_ASSETS`; none unless the CMU table is among them.

    `cmu/joints.npz`, `cmu/NN.asf` with `cmu/NN_*.amc`, `deepmimic/humanoid3d_*.txt` and
    `makehuman/base/poses/*.bvh`.
    """
    table = find_asset("cmu/joints.npz")
    if table is None:
        return []
    found = [table, *sorted(table.parent.glob("*.asf")), *sorted(table.parent.glob("*.amc"))]
    for folder, pattern in (("deepmimic", "humanoid3d_*.txt"), ("makehuman/base/poses", "*.bvh")):
        place = find_asset(folder)
        found += [] if place is None else sorted(place.glob(pattern))
    return found


def pack(sources: list[Path], target: Path, digest: str) -> None:
    """Fit and convert all poses, leave out those that go through themselves, and write them.

    Raises:
        ValueError: a file cannot be read.
    """
    poses: list[Float[np.ndarray, "24 3"]] = []
    actions: list[str] = []
    for capture in _captures(sources):
        poses += list(fit_poses(capture.points, capture.joints, capture.people).pose)
        actions += capture.actions
    for path in (path for path in sources if path.suffix == ".txt"):
        clip = read_clip(path)[::_EVERY]
        poses += list(clip)
        actions += ["deepmimic/" + path.stem.removeprefix("humanoid3d_")] * len(clip)
    every = np.array([eased(pose) for pose in poses])
    good = np.array([not intersects(joints_of(pose, rest_joints())) for pose in every])
    names, action = np.unique(np.array(actions)[good], return_inverse=True)
    packed = {
        "poses": every[good].astype(np.float16),
        "action": action.reshape(-1).astype(np.int16),
        "names": names,
        "digest": np.array(digest),
    }
    with atomic_file(target) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **packed)  # type: ignore[arg-type]


def _captures(sources: list[Path]) -> list[Capture]:
    captures = [read_positions(path) for path in sources if path.suffix == ".npz"]
    for skeleton in (path for path in sources if path.suffix == ".asf"):
        motions = [path for path in sources if path.suffix == ".amc" and path.stem.startswith(f"{skeleton.stem}_")]
        if motions:
            capture = read_acclaim(skeleton, motions)
            captures.append(capture.only(np.arange(len(capture.points)) % _EVERY == 0))
    posed = [path for path in sources if path.suffix == ".bvh"]
    return [*captures, read_bvh(posed)] if posed else captures
