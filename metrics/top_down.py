"""MuPoTS-3D's evaluation for methods that see one person at a time."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from body.skeleton import Skeleton, convert, get_skeleton
from metrics.functional.checks import check_finite
from metrics.people import AnnotatedPeople, MuPoTS, People, needed_joints
from metrics.protocol import Protocol
from metrics.rows import IndexedMetric, as_float64


class TopDownMuPoTS(IndexedMetric):
    """`MuPoTS` over predictions that come one person at a time, in any order and from any number of processes.

    Keeps every predicted person with its image and its position in the split; at the end the people of an image are
    put together, in the order of the split, and held against everybody who is annotated there.

    Convention:
        As `MuPoTS`. Every annotated image counts, whether anybody was predicted in it or not; predictions in images
        without annotations do not. A joint that a prediction's skeleton does not have is NaN: it is near nothing.

    Args:
        protocol: its task is `people`.

    Attributes:
        annotations: the truth; to be set before `compute`.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.skeleton = get_skeleton(protocol.skeleton)
        super().__init__(columns=1 + 5 * len(self.skeleton))
        self.protocol = protocol
        self.annotations: AnnotatedPeople | None = None
        self.needed = needed_joints(self.skeleton, protocol.joints)

    def update(
        self,
        joints: Float[Tensor, "batch joints 3"],
        pixels: Float[Tensor, "batch joints 2"],
        skeleton: Skeleton,
        image_id: Int[Tensor, " batch"],
        index: Int[Tensor, " batch"],
    ) -> None:
        """Add predicted people.

        Args:
            joints: camera frame, metres, absolute.
            pixels: the same joints, full-image pixels.
            skeleton: of both.
            image_id: the benchmark's number of each one's image.
            index: position of each in the split.

        Raises:
            ValueError: the skeleton does not have a joint that is scored, or one between it and the root, or such a
                joint is NaN or infinite.
        """
        aliases = {joint: other for joint, other in self.protocol.aliases if joint not in skeleton.joints}
        needed = [self.skeleton.joints[position] for position in self.needed]
        missing = [joint for joint in needed if aliases.get(joint, joint) not in skeleton.joints]
        if missing:
            raise ValueError(
                f"protocol {self.protocol.id!r}: predictions in {skeleton.name!r} lack {', '.join(missing)}"
            )
        used = [skeleton.index(aliases.get(joint, joint)) for joint in needed]  # of the others a file may hold NaN
        check_finite(joints[:, used], None, "joints", index)
        check_finite(pixels[:, used], None, "pixels", index)
        parts = [self._named(points, skeleton, aliases) for points in (joints, pixels)]
        self.add(index, torch.cat([image_id.to(parts[0].device).double()[:, None], *parts], -1))

    def _named(self, points: Tensor, skeleton: Skeleton, aliases: Mapping[str, str]) -> Tensor:
        """The coordinates in a row, in the protocol's skeleton."""
        points = as_float64(points)
        all_valid = torch.ones(points.shape[:2], dtype=torch.bool, device=points.device)
        converted, present = convert(points, all_valid, skeleton, self.skeleton, aliases)
        return converted.where(present[..., None], torch.nan).flatten(1)

    def people(self) -> dict[int, People]:
        """Everybody who was predicted so far, by image, in the order of the split."""
        index, rows = (tensor.cpu() for tensor in self.samples())
        scores = None if self.annotations is None else self.annotations.scores
        images = rows[:, 0].long()
        joints, pixels = torch.split(rows[:, 1:], [3 * len(self.skeleton), 2 * len(self.skeleton)], 1)
        count = len(self.skeleton)  # spelled out: there may be no rows
        joints, pixels = joints.reshape(len(rows), count, 3), pixels.reshape(len(rows), count, 2)
        return {
            image: People(joints[taken], pixels[taken], None if scores is None else scores[index[taken]])
            for image, taken in _groups(images).items()
        }

    def compute(self) -> dict[str, float]:
        """As `MuPoTS.compute`, but `n` is the number of predicted people, and alone where there are none.

        Raises:
            ValueError: there are no annotations.
        """
        if self.annotations is None:
            raise ValueError("TopDownMuPoTS needs the annotated people: set its attribute `annotations`")
        true, predicted = self.annotations, self.people()
        if not predicted:
            return {"n": 0.0}
        nobody = People(true.joints[:0], true.pixels[:0], None)
        images = _groups(true.image_id)
        ours = [predicted.get(image, nobody) for image in images]
        goals = [People(true.joints[taken], true.pixels[taken]) for taken in images.values()]
        whole = MuPoTS(self.skeleton, self.protocol.joints, self.protocol.matching, self.protocol.matched_only)
        whole.sync_on_compute = False  # every process has everything already
        firsts = torch.tensor([int(taken[0]) for taken in images.values()], dtype=torch.int64)
        whole.update(ours, goals, true.sequence[firsts], torch.arange(len(images)))
        return whole.compute() | {"n": float(sum(len(people.joints) for people in predicted.values()))}


def _groups(numbers: Int[Tensor, " rows"]) -> dict[int, Int[Tensor, " _"]]:
    """Where each number stands, by number, in ascending order."""
    order = numbers.argsort(stable=True)
    values, counts = torch.unique_consecutive(numbers[order], return_counts=True)
    return dict(zip(values.tolist(), torch.split(order, counts.tolist()), strict=True))
