"""Mean position errors of joints, vertices and the root."""

from __future__ import annotations

from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import Field, PointMean, SampleMean
from metrics.functional.distance import mpjpe, pa_mpjpe, point_errors
from metrics.info import millimetres
from metrics.median import Median
from metrics.protocol import Protocol


class MPJPE(SampleMean):
    """Mean per-joint position error.

    Convention:
        Unit: metres in, millimetres out. Alignment: joint number `root` of both sides is moved to the origin; none
        with `root=None`. Joint set: every joint given, the root included. Averaging: over the valid joints of a
        sample, then over samples. A sample without a valid joint, or whose root is invalid, is left out.
    """

    name, info = "mpjpe", millimetres("MPJPE")
    field: Field = "distance_joints"

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

    name, info = "pa_mpjpe", millimetres("PA-MPJPE")
    field: Field = "distance_joints"

    def __init__(self, scaling: bool = True) -> None:
        super().__init__()
        self.scaling = scaling

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> PAMPJPE:
        """Rigid or similarity alignment, as the protocol says."""
        return cls(scaling=protocol.alignment == "similarity")

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

    name, info = "pa_pve", millimetres("PA-PVE")
    field: Field = "vertices"


class PVE(PointMean):
    """Per-vertex error (MPVPE): the mean distance of corresponding mesh vertices.

    Convention:
        Unit: metres in, millimetres out. Alignment: none here; hand over root-relative vertices, as
        `tasks.MeshTask` does. Vertex set: every valid vertex given, all weighing the same. Averaging: over vertices,
        then over samples.
    """

    name, info = "pve", millimetres("PVE")
    field: Field = "vertices"
    per_point = staticmethod(point_errors)


class PVES(PVE):
    """PVE of the shape alone (PVE-S, DaNet section 5.2).

    Convention:
        As `PVE`, between the meshes that predicted and true betas give in the rest pose (zero pose).
    """

    name, info = "pve_s", millimetres("PVE-S")
    field: Field = "rest_vertices"


class PVEP(PVE):
    """PVE of the pose alone (PVE-P, DaNet section 5.2).

    Convention:
        As `PVE`, between the meshes that predicted and true pose give with zero betas, both root-relative.
    """

    name, info = "pve_p", millimetres("PVE-P")
    field: Field = "posed_vertices"


class MRPE(PVE):
    """Mean root position error (RootNet).

    Convention:
        Unit: metres in, millimetres out. Alignment: none; the root in the camera frame, (batch, 1, 3). Averaging:
        over samples.
    """

    name, info = "mrpe", millimetres("MRPE")
    field: Field = "root"


class MedianMPJPE(Median):
    """Median over samples of `MPJPE`."""

    name, info = "mpjpe_median", millimetres("median MPJPE")
    field: Field = "distance_joints"

    def __init__(self, root: int | None = None) -> None:
        super().__init__(MPJPE(root))


class MedianPAMPJPE(Median):
    """Median over samples of `PAMPJPE`."""

    name, info = "pa_mpjpe_median", millimetres("median PA-MPJPE")
    field: Field = "distance_joints"

    def __init__(self, scaling: bool = True) -> None:
        super().__init__(PAMPJPE(scaling))

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> MedianPAMPJPE:
        """As `PAMPJPE.for_protocol`."""
        return cls(scaling=protocol.alignment == "similarity")
