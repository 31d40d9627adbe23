"""Mean position errors of joints, vertices and the root."""

from __future__ import annotations

from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import PointMean, SampleMean
from metrics.functional.distance import mpjpe, pa_mpjpe, point_errors


class MPJPE(SampleMean):
    """Mean per-joint position error.

    Convention:
        Unit: metres in, millimetres out. Alignment: joint number `root` of both sides is moved to the origin; none
        with `root=None`. Joint set: every joint given, the root included. Averaging: over the valid joints of a
        sample, then over samples. A sample without a valid joint, or whose root is invalid, is left out; NaN in a
        valid joint makes the result NaN.
    """

    field = "joints"

    def __init__(self, root: int | None = None) -> None:
        super().__init__()
        self.root = root

    def errors(
        self,
        prediction: Float[Tensor, "batch joints 3"],
        target: Float[Tensor, "batch joints 3"],
        valid: Bool[Tensor, "batch joints"] | None,
    ) -> Float64[Tensor, " batch"]:
        """Mean distance in each sample."""
        return mpjpe(prediction, target, valid, self.root)

    def counted(self, valid: Bool[Tensor, "batch joints"]) -> Bool[Tensor, " batch"]:
        """Samples with a valid joint, the root among them where it is needed."""
        return valid.any(1) if self.root is None else valid[:, self.root]


class PAMPJPE(SampleMean):
    """MPJPE after Procrustes alignment of each prediction to its target ("reconstruction error").

    Convention:
        Unit: metres in, millimetres out. Alignment: similarity (rotation, translation, scale), or rigid with
        `scaling=False`; the prediction moves, the target stays; no reflections. Joint set: every valid joint given,
        for the alignment and for the mean. Averaging: over joints, then over samples. Degenerate poses: see
        `metrics.functional.procrustes`.
    """

    field = "joints"

    def __init__(self, scaling: bool = True) -> None:
        super().__init__()
        self.scaling = scaling

    def errors(
        self,
        prediction: Float[Tensor, "batch points 3"],
        target: Float[Tensor, "batch points 3"],
        valid: Bool[Tensor, "batch points"] | None,
    ) -> Float64[Tensor, " batch"]:
        """Mean distance in each sample after its alignment."""
        return pa_mpjpe(prediction, target, valid, self.scaling)


class PAPVE(PAMPJPE):
    """PVE after Procrustes alignment of each predicted mesh to its target.

    Convention:
        As `PAMPJPE`, with vertices for joints: the alignment is that of the vertices themselves, not of the joints.
    """

    field = "vertices"


class PVE(PointMean):
    """Per-vertex error (MPVPE): the mean distance of corresponding mesh vertices.

    Convention:
        Unit: metres in, millimetres out. Alignment: none here; hand over root-relative vertices, as `Evaluation` does.
        Vertex set: every valid vertex given, all weighing the same. Averaging: over vertices, then over samples.
    """

    field = "vertices"
    per_point = staticmethod(point_errors)


class PVES(PVE):
    """PVE of the shape alone (PVE-S, DaNet section 5.2).

    Convention:
        As `PVE`, between the meshes that predicted and true betas give in the rest pose (zero pose).
    """

    field = "rest_vertices"


class PVEP(PVE):
    """PVE of the pose alone (PVE-P, DaNet section 5.2).

    Convention:
        As `PVE`, between the meshes that predicted and true pose give with zero betas, both root-relative.
    """

    field = "posed_vertices"


class MRPE(PVE):
    """Mean root position error (RootNet).

    Convention:
        Unit: metres in, millimetres out. Alignment: none; the root in the camera frame, (batch, 1, 3). Averaging:
        over samples.
    """

    field = "root"
