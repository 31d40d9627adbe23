"""What a keypoint file says, whichever its format, and the joints that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from body.choices import unknown_name
from body.joint_list import known_joints

MIDPOINTS = {
    "pelvis_coco": ("left_hip", "right_hip"),
    "thorax_mpii": ("left_shoulder", "right_shoulder"),
}
"""Joints that lie between two others; added where both are there, as for COCO."""


class Labels(NamedTuple):
    """People of a keypoint file, in its order.

    Attributes:
        images: files, relative to the folder of the keypoint file.
        joints: their names; the file's own, and after `renamed` those of `body.skeleton`.
        pixels: zeros where a joint is not labelled.
        valid: which joints are labelled.
        boxes: (x, y, width, height), pixels; zeros where there is none.
    """

    images: list[str]
    joints: tuple[str, ...]
    pixels: Float[np.ndarray, "rows joints 2"]
    valid: Bool[np.ndarray, "rows joints"]
    boxes: Float[np.ndarray, "rows 4"]

    def take(self, rows: Int[np.ndarray, " taken"]) -> Labels:
        """Some people."""
        images = [self.images[int(row)] for row in rows]
        return Labels(images, self.joints, self.pixels[rows], self.valid[rows], self.boxes[rows])


def renamed(labels: Labels, names: Mapping[str, str | None], path: Path) -> Labels:
    """The same people with known joints, and the midpoints of hips and shoulders.

    Args:
        labels: with the file's own names of joints.
        names: the file's name -> a known one, or None to leave a joint out.
        path: of the file, for messages.

    Raises:
        ValueError: `names` is of joints that the file does not have, or joints have unknown names, or one name twice.
    """
    for own in names:
        if own not in labels.joints:
            raise ValueError(f"joint_names: {path} has {unknown_name('joint', own, labels.joints)}")
    kept = [(place, names.get(own, own)) for place, own in enumerate(labels.joints)]
    found = {place: name for place, name in kept if name is not None}
    for place, name in found.items():
        if name not in known_joints():
            own = labels.joints[place]
            raise ValueError(
                f"{path}: {unknown_name('joint', name, known_joints())[:200]}; say which one it is with joint_names: "
                f"{{{own}: left_hip}}, or {{{own}: null}} to leave it out"
            )
    joints, places = tuple(found.values()), list(found)
    twice = next((joint for joint in joints if joints.count(joint) > 1), None)
    if twice is not None or not joints:
        what = "no joints are left" if twice is None else f"two columns are {twice}"
        raise ValueError(f"{path}: {what}; mend joint_names or the file")
    taken = labels._replace(joints=joints, pixels=labels.pixels[:, places], valid=labels.valid[:, places])
    return _with_midpoints(taken)


def _with_midpoints(labels: Labels) -> Labels:
    joints, pixels, valid = labels.joints, labels.pixels, labels.valid
    for name, pair in MIDPOINTS.items():
        if not set(pair) <= set(joints) or any(joint.startswith(name.partition("_")[0]) for joint in joints):
            continue
        places = [joints.index(joint) for joint in pair]
        both = np.asarray(valid[:, places].all(1))[:, None]
        middle = np.where(both[..., None], pixels[:, places].mean(1, keepdims=True), 0.0)
        joints, pixels, valid = (*joints, name), np.concatenate([pixels, middle], 1), np.concatenate([valid, both], 1)
    return labels._replace(joints=joints, pixels=pixels, valid=valid)


def in_list(labels: Labels, listed: Sequence[str], list_path: Path, path: Path) -> Labels:
    """The people in the images of a list, in the order of the keypoint file.

    Raises:
        ValueError: the list is empty, or names an image that the keypoint file does not.
    """
    wanted = {line.strip().replace("\\", "/") for line in listed} - {""}
    if not wanted:
        raise ValueError(f"{list_path} is empty; name one image of {path.name} a line")
    strange = sorted(wanted - set(labels.images))
    if strange:
        raise ValueError(f"{list_path}: {path.name} has {unknown_name('image', strange[0], labels.images)[:300]}")
    return labels.take(np.array([row for row, name in enumerate(labels.images) if name in wanted]))
