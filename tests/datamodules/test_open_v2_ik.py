"""The inverse-kinematics fit and the readers of captured motion, against forward kinematics and closed forms."""

import json

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from body.load import load_body
from body.skeleton import SMPL24
from datamodules.open_v2.poses.acclaim import read_acclaim
from datamodules.open_v2.poses.bvh import read_bvh
from datamodules.open_v2.poses.capture import imbalance
from datamodules.open_v2.poses.deepmimic import read_clip
from datamodules.open_v2.poses.ik import fit_poses
from datamodules.synthetic.actions import sample_pose

J = SMPL24.index


def joints_of(poses):
    with torch.no_grad():
        pose = torch.from_numpy(poses).float()
        return load_body("open")(pose, torch.zeros(len(poses), 10)).joints.double().numpy()


@pytest.fixture(scope="module")
def random_poses():
    rng = np.random.default_rng(5)
    names = ("walking", "squatting", "throwing", "kicking", "arms_raised", "lunging", "dancing", "kneeling")
    poses = np.stack([sample_pose(name, rng) for name in names for _ in range(2)])
    poses[:, 0] = Rotation.random(len(poses), rng).as_rotvec()
    return poses


def test_fit_gives_the_joints_back(random_poses):
    target = joints_of(random_poses)
    fit = fit_poses(target, SMPL24.joints, np.zeros(len(target), int), own_bones=False)
    found = joints_of(fit.pose)
    found += (target - found).mean(1, keepdims=True)  # poses have no place
    miss = np.linalg.norm(found - target, axis=-1)
    assert miss.mean() < 0.005
    np.testing.assert_allclose(fit.error.mean(), miss.mean(), atol=0.0015)


def test_fit_finds_the_length_of_limbs(random_poses):
    """People of 90 and 112 % of the open body's size, at once."""
    sizes = np.repeat([0.9, 1.12], len(random_poses) // 2)
    target = joints_of(random_poses) * sizes[:, None, None]
    fit = fit_poses(target, SMPL24.joints, np.repeat([0, 1], len(random_poses) // 2))
    assert fit.error.mean() < 0.005


def test_fit_keeps_limbs_straight_about_themselves(random_poses):
    target = joints_of(random_poses)
    fit = fit_poses(target, SMPL24.joints, np.zeros(len(target), int), steps=120)
    knees, elbows = fit.pose[:, [J("left_knee"), J("right_knee")]], fit.pose[:, [J("left_elbow"), J("right_elbow")]]
    assert np.abs(knees[..., 1:]).max() < np.deg2rad(15)
    assert knees[..., 0].min() > np.deg2rad(-5)
    assert np.abs(elbows[..., [0, 2]]).max() < np.deg2rad(25)


def test_fit_needs_every_limb():
    with pytest.raises(ValueError, match="right_wrist"):
        fit_poses(np.zeros((1, 23, 3)), tuple(j for j in SMPL24.joints if j != "right_wrist"), np.zeros(1, int))


def test_imbalance_is_the_way_from_the_feet():
    standing = joints_of(np.zeros((1, 24, 3)))
    assert imbalance(standing, SMPL24.joints)[0] < 0.05
    tilted = Rotation.from_euler("z", 40, degrees=True).apply(standing[0])[None]
    assert 0.4 < imbalance(tilted, SMPL24.joints)[0] < 0.9  # about sin(40 degrees) of 0.9 m


def clip_of(tmp_path, **parts):
    """A clip of one frame: no rotation anywhere but in `parts`."""
    frame = np.zeros(44)
    frame[[4, 8, 12, 16, 21, 25, 30, 35, 39]] = 1  # w of every quaternion
    for start, values in parts.values():
        frame[start : start + len(values)] = values
    path = tmp_path / "humanoid3d_test.txt"
    path.write_text(json.dumps({"Loop": "wrap", "Frames": [frame.tolist()]}))
    return read_clip(path)


def test_deepmimic_humanoid_at_rest_lets_its_arms_hang(tmp_path):
    joints = joints_of(clip_of(tmp_path))[0]
    for side, sign in (("left", 1), ("right", -1)):
        arm = joints[J(f"{side}_wrist")] - joints[J(f"{side}_shoulder")]
        np.testing.assert_allclose(arm / np.linalg.norm(arm), [0, -1, 0], atol=0.02)
        assert sign * joints[J(f"{side}_shoulder"), 0] > 0.1


def test_deepmimic_hinges_bend_forearms_forward_and_shins_back(tmp_path):
    joints = joints_of(clip_of(tmp_path, elbow=(29, [np.pi / 2]), knee=(34, [-np.pi / 2])))[0]
    forearm = joints[J("right_wrist")] - joints[J("right_elbow")]
    shin = joints[J("left_ankle")] - joints[J("left_knee")]
    np.testing.assert_allclose(forearm / np.linalg.norm(forearm), [0, 0, 1], atol=0.02)
    assert shin[2] / np.linalg.norm(shin) < -0.99


def test_deepmimic_leg_swings_forward_about_its_own_z(tmp_path):
    half = np.pi / 8
    joints = joints_of(clip_of(tmp_path, hip=(30, [np.cos(half), 0, 0, np.sin(half)])))[0]
    thigh = joints[J("left_knee")] - joints[J("left_hip")]
    assert thigh[2] > 0.2  # z is to the humanoid's right, so x (ahead) rises from -y


def test_other_text_is_not_a_clip(tmp_path):
    (tmp_path / "walk.txt").write_text("no")
    with pytest.raises(ValueError, match=r"walk\.txt is not a DeepMimic motion clip"):
        read_clip(tmp_path / "walk.txt")


BONES = {  # name: parent, direction, axis, degrees of freedom
    "lowerback": ("root", "0 1 0", "0 0 0", "rx ry rz"),
    "upperback": ("lowerback", "0 1 0", "0 0 0", ""),
    "thorax": ("upperback", "0 1 0", "0 0 0", ""),
    "upperneck": ("thorax", "0 1 0", "0 0 0", ""),
    "head": ("upperneck", "0 1 0", "0 0 0", ""),
    "lclavicle": ("thorax", "1 0 0", "0 0 0", ""),
    "lhumerus": ("lclavicle", "1 0 0", "0 0 0", "rx ry rz"),
    "lradius": ("lhumerus", "1 0 0", "90 0 0", "rz"),
    "rclavicle": ("thorax", "-1 0 0", "0 0 0", ""),
    "rhumerus": ("rclavicle", "-1 0 0", "0 0 0", ""),
    "rradius": ("rhumerus", "-1 0 0", "0 0 0", ""),
    **{
        f"{side}{bone}": (f"{side}{parent}" if parent else "root", direction, "0 0 0", "")
        for side in "lr"
        for bone, parent, direction in (
            ("hipjoint", "", "1 0 0" if side == "l" else "-1 0 0"),
            ("femur", "hipjoint", "0 -1 0"),
            ("tibia", "femur", "0 -1 0"),
            ("foot", "tibia", "0 0 1"),
        )
    },
}


def acclaim_files(tmp_path, motion):
    bones = "".join(
        f"begin\n name {name}\n direction {direction}\n length 4.5\n axis {axis} XYZ\n"
        + (f" dof {freedoms}\n" if freedoms else "")
        + "end\n"
        for name, (_, direction, axis, freedoms) in BONES.items()
    )
    tree = "".join(f" {parent} {name}\n" for name, (parent, *_) in BONES.items())
    (tmp_path / "07.asf").write_text(
        f":units\n mass 1.0\n length 0.45\n angle deg\n:bonedata\n{bones}:hierarchy\nbegin\n{tree}end\n"
    )
    (tmp_path / "07_01.amc").write_text(f":FULLY-SPECIFIED\n:DEGREES\n1\n{motion}")
    return tmp_path / "07.asf", [tmp_path / "07_01.amc"]


def test_acclaim_forward_kinematics(tmp_path):
    # 4.5 units of 1 / 0.45 inches; the upper arm turns up by 90 degrees about z, the elbow about z of an axis that was
    # turned by 90 degrees about x, which is -y
    capture = read_acclaim(*acclaim_files(tmp_path, "root 1 2 3 0 0 0\nlowerback 0 0 0\nlhumerus 0 0 90\nlradius 90\n"))
    points = dict(zip(capture.joints, capture.points[0] / 0.254, strict=True))
    np.testing.assert_allclose(points["left_shoulder"], [1, 3, 0], atol=1e-9)
    np.testing.assert_allclose(points["left_elbow"], [1, 4, 0], atol=1e-9)
    np.testing.assert_allclose(points["left_wrist"], [1, 4, 1], atol=1e-9)
    np.testing.assert_allclose(points["right_foot"], [-1, -2, 1], atol=1e-9)
    assert capture.actions == ["acclaim/07_01"]


def test_acclaim_turns_about_x_before_z(tmp_path):
    capture = read_acclaim(*acclaim_files(tmp_path, "root 0 0 0 90 0 90\nlowerback 0 0 0\n"))
    spine = dict(zip(capture.joints, capture.points[0] / 0.254, strict=True))["spine1"]
    np.testing.assert_allclose(spine, [0, 0, 1], atol=1e-9)  # y -> z about x, and z stays about z


def test_bvh_is_turned_upright(tmp_path):
    names = ["spine04", "spine03", "spine01", "neck01", "head"]
    for letter in "LR":
        names += [f"{n}.{letter}" for n in ("upperleg01", "lowerleg01", "foot", "toe3-1", "upperarm01", "lowerarm01")]
        names.append(f"wrist.{letter}")
    joints, numbers = "", ["0"] * 3
    for name in names:  # all hang from the root, 1 decimetre above it; z is up
        joints += (
            f"JOINT {name}\n{{\nOFFSET 0 0 1\nCHANNELS 3 Xrotation Yrotation Zrotation\n"
            "End Site\n{\nOFFSET 0 0 1\n}\n}\n"
        )
        numbers += ["0"] * 3
    head = "HIERARCHY\nROOT root\n{\nOFFSET 5 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\n"
    numbers[0] = "90"  # about x: up becomes -y, which is ahead
    path = tmp_path / "pose.bvh"
    path.write_text(f"{head}{joints}}}\nMOTION\nFrames: 1\nFrame Time: 0.04\n{' '.join(numbers)}\n")
    capture = read_bvh([path])
    assert capture.actions == ["makehuman/pose"]
    np.testing.assert_allclose(capture.points[0], np.tile([0.5, 0, 0.1], (len(capture.joints), 1)), atol=1e-9)
