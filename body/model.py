"""Body models of SMPL's family: vertices and joints from pose and shape."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from smplx.lbs import batch_rodrigues, blend_shapes, vertices2joints
from torch import Tensor, nn

from body.skeleton import H36M17, H36M18, SMPL24, Skeleton

if TYPE_CHECKING:
    import smplx


class BodyOutput(NamedTuple):
    """Posed body, metres, in the frame of the pose's global orientation."""

    vertices: Float[Tensor, "batch vertices 3"]
    joints: Float[Tensor, "batch joints 3"]


class BodyModel(nn.Module):
    """Linear blend skinning with shape and pose blendshapes (Loper et al. 2015, equations 2 to 4).

    The same code serves the open body, SMPL and MANO. It has no parameters, and its buffers are not persistent: body
    models are licensed and never enter a checkpoint.

    Convention:
        Zero pose is the T-pose, y up, facing +z, the body's left at +x. Pose is axis-angle in radians, one rotation
        per joint relative to its parent in world-aligned joint frames; joint 0 rotates the whole body about its root.
        For example `pose[18] = (0, -pi/2, 0)` bends the left elbow by a right angle so that the forearm points to +z.

    Attributes:
        name: `open`, `smpl_neutral`, `mano_right`, ...
        skeleton: joints of `BodyOutput.joints`, in pose order.
        faces: triangles, counter-clockwise seen from outside.
        num_vertices: number of vertices.
        num_betas: number of shape coefficients.
        mirror: left-right partner of every vertex, or None when the mesh has none.
        landmarks: vertex index of named points.
        mean_pose: pose that MANO's authors call the mean hand, zeros elsewhere; `forward` does not add it.
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor | None
    lbs_weights: Tensor
    regressor: Tensor
    mean_pose: Tensor

    def __init__(
        self,
        name: str,
        skeleton: Skeleton,
        data: dict[str, Any],
        regressors: dict[str, np.ndarray],
        landmarks: dict[str, int] | None = None,
        mirror: Int[np.ndarray, " vertices"] | None = None,
    ) -> None:
        """Take the arrays of a model.

        Args:
            name: see the class.
            skeleton: names of the joints, in the order of `J_regressor`.
            data: arrays named as in SMPL's files: `v_template`, `shapedirs`, `weights`, `J_regressor`,
                `kintree_table`, `f`, and `posedirs` unless pose changes nothing.
            regressors: skeleton name -> (joints, vertices) weights of further joint sets.
            landmarks: see the class.
            mirror: see the class.
        """
        super().__init__()
        self.name, self.skeleton = name, skeleton
        self.faces = np.asarray(data["f"], dtype=np.int64)
        self.mirror, self.landmarks = mirror, dict(landmarks or {})
        self.parents = [int(p) for p in np.asarray(data["kintree_table"], dtype=np.int64)[0]]
        self.parents[0] = -1
        self.num_vertices, self.num_betas = len(data["v_template"]), min(10, np.shape(data["shapedirs"])[-1])
        posedirs = data.get("posedirs")
        self._keep("v_template", data["v_template"])
        self._keep("shapedirs", np.asarray(data["shapedirs"])[..., : self.num_betas])
        self._keep("lbs_weights", data["weights"])
        self._keep("regressor", data["J_regressor"])
        self._keep("posedirs", None if posedirs is None else np.reshape(posedirs, (-1, np.shape(posedirs)[-1])).T)
        self._keep("mean_pose", data.get("mean_pose", np.zeros((len(skeleton), 3))))
        regressors = with_thorax(regressors)
        self._joint_sets = sorted({skeleton.name, *regressors})
        for key, matrix in regressors.items():
            if key != skeleton.name:
                self._keep(f"regressor_{key}", matrix)

    def _keep(self, name: str, array: np.ndarray | None) -> None:
        tensor = None if array is None else torch.from_numpy(np.array(array, dtype=np.float32))
        self.register_buffer(name, tensor, persistent=False)

    def forward(
        self,
        pose: Float[Tensor, "batch joints 3"],
        betas: Float[Tensor, "batch betas"],
        transl: Float[Tensor, "batch 3"] | None = None,
    ) -> BodyOutput:
        """Pose and shape a batch of bodies.

        Args:
            pose: axis-angle per joint, the global orientation first.
            betas: shape coefficients, standard normal over the population.
            transl: added to vertices and joints, metres.
        """
        rotations = batch_rodrigues(pose.reshape(-1, 3)).view(*pose.shape[:2], 3, 3)
        return self.forward_rotmat(rotations, betas, transl)

    def forward_rotmat(
        self,
        rotations: Float[Tensor, "batch joints 3 3"],
        betas: Float[Tensor, "batch betas"],
        transl: Float[Tensor, "batch 3"] | None = None,
    ) -> BodyOutput:
        """As `forward`, posed by rotation matrices.

        Args:
            rotations: child to parent coordinates, the global orientation first.
            betas: see `forward`.
            transl: see `forward`.
        """
        batch, joints = rotations.shape[:2]
        shaped = self.v_template + blend_shapes(betas, self.shapedirs)
        rest_joints = vertices2joints(self.regressor, shaped)
        if self.posedirs is not None:
            still = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
            feature = (rotations[:, 1:] - still).flatten(1)
            shaped = shaped + (feature @ self.posedirs).view(batch, -1, 3)
        posed_joints, bones = self._chain(rotations, rest_joints)
        # One product blends the 3x4 matrices of all bones, coordinates before vertices: several times faster than
        # smplx's 4x4 matrix per vertex.
        rows = bones.permute(0, 2, 3, 1).reshape(batch * 12, joints)
        blended = torch.matmul(rows, self.lbs_weights.T).view(batch, 3, 4, -1)
        moved = (blended[:, :, :3] * shaped.transpose(1, 2).unsqueeze(1)).sum(2) + blended[:, :, 3]
        vertices = moved.transpose(1, 2).contiguous()
        if transl is not None:
            vertices, posed_joints = vertices + transl[:, None], posed_joints + transl[:, None]
        return BodyOutput(vertices, posed_joints)

    def posed_joints(
        self, rotations: Float[Tensor, "batch joints 3 3"], betas: Float[Tensor, "batch betas"]
    ) -> Float[Tensor, "batch joints 3"]:
        """The joints of `forward_rotmat` alone, for a small part of its work."""
        shaped = self.v_template + blend_shapes(betas, self.shapedirs)
        return self._chain(rotations, vertices2joints(self.regressor, shaped))[0]

    def joint_transforms(
        self, pose: Float[Tensor, "batch joints 3"], betas: Float[Tensor, "batch betas"]
    ) -> Float[Tensor, "batch joints 3 4"]:
        """Matrices that carry points of the rest pose along with each joint; skinning weights blend them.

        What is worn on the body is posed with them as the body's own vertices are in `forward`.
        """
        rotations = batch_rodrigues(pose.reshape(-1, 3)).view(*pose.shape[:2], 3, 3)
        rest = vertices2joints(self.regressor, self.v_template + blend_shapes(betas, self.shapedirs))
        return self._chain(rotations, rest)[1]

    def _chain(
        self, rotations: Float[Tensor, "batch joints 3 3"], rest: Float[Tensor, "batch joints 3"]
    ) -> tuple[Float[Tensor, "batch joints 3"], Float[Tensor, "batch joints 3 4"]]:
        """Posed joints, and the matrix that carries rest points with each joint (equations 3 and 4).

        Parents are plain integers, so that the graph exports and a GPU is never asked for an index.
        """
        world, posed = [rotations[:, 0]], [rest[:, 0]]
        for joint, parent in enumerate(self.parents[1:], start=1):
            bone = (rest[:, joint] - rest[:, parent]).unsqueeze(-1)
            posed.append((world[parent] @ bone).squeeze(-1) + posed[parent])
            world.append(world[parent] @ rotations[:, joint])
        world_rotations, moved = torch.stack(world, dim=1), torch.stack(posed, dim=1)
        offset = moved.unsqueeze(-1) - world_rotations @ rest.unsqueeze(-1)
        return moved, torch.cat([world_rotations, offset], dim=-1)

    def joint_regressor(self, skeleton_name: str) -> Float[Tensor, "joints vertices"]:
        """Weights that give the joints of a skeleton from the posed vertices.

        Raises:
            KeyError: this body has no such regressor; the message lists those it has.
        """
        if skeleton_name not in self._joint_sets:
            file = {"h36m17": "J_regressor_h36m.npy", "spin24": "J_regressor_extra.npy"}.get(skeleton_name)
            advice = f"; {file} beside the model file would give it" if file and self.name.startswith("smpl") else ""
            raise KeyError(
                f"body {self.name!r} has no joint regressor {skeleton_name!r}; it has "
                f"{', '.join(self._joint_sets)}{advice}"
            )
        is_own = skeleton_name == self.skeleton.name
        return self.regressor if is_own else self.get_buffer(f"regressor_{skeleton_name}")

    def regress(
        self, vertices: Float[Tensor, "*batch vertices 3"], skeleton_name: str
    ) -> Float[Tensor, "*batch joints 3"]:
        """Joints of a skeleton from posed vertices (metres in, metres out).

        Raises:
            KeyError: see `joint_regressor`.
        """
        return torch.matmul(self.joint_regressor(skeleton_name).to(vertices.dtype), vertices)

    def as_smplx(self) -> smplx.SMPL:
        """The same body as an `smplx.SMPL` without parameters, for code written against that class.

        Raises:
            ValueError: this is not a body of 24 joints.
        """
        import smplx
        from smplx.utils import Struct

        if self.skeleton.name != SMPL24.name:
            raise ValueError(f"only bodies with SMPL's 24 joints can become an smplx.SMPL, not {self.name!r}")
        posedirs = np.zeros((207, 3 * self.num_vertices)) if self.posedirs is None else self.posedirs.cpu().numpy()
        data = Struct(
            v_template=self.v_template.cpu().numpy(),
            shapedirs=self.shapedirs.cpu().numpy(),
            posedirs=posedirs.T.reshape(self.num_vertices, 3, 207),
            J_regressor=self.regressor.cpu().numpy(),
            weights=self.lbs_weights.cpu().numpy(),
            kintree_table=np.stack([self.parents, np.arange(len(self.parents))]),
            f=self.faces,
        )
        face = {key: self.landmarks[name] for key, name in _SMPLX_FACE.items()}
        absent = {f"create_{what}": False for what in ("betas", "global_orient", "body_pose", "transl")}
        with contextlib.redirect_stdout(io.StringIO()):  # smplx prints that there are 10 coefficients
            return smplx.SMPL(
                "", data_struct=data, num_betas=10, vertex_ids=face, use_hands=False, use_feet_keypoints=False, **absent
            )


def with_thorax(regressors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Joint regressors and, where there is one for `h36m17`, that of `h36m18`."""
    if H36M17.name not in regressors or H36M18.name in regressors:
        return regressors
    rows = regressors[H36M17.name]
    shoulders = rows[[H36M17.index("left_shoulder"), H36M17.index("right_shoulder")]]
    return {**regressors, H36M18.name: np.concatenate([rows, shoulders.mean(0, keepdims=True)])}


_SMPLX_FACE = {"nose": "nose", "reye": "right_eye", "leye": "left_eye", "rear": "right_ear", "lear": "left_ear"}
