import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from body.load import load_body
from body.model import BodyModel
from body.skeleton import H36M17, SMPL24


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("open")


@pytest.fixture(scope="module")
def blended(body) -> BodyModel:
    """The open body with made-up pose blendshapes, to exercise the path that SMPL takes."""
    rng = np.random.default_rng(3)
    data = {
        "v_template": body.v_template.numpy(),
        "shapedirs": body.shapedirs.numpy(),
        "posedirs": rng.normal(0, 2e-3, (body.num_vertices, 3, 207)),
        "weights": body.lbs_weights.numpy(),
        "J_regressor": body.regressor.numpy(),
        "kintree_table": np.array([SMPL24.parent_indices, range(24)]),
        "f": body.faces,
    }
    return BodyModel("blended", SMPL24, data, {}, body.landmarks)


def sample(batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.5 * torch.randn(batch, 24, 3, generator=generator), torch.randn(batch, 10, generator=generator)


def one_pose(**joints):
    pose = torch.zeros(1, 24, 3)
    for name, rotation in joints.items():
        pose[0, SMPL24.index(name)] = torch.tensor(rotation)
    return pose


def slow_lbs(body, pose, betas):
    """Vertex by vertex in float64, straight from the paper's equations."""
    template, dirs = body.v_template.double().numpy(), body.shapedirs.double().numpy()
    shaped = template + dirs @ betas
    rest = body.regressor.double().numpy() @ shaped
    local = Rotation.from_rotvec(pose).as_matrix()
    if body.posedirs is not None:
        feature = (local[1:] - np.eye(3)).ravel()
        shaped = shaped + (feature @ body.posedirs.double().numpy()).reshape(-1, 3)
    world_rotation, joints = [local[0]], [rest[0]]
    for j in range(1, 24):
        parent = SMPL24.parent_indices[j]
        joints.append(world_rotation[parent] @ (rest[j] - rest[parent]) + joints[parent])
        world_rotation.append(world_rotation[parent] @ local[j])
    vertices = np.zeros_like(shaped)
    for j in range(24):
        weight = body.lbs_weights.double().numpy()[:, j : j + 1]
        vertices += weight * ((shaped - rest[j]) @ world_rotation[j].T + joints[j])
    return vertices, np.array(joints)


@pytest.mark.parametrize("which", ["body", "blended"])
def test_forward_equals_slow_second_implementation(which, request):
    model = request.getfixturevalue(which)
    pose, betas = sample()
    out = model(pose, betas)
    for i in range(len(pose)):
        vertices, joints = slow_lbs(model, pose[i].double().numpy(), betas[i].double().numpy())
        np.testing.assert_allclose(out.vertices[i].numpy(), vertices, atol=5e-6)
        np.testing.assert_allclose(out.joints[i].numpy(), joints, atol=5e-6)


@pytest.mark.parametrize("which", ["body", "blended"])
def test_same_as_smplx_itself(which, request):
    model = request.getfixturevalue(which)
    pose, betas = sample(seed=1)
    layer = model.as_smplx()
    assert not list(layer.parameters())
    theirs = layer(betas=betas, global_orient=pose[:, 0], body_pose=pose[:, 1:].flatten(1))
    ours = model(pose, betas)
    torch.testing.assert_close(ours.vertices, theirs.vertices, atol=2e-6, rtol=0)
    torch.testing.assert_close(ours.joints, theirs.joints[:, :24], atol=2e-6, rtol=0)
    nose = theirs.joints[:, 24]
    torch.testing.assert_close(ours.vertices[:, model.landmarks["nose"]], nose, atol=2e-6, rtol=0)


def test_zero_pose_is_the_shaped_template(body):
    betas = torch.tensor([[1.0, -2.0, 0.5, 0, 0, 0, 0, 0, 0, 1.0]])
    out = body(torch.zeros(1, 24, 3), betas)
    expected = body.v_template + torch.einsum("vcb,b->vc", body.shapedirs, betas[0])
    torch.testing.assert_close(out.vertices[0], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(out.joints[0], body.regressor @ expected, atol=1e-6, rtol=0)


def test_pose_means_what_it_means_on_smpl(body):
    """World-aligned joint frames: where limbs go for rotations whose effect on SMPL is known."""
    at = {name: SMPL24.index(name) for name in SMPL24.joints}
    quarter = math.pi / 2

    def joints(**pose):
        return body(one_pose(**pose), torch.zeros(1, 10)).joints[0]

    bent = joints(left_elbow=[0.0, -quarter, 0.0], right_elbow=[0.0, quarter, 0.0])
    for side in ("left", "right"):
        forearm = bent[at[f"{side}_wrist"]] - bent[at[f"{side}_elbow"]]
        assert forearm[2] > 0.2
        assert forearm[:2].abs().max() < 0.02
    seated = joints(left_hip=[-quarter, 0.0, 0.0], left_knee=[quarter, 0.0, 0.0])
    assert seated[at["left_knee"], 2] - seated[at["left_hip"], 2] > 0.3
    shin = seated[at["left_ankle"]] - seated[at["left_knee"]]
    assert shin[1] < -0.35
    assert shin[2].abs() < 0.03
    hanging = joints(left_shoulder=[0.0, 0.0, -quarter])
    arm = hanging[at["left_wrist"]] - hanging[at["left_shoulder"]]
    assert arm[1] < -0.4
    assert arm[[0, 2]].abs().max() < 0.03
    turned = joints(pelvis=[0.0, quarter, 0.0])  # turning left about y: the left side goes to -z
    assert turned[at["left_wrist"], 2] < -0.5


def test_mirrored_pose_gives_the_mirrored_body(body):
    pose, betas = sample(seed=2)
    flipped = pose[:, list(SMPL24.mirror)] * torch.tensor([1.0, -1.0, -1.0])
    out, other = body(pose, betas), body(flipped, betas)
    expected = out.vertices[:, body.mirror] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(other.vertices, expected, atol=2e-5, rtol=0)


def test_translation_moves_everything(body):
    pose, betas = sample()
    shift = torch.tensor([[0.1, -0.2, 3.0], [1.0, 0.0, 5.0]])
    still, moved = body(pose, betas), body(pose, betas, shift)
    torch.testing.assert_close(moved.vertices - still.vertices, shift[:, None].expand_as(still.vertices))
    torch.testing.assert_close(moved.joints - still.joints, shift[:, None].expand_as(still.joints))


def test_gradients_are_right(body):
    pose, betas = sample(batch=1)
    double = load_body("open").double()
    pick = torch.arange(0, body.num_vertices, 1500)
    arguments = (pose.double().requires_grad_(), betas.double().requires_grad_())
    assert torch.autograd.gradcheck(lambda p, b: double(p, b).vertices[:, pick], arguments, atol=1e-6)


def test_graph_exports_for_any_batch(body):
    pose, betas = sample(batch=3)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(body, (pose, betas), dynamic_shapes=({0: batch}, {0: batch}))
    pose, betas = sample(batch=5, seed=4)
    torch.testing.assert_close(program.module()(pose, betas).vertices, body(pose, betas).vertices)


def test_nothing_of_it_enters_a_checkpoint(body):
    assert not body.state_dict()
    assert not list(body.parameters())
    assert {name for name, _ in body.named_buffers()} >= {"v_template", "shapedirs", "lbs_weights"}


def test_h36m18_adds_the_midpoint_of_the_shoulders(body):
    vertices = body.v_template
    known, more = body.regress(vertices, "h36m17"), body.regress(vertices, "h36m18")
    torch.testing.assert_close(more[:17], known)
    shoulders = known[[H36M17.index("left_shoulder"), H36M17.index("right_shoulder")]]
    torch.testing.assert_close(more[17], shoulders.mean(0))


def test_regress_gives_joints_by_name(body):
    pose, betas = sample()
    out = body(pose, betas)
    assert body.regress(out.vertices, "h36m17").shape == (2, 17, 3)
    faces = body.regress(out.vertices, "smpl29")[:, 24:]
    names = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
    torch.testing.assert_close(faces, out.vertices[:, [body.landmarks[n] for n in names]], atol=1e-6, rtol=0)
    with pytest.raises(KeyError, match=r"mano21.*coco17, h36m17, h36m18, smpl24, smpl29"):
        body.joint_regressor("mano21")


def test_pickles_and_moves_like_any_module(body):
    assert body.double() is body
    assert body.v_template.dtype == torch.float64
    body.float()
    assert body.joint_regressor("coco17").dtype == torch.float32


def test_unknown_and_licensed_bodies_are_explained(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="did you mean smpl"):
        load_body("smplish")
    with pytest.raises(ValueError, match="open, smpl"):
        load_body("nobody")
    monkeypatch.delenv("ZOO_ASSETS", raising=False)
    with pytest.raises(FileNotFoundError, match=r"register at https://.*SMPL_NEUTRAL.pkl.*ZOO_ASSETS is not set"):
        load_body("smpl")
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        load_body("mano")
    with pytest.raises(FileNotFoundError, match="rebuild"):
        load_body("open", tmp_path / "absent.npz")
