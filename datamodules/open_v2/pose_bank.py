"""The bank of captured poses: made once from the assets, packed into one file, drawn from with variation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from body.assets import find_asset
from body.atomic import atomic_file
from datamodules.open_v2.cmu import read_positions
from datamodules.open_v2.deepmimic import read_clip
from datamodules.open_v2.ik import fit_poses, rest_joints
from datamodules.open_v2.variation import mixed, varied
from datamodules.synthetic.actions import ACTIONS, sample_pose
from datamodules.synthetic.plausible import intersects, joints_of
from datamodules.synthetic.poses import mirror_pose

_VERSION = "1"  # of the packed file; raise it when the fit or the readers change what they give
_SHARES = {"cmu": 0.42, "deepmimic": 0.24, "open-v1": 0.34}
_MIXED = 0.25
_TRIES = 8
MISSING = (
    "open-v2 needs captured poses: put the CMU table at $ZOO_ASSETS/cmu/joints.npz, or a packed pose bank "
    "(poses-*.npz) into {folder}"
)


@dataclass(frozen=True)
class PoseBank:
    """Captured poses by action.

    Attributes:
        poses: SMPL pose vectors in a world with y up, half precision.
        action: of each pose, an index into `names`.
        names: `source/action`.
        digest: names what was packed, for fingerprints.
    """

    poses: Float[np.ndarray, "poses 24 3"]
    action: Int[np.ndarray, " poses"]
    names: tuple[str, ...]
    digest: str

    def draw(self, rng: np.random.Generator) -> tuple[Float[np.ndarray, "24 3"], str]:
        """A pose and what it is from; joint 0 keeps the lean of the body, its heading is what it was captured with.

        A source, an action and a pose are chosen, each evenly; then it is mirrored, mixed with another, and given
        noise. Poses in which limbs go through each other are drawn again.
        """
        for _ in range(_TRIES):
            pose, name = self._one(rng)
            if rng.random() < _MIXED:
                pose = mixed(pose, [self._one(rng)[0] for _ in range(3)])
            pose = varied(pose, rng)
            if not intersects(joints_of(pose, rest_joints())):
                break
        return pose, name

    def _one(self, rng: np.random.Generator) -> tuple[Float[np.ndarray, "24 3"], str]:
        sources = [source for source in _SHARES if source == "open-v1" or self._of(source)]
        shares = np.array([_SHARES[source] for source in sources])
        source = sources[int(rng.choice(len(sources), p=shares / shares.sum()))]
        if source == "open-v1":
            name = list(ACTIONS)[int(rng.integers(len(ACTIONS)))]
            return sample_pose(name, rng), name
        number = int(rng.choice(self._of(source)))
        pose = self.poses[rng.choice(np.flatnonzero(self.action == number))].astype(np.float64)
        return mirror_pose(pose) if rng.random() < 0.5 else pose, self.names[number]

    def _of(self, source: str) -> list[int]:
        return [number for number, name in enumerate(self.names) if name.startswith(f"{source}/")]


def load_pose_bank(path: Path) -> PoseBank:
    """Read a packed bank.

    Raises:
        ValueError: the file is damaged or another kind of file.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            names = tuple(str(name) for name in data["names"])
            return PoseBank(data["poses"], data["action"].astype(np.int64), names, str(data["digest"]))
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{path} is not a packed pose bank; delete it and run again ({error})") from error


def pose_bank_file(cache: Path) -> Path:
    """The packed bank, made now from `$ZOO_ASSETS` unless it is in the cache (`open-v2/poses-*.npz`).

    Where the assets are not, the newest packed bank of the cache is taken: it may come from another machine.

    Raises:
        FileNotFoundError: neither is there; the message says what to put where.
    """
    folder = cache / "open-v2"
    sources = _sources()
    if not any(path.name == "joints.npz" for path in sources):
        packed = sorted(folder.glob("poses-*.npz"), key=lambda path: path.stat().st_mtime)
        if not packed:
            raise FileNotFoundError(MISSING.format(folder=folder))
        return packed[-1]
    digest = hashlib.sha256(_VERSION.encode())
    for path in sources:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    target = folder / f"poses-{digest.hexdigest()[:12]}.npz"
    if not target.is_file():
        _pack(sources, target, digest.hexdigest())
    return target


def _sources() -> list[Path]:
    table, clips = find_asset("cmu/joints.npz"), find_asset("deepmimic")
    found = [] if table is None else [table]
    return found + ([] if clips is None else sorted(clips.glob("humanoid3d_*.txt")))


def _pack(sources: list[Path], target: Path, digest: str) -> None:
    """Fit and convert all poses, leave out those that go through themselves, and write them."""
    poses, actions = [], []
    for path in sources:
        if path.suffix == ".npz":
            capture = read_positions(path)
            poses.append(fit_poses(capture.points, capture.joints, capture.people).pose)
            actions += capture.actions
        else:
            clip = read_clip(path)[::2]
            poses.append(clip)
            actions += ["deepmimic/" + path.stem.removeprefix("humanoid3d_")] * len(clip)
    every = np.concatenate(poses)
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
