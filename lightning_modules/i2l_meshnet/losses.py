"""I2L-MeshNet's losses (section 3.4), as the paper writes them and as its release computes them.

Every loss is a mean over all its entries, with the masked ones counted as zeros, as in the release: the weight of a
term so depends on the share of annotated points. All act on lixel coordinates, not on metres.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.precision import full_precision
from lightning_modules.i2l_meshnet.config import I2LMeshNetLossConfig
from lightning_modules.i2l_meshnet.network import BodyLixels, Lixels
from lightning_modules.i2l_meshnet.targets import LixelTargets


def coordinate_loss(
    predicted: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points 3"],
) -> Float[Tensor, ""]:
    """L1 between coordinates (Eqs. 8, 9 and 10)."""
    return ((predicted - target) * valid).abs().mean()


class PartLoss(nn.Module):
    """Cross entropy of the 24 body parts and background, read off PoseNet's up-sampled features by one 1x1 convolution.

    Not in the paper: it stands in for the ImageNet weights that the paper starts from. Without either, PoseNet's
    averages over rows and columns take thousands of steps to find the body. The layer is used in training only.

    Args:
        channels: width of the features.
    """

    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.classify = nn.Conv2d(channels, 25, 1)
        weight = torch.ones(25)
        weight[0] = 0.2  # most of a crop is background
        self.register_buffer("weight", weight, persistent=False)

    def forward(
        self,
        upsampled: Float[Tensor, "batch channels bins bins"],
        iuv: UInt8[Tensor, "batch 3 size size"],
        valid: Bool[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        """Mean over pixels, those of samples without surface labels left out."""
        step = iuv.shape[-1] // upsampled.shape[-1]
        parts = iuv[:, 0, step // 2 :: step, step // 2 :: step].long()
        parts = torch.where(valid[:, None, None], parts, -100)  # cross entropy's ignored label
        if not valid.any():  # every process of a distributed training gives every weight a gradient
            return self.classify(upsampled).sum() * 0.0
        return functional.cross_entropy(self.classify(upsampled).float(), parts, self.weight)


class SurfaceLoss(nn.Module):
    """Normal-vector and edge-length losses of a mesh (Eqs. 11 and 12).

    The means run over the three edges of every triangle, so an edge between two triangles counts twice. Here every
    edge is computed once and meets the normals of all its triangles: the same value for half of the work.

    Args:
        faces: vertex indices of the triangles.
    """

    faces: Tensor
    edges: Tensor
    edge_faces: Tensor
    edge_count: Tensor

    def __init__(self, faces: Int[Tensor, "faces 3"]) -> None:
        super().__init__()
        pairs = faces[:, [0, 1, 0, 2, 1, 2]].reshape(-1, 2).sort(-1).values
        edges, edge_of_side, count = torch.unique(pairs, dim=0, return_inverse=True, return_counts=True)
        # sides of the same edge side by side; the k-th side of an edge goes to column k
        order = edge_of_side.argsort(stable=True)
        column = torch.arange(len(pairs)) - (count.cumsum(0) - count)[edge_of_side[order]]
        edge_faces = torch.full((len(edges), int(count.max())), len(faces))
        edge_faces[edge_of_side[order], column] = order // 3
        self.register_buffer("faces", faces, persistent=False)
        self.register_buffer("edges", edges, persistent=False)
        self.register_buffer("edge_faces", edge_faces, persistent=False)
        self.register_buffer("edge_count", count.float(), persistent=False)

    def forward(
        self,
        predicted: Float[Tensor, "batch vertices 3"],
        target: Float[Tensor, "batch vertices 3"],
        valid: Bool[Tensor, "batch vertices"],
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Normal and edge loss.

        The first is the mean |cosine| between the predicted edges of a triangle and its true unit normal, 0 where one
        of its corners is masked. The second is the mean |predicted - true edge length|, 0 where an end is masked.
        """
        # vertices first: gathering whole rows is several times faster than gathering within every sample
        predicted, target, valid = predicted.transpose(0, 1).contiguous(), target.transpose(0, 1), valid.T
        with torch.no_grad():
            normals = self._normals(target.contiguous(), valid)
            true_length = _length(self._edge_vectors(target.contiguous()))
            both_valid = valid[self.edges[:, 0]] & valid[self.edges[:, 1]]
        vectors = self._edge_vectors(predicted)
        length = _length(vectors)
        entries = 3 * len(self.faces) * predicted.shape[1]
        with full_precision(predicted):
            edge = (((length - true_length) * both_valid).abs().sum(1) @ self.edge_count) / entries
        # |<v, n>| / |v| for all triangles of an edge at once
        cosine = sum((vectors * normals[side]).sum(-1).abs() for side in self.edge_faces.T)
        return (cosine / length).sum() / entries, edge

    def _edge_vectors(self, vertices: Float[Tensor, "vertices batch 3"]) -> Float[Tensor, "edges batch 3"]:
        return vertices.index_select(0, self.edges[:, 1]) - vertices.index_select(0, self.edges[:, 0])

    def _normals(
        self, vertices: Float[Tensor, "vertices batch 3"], valid: Bool[Tensor, "vertices batch"]
    ) -> Float[Tensor, "rows batch 3"]:
        """Unit normals of the triangles, zero where masked, and a last row of zeros for edges with fewer triangles."""
        first, second, third = (vertices.index_select(0, corner) for corner in self.faces.T)
        normals = torch.linalg.cross(
            functional.normalize(second - first, dim=-1), functional.normalize(third - first, dim=-1)
        )
        normals = functional.normalize(normals, dim=-1) * valid[self.faces].all(1).unsqueeze(-1)
        return functional.pad(normals, (0, 0, 0, 0, 0, 1))


class I2LMeshNetLoss(nn.Module):
    """The weighted terms of I2L-MeshNet's loss, by name.

    Args:
        faces: triangles of the mesh.
        config: terms and weights.
        pose_net: whether there is a PoseNet, whose joints have a term.
    """

    def __init__(
        self,
        faces: Int[Tensor, "faces 3"],
        config: I2LMeshNetLossConfig = I2LMeshNetLossConfig(),
        pose_net: bool = True,
    ) -> None:
        super().__init__()
        self.config, self.pose_net = config, pose_net
        self.surface = SurfaceLoss(faces)

    def forward(self, output: Lixels | BodyLixels, target: LixelTargets) -> dict[str, Tensor]:
        """Loss terms by name, weighted; their sum is the training loss."""
        losses = self.joint_terms("joint", output.joints, target) if self.pose_net else {}
        config = self.config
        if config.mesh_joint_weight:
            terms = self.joint_terms("mesh_joint", output.joints_from_mesh, target)
            losses |= {name: config.mesh_joint_weight * term for name, term in terms.items()}
        mesh = (output.vertices, target.vertices, target.vertices_valid)
        losses["mesh"] = coordinate_loss(mesh[0], mesh[1], mesh[2].unsqueeze(-1).expand_as(mesh[0]))
        if config.normal_weight or config.edge_weight:
            normal, edge = self.surface(*mesh)
            losses |= {"mesh_normal": config.normal_weight * normal, "mesh_edge": config.edge_weight * edge}
        return losses

    def joint_terms(
        self, name: str, joints: Float[Tensor, "batch joints 3"], target: LixelTargets
    ) -> dict[str, Tensor]:
        """L1 terms of one set of predicted joints, PoseNet's or the mesh's."""
        if self.config.terms == "paper":
            annotated = target.fit_valid | target.joints_valid
            true = torch.where(target.fit_valid, target.fit_joints, target.joints)
            return {name: coordinate_loss(joints, true, annotated)}
        return {
            f"{name}_fit": coordinate_loss(joints, target.fit_joints, target.fit_valid),
            f"{name}_orig": coordinate_loss(joints, target.joints, target.joints_valid),
        }


def _length(vectors: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
    # the square root alone has an infinite gradient at 0, which a mask turns into NaN
    return (vectors.square().sum(-1) + 1e-12).sqrt()
