"""The typed result that every method returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from body.skeleton import Skeleton

AnyPrediction = TypeVar("AnyPrediction", bound="Prediction")


@dataclass(frozen=True)
class SmplParameters:
    """Parameters of a body in SMPL's structure: axis-angle pose with the camera-frame orientation first, and shape.

    24 joints for SMPL, 16 for MANO, whose mean pose is not in them.

    Attributes:
        pose: axis-angle of every joint in its parent's frame.
        betas: shape coefficients.
        transl: added to the posed body, metres.
        fit_error_mm: mean distance in millimetres between the method's mesh, or its joints, and those of these
            parameters, where they were fitted to them; None where the method itself gives the parameters.
    """

    pose: Float[Tensor, "batch joints 3"]
    betas: Float[Tensor, "batch 10"]
    transl: Float[Tensor, "batch 3"] | None = None
    fit_error_mm: Float[Tensor, " batch"] | None = None


@dataclass(frozen=True)
class Prediction:
    """What a method says about a batch of crops.

    Attributes:
        joints: camera frame, metres, absolute (they include the root depth).
        skeleton: joint set of `joints`.
        joints_2d: projections of the joints, full-image pixels.
        root_depth_source: where the absolute depth came from: `given` (the batch's `root_depth`, a label, where it has
            one), `rootnet`, `box`, `camera` (the method's own scale) or `bones` (their average lengths).
        vertices: camera frame, metres, absolute; None for methods without a mesh.
        faces: triangles of `vertices`.
        smpl: body-model parameters, for methods that estimate them.
        intermediates: the method's own outputs by name (heat-map coordinates, part maps, ...).
    """

    joints: Float[Tensor, "batch joints 3"]
    skeleton: Skeleton
    joints_2d: Float[Tensor, "batch joints 2"]
    root_depth_source: str
    vertices: Float[Tensor, "batch vertices 3"] | None = None
    faces: Int[np.ndarray, "faces 3"] | None = None
    smpl: SmplParameters | None = None
    intermediates: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of people."""
        return len(self.joints)

    def __getitem__(self: AnyPrediction, rows: int | slice) -> AnyPrediction:
        """Some of the people, or one (still with a batch dimension).

        Raises:
            IndexError: there are fewer people.
        """
        if isinstance(rows, int):
            if not -len(self) <= rows < len(self):
                raise IndexError(f"no person {rows}; there are {len(self)}")
            rows = slice(rows, rows + 1 or None)
        people = len(self)
        return _moved(self, lambda values: values[rows] if values.ndim and len(values) == people else values)

    @staticmethod
    def join(parts: Sequence[Prediction]) -> Prediction:
        """The people of several predictions of one model, without the method's intermediates and their images.

        Args:
            parts: at least one.
        """
        names = [one.name for one in fields(Prediction)]
        plain = [Prediction(**{name: getattr(part, name) for name in names}) for part in parts]
        return _joined([replace(part, intermediates={}) for part in plain])

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain values of every person: joints by name in metres and pixels, and SMPL's parameters if there are any."""
        people = []
        for number in range(len(self)):
            metres, pixels = self.joints[number].tolist(), self.joints_2d[number].tolist()
            person: dict[str, Any] = {
                "joints": dict(zip(self.skeleton.joints, metres, strict=True)),
                "joints_2d": dict(zip(self.skeleton.joints, pixels, strict=True)),
                "root_depth_source": self.root_depth_source,
            }
            if self.smpl is not None:
                person["smpl"] = {"pose": self.smpl.pose[number].tolist(), "betas": self.smpl.betas[number].tolist()}
            people.append(person)
        return people

    def to_dataframe(self) -> Any:
        """A pandas table with a row per joint: person, joint, x, y, z (metres, camera frame), u, v (pixels).

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-untyped]
        except ImportError:
            raise ImportError("to_dataframe needs pandas: pip install pandas; to_dict does not") from None
        rows = [
            (number, name, *person["joints"][name], *person["joints_2d"][name])
            for number, person in enumerate(self.to_dict())
            for name in self.skeleton.joints
        ]
        return pandas.DataFrame(rows, columns=["person", "joint", "x", "y", "z", "u", "v"])

    def __repr__(self) -> str:
        what = [self.skeleton.name]
        if self.vertices is not None:
            what.append(f"meshes of {self.vertices.shape[1]} vertices")
        if self.smpl is not None:
            what.append("SMPL parameters")
        people = "1 person" if len(self) == 1 else f"{len(self)} people"
        return f"Prediction({people}: {', '.join(what)}; depth from {self.root_depth_source}; on {self.joints.device})"

    def to(self: AnyPrediction, device: torch.device | str, **options: Any) -> AnyPrediction:
        """All tensors on a device, as Lightning wants what `Trainer.predict` returns; `options` are `Tensor.to`'s."""
        return _moved(self, lambda tensor: tensor.to(device, **options))


def _moved(value: Any, move: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return move(value)
    if isinstance(value, dict):
        return {name: _moved(item, move) for name, item in value.items()}
    if isinstance(value, Prediction | SmplParameters):
        return replace(value, **{one.name: _moved(getattr(value, one.name), move) for one in fields(value)})
    return value


def _joined(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, Tensor):
        return torch.cat(list(values))
    if isinstance(first, Prediction | SmplParameters):
        names = [one.name for one in fields(first)]
        return replace(first, **{name: _joined([getattr(value, name) for value in values]) for name in names})
    return first
