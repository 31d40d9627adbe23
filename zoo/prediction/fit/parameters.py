"""`fit_parameters`: pose, shape and translation from a predicted mesh, or from joints."""

from __future__ import annotations

from dataclasses import replace

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from body.model import BodyModel
from lightning_modules.prediction import AnyPrediction, Prediction, SmplParameters
from zoo.errors import ZooError
from zoo.prediction.export.motion import find_body
from zoo.prediction.fit.gauss_newton import BodyFit, BodyState
from zoo.prediction.fit.start import start_from_joints, start_from_mesh

_PEOPLE = 8  # at once; 30 MB each
_MESH_STEPS, _JOINT_STEPS = 10, 15
_MISS, _JOINT_MISS = 0.01, 0.02  # metres
_FREE, _STIFF = 10.0, 0.6  # radians


def fit_parameters(prediction: AnyPrediction, body: str = "open") -> AnyPrediction:
    """The prediction with a body's parameters, and how far that body is from it (`SmplParameters.fit_error_mm`).

    A mesh of the body's own vertices is fitted whole: rotations in closed form, then Gauss-Newton with the shape.
    Joints alone are fitted by inverse kinematics and then by Gauss-Newton with the body's regressor for their skeleton;
    what they do not determine (the turn of straight limbs, hands, feet without toes) stays near where inverse
    kinematics puts it. Meshes and joints stay as they were. Parameters that the method itself gives are kept.

    Args:
        prediction: of any method.
        body: name of the body, see `zoo.prediction.predict.body_name`.

    Raises:
        ZooError: no such body; the mesh is not the body's; or the joints do not determine a pose.
    """
    if prediction.smpl is not None and prediction.smpl.transl is not None:
        return prediction
    model = find_body(body)
    if prediction.vertices is not None and prediction.vertices.shape[1] != model.num_vertices:
        raise ZooError(
            f"the mesh has {prediction.vertices.shape[1]} vertices and is not of the body {body!r}, which has "
            f"{model.num_vertices}; its parameters cannot be fitted"
        )
    with torch.inference_mode(False), torch.no_grad():
        parts = [_fit(prediction[k : k + _PEOPLE], model) for k in range(0, len(prediction), _PEOPLE)]
    device = prediction.joints.device
    empty = torch.zeros(0, 24, 3), torch.zeros(0, 10), torch.zeros(0, 3), torch.zeros(0)
    joined = [torch.cat(values).to(device) for values in zip(*parts, strict=True)] if parts else list(empty)
    return replace(prediction, smpl=SmplParameters(*joined))


def _fit(people: Prediction, body: BodyModel) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if people.vertices is not None:
        vertices = _plain(people.vertices)
        problem = BodyFit(body, vertices, None, _MISS, _FREE)
        state = problem.solve(start_from_mesh(body, vertices), _MESH_STEPS)
    else:
        joints = _plain(people.joints)
        try:
            regressor = body.joint_regressor(people.skeleton.name)
        except KeyError as error:
            raise ZooError(str(error.args[0])) from None
        problem = BodyFit(body, joints, regressor, _JOINT_MISS, _STIFF)
        with torch.enable_grad():
            start = start_from_joints(body, joints, people.skeleton)
        state = problem.solve(start, _JOINT_STEPS)
    return _rows(problem, state)


def _rows(problem: BodyFit, state: BodyState) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    pose = roma.rotmat_to_rotvec(state.rotations)
    return pose, state.betas, state.transl, 1000 * problem.distances(state).mean(1)


def _plain(values: Float[Tensor, "batch points 3"]) -> Float[Tensor, "batch points 3"]:
    return values.detach().float().cpu().clone()
