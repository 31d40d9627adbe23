"""The bank of captured poses: made once from the assets, packed into one file, drawn from with variation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from datamodules.open_v2.poses.ik import rest_joints
from datamodules.open_v2.poses.sources import pack, pose_sources
from datamodules.open_v2.poses.sports import SPORTS, sample_sport
from datamodules.open_v2.poses.variation import mixed, varied
from datamodules.synthetic.actions import ACTIONS, sample_pose
from datamodules.synthetic.poses import mirror_pose
from datamodules.synthetic.self_intersection import intersects, joints_of

_VERSION = "2"  # of the packed file; raise it when the fit or the readers change what they give
# Where poses come from; the last two are drawn by functions and need no bank.
_SHARES = {"cmu": 0.22, "acclaim": 0.14, "deepmimic": 0.16, "makehuman": 0.02, "action": 0.2, "sport": 0.26}
_MIXED = 0.25
_DONORS = 3  # poses whose arms are tried
_TRIES = 8
MISSING = (
    "open-v2 needs captured poses: put the CMU motion capture table at $ZOO_ASSETS/cmu/joints.npz (see "
    "datamodules/open_v2/README.md), or a packed pose bank (poses-*.npz) from another machine into {folder}"
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

        A source, an action of it and a pose of that are chosen; then it is mirrored, mixed with another, and given
        noise. Poses in which limbs go through each other are drawn again.
        """
        for _ in range(_TRIES):
            pose, name = self._one(rng)
            if rng.random() < _MIXED:
                pose = mixed(pose, (self._one(rng)[0] for _ in range(_DONORS)))
            pose = varied(pose, rng)
            if not intersects(joints_of(pose, rest_joints())):
                break
        return pose, name

    def _one(self, rng: np.random.Generator) -> tuple[Float[np.ndarray, "24 3"], str]:
        sources, shares = self._sources
        source = sources[int(rng.choice(len(sources), p=shares))]
        if source == "sport":
            pose, name = sample_sport(rng)
            return pose, f"sport/{name}"
        if source == "action":
            name = list(ACTIONS)[int(rng.integers(len(ACTIONS)))]
            return sample_pose(name, rng), f"action/{name}"
        names = self._names[source]
        number = names[int(rng.integers(len(names)))]
        pose = self.poses[rng.choice(self._members[number])].astype(np.float64)
        return mirror_pose(pose) if rng.random() < 0.5 else pose, self.names[number]

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Everything that `draw` may call a pose."""
        return (*self.names, *(f"action/{name}" for name in ACTIONS), *(f"sport/{name}" for name in SPORTS))

    @cached_property
    def _names(self) -> dict[str, list[int]]:
        """Source -> its actions."""
        parts = [name.split("/")[0] for name in self.names]
        return {source: [n for n, part in enumerate(parts) if part == source] for source in _SHARES}

    @cached_property
    def _members(self) -> list[Int[np.ndarray, " poses"]]:
        return [np.flatnonzero(self.action == number) for number in range(len(self.names))]

    @cached_property
    def _sources(self) -> tuple[list[str], Float[np.ndarray, " sources"]]:
        """Sources that have poses, and how often each is drawn from."""
        sources = [source for source in _SHARES if source in ("action", "sport") or self._names[source]]
        shares = np.array([_SHARES[source] for source in sources])
        return sources, shares / shares.sum()


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
    sources = pose_sources()
    if not sources:
        packed = sorted(folder.glob("poses-*.npz"), key=lambda path: path.stat().st_mtime)
        if not packed:
            raise FileNotFoundError(MISSING.format(folder=folder))
        return packed[-1]
    digest = hashlib.sha256(_VERSION.encode())
    for path in sources:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    target = folder / f"poses-{digest.hexdigest()[:12]}.npz"
    if not target.is_file():
        pack(sources, target, digest.hexdigest())
    return target
