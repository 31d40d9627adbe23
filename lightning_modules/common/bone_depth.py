"""How far away a person is, from the average lengths of bones (HEMlets, section 3.3): no true depth is needed.

Convention:
    A joint seen at the ray (x, y, 1) with depth z behind the root lies at (z + Z) (x, y, 1); Z is the root's depth in
    metres. A bone's vector is then `a + b Z`, with a and b known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from body.skeleton import Skeleton

BONES: tuple[tuple[str, str, float], ...] = (
    ("right_hip_h36m", "pelvis_h36m", 0.132949),
    ("left_hip_h36m", "pelvis_h36m", 0.132949),
    ("torso_h36m", "pelvis_h36m", 0.233471),
    ("right_knee", "right_hip_h36m", 0.442895),
    ("right_ankle", "right_knee", 0.454206),
    ("left_knee", "left_hip_h36m", 0.442894),
    ("left_ankle", "left_knee", 0.454207),
    ("right_shoulder", "neck_h36m", 0.151031),
    ("left_shoulder", "neck_h36m", 0.151034),
    ("nose_h36m", "neck_h36m", 0.121135),
    ("head_top", "nose_h36m", 0.115002),
    ("right_elbow", "right_shoulder", 0.278893),
    ("right_wrist", "right_elbow", 0.251729),
    ("left_elbow", "left_shoulder", 0.278883),
    ("left_wrist", "left_elbow", 0.251733),
)
"""(child, parent, average length in metres) of Human3.6M's training subjects, as released."""

_RELEASED_FOCAL = 1150.0
"""Pixels; the release searches the scale Z / 1150, in metres here and millimetres there."""
_RELEASED_CENTRE = 500.0
_NEAREST, _FARTHEST = 0.3, 100.0  # metres; flat poses of an untrained network fit any distance


@dataclass(frozen=True)
class Bones:
    """Bones of a skeleton with known average lengths.

    Attributes:
        children: joint indices.
        parents: joint indices.
        lengths: metres.
    """

    children: tuple[int, ...]
    parents: tuple[int, ...]
    lengths: tuple[float, ...]

    def lengths_like(self, points: Tensor) -> Float[Tensor, " bones"]:
        """The lengths beside some points."""
        return torch.tensor(self.lengths, dtype=points.dtype, device=points.device)

    def vectors(self, points: Float[Tensor, "*batch joints 3"]) -> Float[Tensor, "*batch bones 3"]:
        """From parents to children."""
        return points[..., list(self.children), :] - points[..., list(self.parents), :]


def make_bones(skeleton: Skeleton, rest: Float[Tensor, "joints 3"] | None = None) -> Bones:
    """The bones of `BONES` that a skeleton has.

    Args:
        skeleton: joint set.
        rest: a body of average shape, whose lengths replace Human3.6M's; metres.

    Raises:
        ValueError: the skeleton has none of these bones.
    """
    own = [bone for bone in BONES if {bone[0], bone[1]} <= set(skeleton.joints)]
    if not own:
        raise ValueError(f"no average bone lengths are known for {skeleton.name}; use h36m18 or h36m17")
    children, parents = [skeleton.index(child) for child, _, _ in own], [skeleton.index(parent) for _, parent, _ in own]
    lengths: Sequence[float] = [bone[2] for bone in own]
    if rest is not None:
        lengths = (rest[children] - rest[parents]).norm(dim=-1).tolist()
    return Bones(tuple(children), tuple(parents), tuple(lengths))


def tree_bones(skeleton: Skeleton, rest: Float[Tensor, "joints 3"]) -> Bones:
    """All bones of a skeleton's tree.

    Args:
        skeleton: joint set.
        rest: a body of average shape, metres.
    """
    parents, children = [parent for parent, _ in skeleton.bones], [child for _, child in skeleton.bones]
    return Bones(tuple(children), tuple(parents), tuple((rest[children] - rest[parents]).norm(dim=-1).tolist()))


def root_depth_from_bones(
    rays: Float[Tensor, "batch joints 2"], depth: Float[Tensor, "batch joints"], bones: Bones, steps: int = 10
) -> Float[Tensor, " batch"]:
    """The root depth Z at which the bones have their average lengths, as nearly as can be.

    Every bone alone gives a Z in closed form, the positive root of |a + b Z|^2 = length^2 (its vertex where there is
    none). From their median, weighted by how much a bone's length says about Z, a fixed number of Gauss-Newton steps
    leads to the least sum of squared differences. It stays within 0.3 and 100 m.

    Args:
        rays: x and y of each joint at depth 1.
        depth: behind the root, metres.
        bones: their average lengths.
        steps: of Gauss-Newton.
    """
    offset, slope = _bone_vectors(rays, depth, bones)
    lengths = bones.lengths_like(rays)
    square = slope.square().sum(-1).clamp(min=1e-12)
    mixed, rest = (offset * slope).sum(-1), offset.square().sum(-1) - lengths.square()
    alone = (-mixed + (mixed.square() - square * rest).clamp(min=0).sqrt()) / square
    distance = _weighted_median(alone, square.sqrt()).clamp(_NEAREST, _FARTHEST)
    for _ in range(steps):
        vectors = offset + slope * distance[:, None, None]
        length = vectors.norm(dim=-1).clamp(min=1e-9)
        change = (vectors * slope).sum(-1) / length
        step = ((length - lengths) * change).sum(1) / change.square().sum(1).clamp(min=1e-12)
        distance = (distance - step).clamp(_NEAREST, _FARTHEST)
    return distance


def root_depth_by_grid(
    rays: Float[Tensor, "batch joints 2"], depth: Float[Tensor, "batch joints"], bones: Bones
) -> Float[Tensor, " batch"]:
    """The release's search: the least mean |length - average| over Z / 1.15 = 2.0, 2.5 ... 8.0, then over tenths.

    So Z is a multiple of 115 mm. Arguments as in `root_depth_from_bones`.
    """
    coarse = torch.arange(2.0, 8.25, 0.5, dtype=rays.dtype, device=rays.device)
    best, error = _best(coarse.expand(len(rays), -1), rays, depth, bones)
    fine = best[:, None] + torch.arange(-5, 5, dtype=rays.dtype, device=rays.device) / 10
    finer, smaller = _best(fine, rays, depth, bones)
    return torch.where(smaller < error, finer, best) * (_RELEASED_FOCAL / 1000)


def released_camera(like: Float[Tensor, " batch *rest"]) -> Float[Tensor, "batch 3 3"]:
    """The one camera that the release has for all images of Human3.6M, in place of their own."""
    focal, centre = _RELEASED_FOCAL, _RELEASED_CENTRE
    return like.new_tensor([[focal, 0.0, centre], [0.0, focal, centre], [0.0, 0.0, 1.0]]).expand(len(like), 3, 3)


def _best(
    scales: Float[Tensor, "batch scales"],
    rays: Float[Tensor, "batch joints 2"],
    depth: Float[Tensor, "batch joints"],
    bones: Bones,
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    offset, slope = _bone_vectors(rays, depth, bones)
    distance = scales * (_RELEASED_FOCAL / 1000)
    length = (offset[:, None] + slope[:, None] * distance[..., None, None]).norm(dim=-1)
    error, index = (length - bones.lengths_like(rays)).abs().mean(-1).min(1)
    return scales.gather(1, index[:, None])[:, 0], error


def _bone_vectors(
    rays: Float[Tensor, "batch joints 2"], depth: Float[Tensor, "batch joints"], bones: Bones
) -> tuple[Float[Tensor, "batch bones 3"], Float[Tensor, "batch bones 3"]]:
    direction = torch.cat([rays, torch.ones_like(rays[..., :1])], -1)
    return bones.vectors(direction * depth.unsqueeze(-1)), bones.vectors(direction)


def _weighted_median(values: Float[Tensor, "batch n"], weights: Float[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
    ordered, order = values.sort(1)
    share = weights.gather(1, order).cumsum(1)
    first = (share >= share[:, -1:] / 2).long().argmax(1)
    return ordered.gather(1, first[:, None])[:, 0]
