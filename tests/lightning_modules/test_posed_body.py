"""Rotations of body parameters, and the body that they pose, against scipy and against known bodies."""

import math

import numpy as np
import torch
from people import make_batch, open_body
from scipy.spatial.transform import Rotation

from body.camera import crop_affine, intrinsics_matrix
from lightning_modules.common.posed_body import BodyParameters, BodyRotations, PosedBody
from lightning_modules.common.rotations import crop_to_camera_rotation, matrix_from_6d, matrix_from_9d


def test_any_numbers_become_rotations_and_rotations_stay_themselves():
    torch.manual_seed(0)
    truth = torch.from_numpy(Rotation.random(20, random_state=0).as_matrix()).float()
    torch.testing.assert_close(matrix_from_6d(truth[:, :, :2].flatten(1)), truth, atol=1e-6, rtol=0)
    torch.testing.assert_close(matrix_from_9d(truth.flatten(1)), truth, atol=1e-6, rtol=0)
    for matrix in (matrix_from_6d(torch.randn(50, 6)), matrix_from_9d(torch.randn(50, 9))):
        torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
        assert (torch.linalg.det(matrix) > 0.99).all()


def test_nearest_rotation_of_a_reflection_is_a_rotation():
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 0.5])).flatten()
    nearest = matrix_from_9d(mirror)
    # by hand: of all proper sign changes diag(-1, 1, -1) gives up least
    torch.testing.assert_close(nearest, torch.diag(torch.tensor([-1.0, 1.0, -1.0])), atol=1e-6, rtol=0)


def test_matrices_and_axis_angles_pose_the_same_body_at_the_same_place():
    batch, body = make_batch(3), open_body()
    rotations = torch.from_numpy(Rotation.from_rotvec(batch["pose"].reshape(-1, 3).numpy()).as_matrix()).float()
    turned = BodyRotations(rotations.view(3, 24, 3, 3), batch["betas"])
    posed = PosedBody(body, body.joint_regressor("smpl29"), root=0)
    for parameters in (turned, BodyParameters(batch["pose"], batch["betas"])):
        vertices, smpl = posed.place(parameters, batch["joints"][:, 0])
        torch.testing.assert_close(vertices, batch["vertices"], atol=5e-5, rtol=0)
        torch.testing.assert_close(smpl.transl, batch["transl"], atol=5e-5, rtol=0)
        angle = Rotation.from_rotvec(smpl.pose.reshape(-1, 3).numpy()).inv() * Rotation.from_rotvec(
            batch["pose"].reshape(-1, 3).numpy()
        )
        assert np.abs(angle.magnitude()).max() < 1e-3


def test_ray_rotation_worked_examples():
    intrinsics = intrinsics_matrix(torch.tensor([[100.0, 100.0]]), torch.tensor([[50.0, 40.0]])).view(1, 3, 3)
    box = torch.tensor([[30.0, 20.0, 40.0, 40.0]])  # its middle is the principal point
    torch.testing.assert_close(
        crop_to_camera_rotation(intrinsics, crop_affine(box, 64), 64)[0], torch.eye(3), atol=1e-5, rtol=0
    )
    right = crop_affine(box + torch.tensor([100.0, 0, 0, 0]), 64)  # the ray (1, 0, 1)
    eighth = Rotation.from_rotvec([0, math.pi / 4, 0]).as_matrix()
    np.testing.assert_allclose(crop_to_camera_rotation(intrinsics, right, 64)[0], eighth, atol=1e-6)
    anywhere = crop_affine(torch.tensor([[7.0, 90.0, 30.0, 30.0]]), 64, torch.tensor([0.3]))
    ray = crop_to_camera_rotation(intrinsics, anywhere, 64)[0] @ torch.tensor([0.0, 0.0, 1.0])
    pixel = intrinsics[0] @ ray
    torch.testing.assert_close(pixel[:2] / pixel[2], torch.tensor([22.0, 105.0]), atol=1e-3, rtol=0)
