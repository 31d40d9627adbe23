"""Joints, poses and meshes that agree with what a backbone says: closed forms, and bodies that were posed by us."""

from __future__ import annotations

import pytest
import roma
import torch
from jaxtyping import Float
from torch import Tensor

from body.load import load_body
from body.skeleton import COCO17, H36M18, LSP14, OPEN36, SMPL24, SMPL29
from lightning_modules.common.backbones import create_backbone
from lightning_modules.common.backbones.joint_refiner import JointRefiner
from lightning_modules.common.backbones.movenet_people import PersonMaps
from lightning_modules.common.joint_prior import KnownJoints, VolumePrior, check_knows_joints, known_joints, person_maps
from lightning_modules.common.kinematics import pose_joints, to_absolute, to_relative
from lightning_modules.common.mesh_prior import MeshPrior
from lightning_modules.common.pose_prior import LIMB_JOINTS, PosePrior
from lightning_modules.danet.config import DaNetConfig
from lightning_modules.nbf.config import NBFConfig

SIDE, CROP = 48, 192
HALF_CELL = torch.tensor([0.5 if joint in COCO17.joints else 0.0 for joint in OPEN36.joints])
"""MoveNet's joints lie half a cell further, as was measured on photographs."""


@pytest.fixture
def places() -> Float[Tensor, "2 36 2"]:
    return torch.empty(2, 36, 2).uniform_(10, 38, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def depths() -> Float[Tensor, "2 36"]:
    return torch.empty(2, 36).uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(1))


def peaked(places: Tensor, depths: Tensor) -> PersonMaps:
    """Gaussian likelihoods of width 1.5 about the places, one depth everywhere."""
    cells = torch.arange(SIDE)
    squared = (cells - places[..., :1]).square()[..., None, :] + (cells - places[..., 1:]).square()[..., None]
    everywhere = depths[..., None, None].expand(2, 36, SIDE, SIDE)
    joints = torch.cat([places + HALF_CELL[:, None], depths[..., None]], -1)
    return PersonMaps(
        squared / (-2 * 1.5**2), everywhere, torch.zeros(2, 25, SIDE, SIDE), torch.zeros(2, 48, SIDE, SIDE), joints
    )


@pytest.mark.parametrize(("skeleton", "last_bin"), [(SMPL24, False), (H36M18, True)])
def test_a_silent_head_leaves_joints_where_the_backbone_has_them(skeleton, last_bin, places, depths) -> None:
    prior = VolumePrior(skeleton, 2.0, last_bin)
    found = prior(torch.zeros(2, len(skeleton), 16, SIDE, SIDE), peaked(places, depths))
    known = [joint in OPEN36.joints for joint in skeleton.joints]  # all but one: the thorax
    found, order = found[:, known], [OPEN36.index(joint) for joint in skeleton.joints if joint in OPEN36.joints]
    cells = (places + HALF_CELL[:, None])[:, order]
    deep = depths[:, order] - depths[:, OPEN36.index(skeleton.root), None]
    expected_cells = cells * (47 / 48) if last_bin else cells
    expected_bins = (deep / 2 + 0.5) * (15 if last_bin else 16)
    torch.testing.assert_close(found[..., :2], expected_cells, atol=0.02, rtol=0)
    inside = (expected_bins > 3) & (expected_bins < 12)
    assert (found[..., 2] - expected_bins)[inside].abs().max() < 0.02


def test_the_head_moves_depths_and_nothing_else(places, depths) -> None:
    prior, maps = VolumePrior(SMPL24, 2.0, last_bin=False), peaked(places, depths)
    silent = prior(torch.zeros(2, 24, 16, SIDE, SIDE), maps)
    volume = torch.randn(2, 24, 16, SIDE, SIDE, generator=torch.Generator().manual_seed(2)).requires_grad_()
    found = prior(volume, maps)
    assert torch.equal(found[..., :2], silent[..., :2])
    assert (found[..., 2] - silent[..., 2]).abs().min() > 0
    found.sum().backward()
    assert volume.grad is not None
    assert volume.grad.abs().sum() > 0


def test_joints_that_the_backbone_does_not_know_are_the_heads(places, depths) -> None:
    said = torch.zeros(2, 14, 4, SIDE, SIDE)
    unknown = LSP14.index("neck_lsp")
    said[:, unknown, 1, 20, 30] = 50.0  # z, y, x
    found = VolumePrior(LSP14, 2.0, last_bin=False)(said, peaked(places, depths))
    torch.testing.assert_close(found[:, unknown], torch.tensor([[30.0, 20.0, 1.0]] * 2))


@pytest.mark.parametrize("stride", [4, 8])
def test_the_backbones_map_is_read_from_the_one_that_holds_it(stride) -> None:
    torch.manual_seed(0)
    whole = create_backbone("people_movenet", maps=(-4,)).eval()
    folded = create_backbone("people_movenet", maps=(-1,), output_stride=stride).eval()
    folded.load_state_dict(whole.state_dict(), strict=False)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        finest = whole(image)[0]
        maps = person_maps(folded, folded(image)[-1])
    torch.testing.assert_close(torch.cat(maps[:4], 1), finest[:, : 145 if stride == 4 else 97])


def test_other_backbones_are_refused() -> None:
    with pytest.raises(ValueError, match="people_movenet"):
        check_knows_joints(create_backbone("resnet18_tiny"))


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ValueError, match="segmenter: backbone"):
        NBFConfig(joint_prior=True)
    with pytest.raises(ValueError, match="estimator: backbone"):
        DaNetConfig(joint_prior=True)


@pytest.fixture(scope="module")
def prior() -> PosePrior:
    return PosePrior(load_body("open"))


def posed(scale: float, focal: float | None = None) -> tuple[Tensor, KnownJoints]:
    """Rotations of upright people of average shape, and their joints as a camera sees them that looks at the crop."""
    body, drawn = load_body("open"), torch.Generator().manual_seed(3)
    pose = 0.4 * torch.randn(4, 24, 3, generator=drawn)
    rotations = roma.rotvec_to_rotmat(pose)
    rotations[:, 0] = roma.rotvec_to_rotmat(torch.tensor([torch.pi, 0.0, 0.0])) @ rotations[:, 0]
    vertices = body.forward_rotmat(rotations, torch.zeros(4, 10)).vertices
    points = torch.zeros(4, 36, 3)
    for joint, place in zip(SMPL29.joints, (body.joint_regressor("smpl29") @ vertices).unbind(1), strict=True):
        points[:, OPEN36.index(joint)] = place
    points = points - points[:, :1]
    farther = 1.0 if focal is None else 1 + points[..., 2:] * scale / (focal * CROP / 2)
    return rotations, KnownJoints((scale * points[..., :2] / farther + CROP / 2) / 4, points[..., 2])


def bones(rotations: Tensor) -> Tensor:
    """Directions of upper arms, forearms, thighs and shanks in the camera's frame."""
    body = load_body("open")
    rest = body.joint_regressor("smpl24") @ body.v_template
    joints = pose_joints(rotations, rest.expand(len(rotations), -1, -1), body.parents, absolute=False)
    ends = [SMPL24.index(f"{side}_{end}") for side in ("left", "right") for end in ("elbow", "wrist", "knee", "ankle")]
    starts = [SMPL24.parent_indices[end] for end in ends]
    return torch.nn.functional.normalize(joints[:, ends] - joints[:, starts], dim=-1)


def test_a_pose_comes_back_from_its_joints(prior) -> None:
    rotations, known = posed(scale=80.0)
    start = prior.start(known)
    torch.testing.assert_close(start @ start.mT, torch.eye(3).expand_as(start), atol=1e-4, rtol=0)
    assert (bones(start) * bones(rotations)).sum(-1).min() > 0.99
    upright = start[:, 0, :, 1] @ torch.tensor([0.0, -1.0, 0.0])  # the body's y points up, the camera's down
    assert upright.min() > 0.5


@pytest.mark.parametrize("focal", [None, 3.0])
def test_limbs_end_where_joints_are(prior, focal) -> None:
    rotations, known = posed(scale=80.0, focal=focal)
    world = to_absolute(rotations, prior.parents)
    angles = torch.zeros(4, 24)
    turned = [
        SMPL24.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("shoulder", "elbow", "hip", "knee")
    ]
    angles[:, turned] = 0.4 * torch.randn(4, 8, generator=torch.Generator().manual_seed(4))
    turn = roma.rotvec_to_rotmat(torch.stack([0 * angles, 0 * angles, angles], -1))  # in the picture: depths stay true
    wrong = to_relative(turn @ world, prior.parents)
    given = None if focal is None else torch.full((4,), focal)
    placed = prior.follow(wrong, torch.zeros(4, 10), known, CROP, given)
    place = placed.scale[:, None, None] * placed.joints[..., :2] + placed.shift[:, None]
    if focal is not None:
        deep = (placed.joints - placed.joints[:, :1])[..., 2:]
        place = (place - CROP / 2) / (1 + deep * placed.scale[:, None, None] / (focal * CROP / 2)) + CROP / 2
    limbs = [SMPL24.index(joint) for joint in LIMB_JOINTS]
    wanted = 4 * known.cells[:, [OPEN36.index(joint) for joint in SMPL24.joints]]
    before = pose_joints(wrong, prior.rest[:24].expand(4, -1, -1), prior.parents, absolute=False)
    before = 80.0 * (before - before[:, :1])[..., :2] + CROP / 2
    apart, moved = ((found - wanted)[:, limbs].norm(dim=-1).mean() for found in (place, before))
    assert apart < 1.5  # a crop pixel is 12 mm
    assert apart < 0.2 * moved
    assert (bones(placed.rotations) * bones(rotations)).sum(-1).mean() > 0.97
    proper = placed.rotations
    torch.testing.assert_close(proper @ proper.mT, torch.eye(3).expand_as(proper), atol=1e-4, rtol=0)


def test_a_bone_in_the_plane_of_the_picture_does_not_jump(prior) -> None:
    """A forearm appears half as long as it is: its pose says which way it points, and a hair does not decide it."""
    elbow, wrist, hand = (SMPL24.index(f"left_{joint}") for joint in ("elbow", "wrist", "hand"))
    world = torch.diag(torch.tensor([1.0, -1.0, -1.0])).repeat(24, 1, 1)  # at rest and upright, arms along x
    rest = pose_joints(world[None], prior.rest[None, :24], prior.parents, absolute=True)[0]
    seen = torch.zeros(1, 36, 3)
    seen[0, [OPEN36.index(joint) for joint in SMPL24.joints]] = rest - rest[0]
    seen[0, OPEN36.index("left_wrist")] = (rest[elbow] + rest[wrist]) / 2 - rest[0]
    known = KnownJoints((80 * seen[..., :2] + CROP / 2) / 4, seen[..., 2])

    def depth(angle: float) -> Tensor:
        """Of the wrist beyond the elbow, in lengths of the forearm, which points out of the plane by an angle."""
        turned = world.clone()
        turned[[elbow, wrist, hand]] = roma.rotvec_to_rotmat(torch.tensor([0.0, -angle, 0.0])) @ world[elbow]
        placed = prior.follow(to_relative(turned[None], prior.parents), torch.zeros(1, 10), known, CROP)
        bone = placed.joints[0, wrist] - placed.joints[0, elbow]
        return bone[2] / bone.norm()

    assert 0 < depth(0.02) - depth(-0.02) < 0.15
    assert depth(0.8) > 0.7
    assert depth(-0.8) < -0.7


def test_a_mesh_is_moved_to_the_joints_and_keeps_its_depth(places, depths) -> None:
    body = load_body("open")
    known = known_joints(peaked(places, depths))
    vertices = 20 * body.v_template.expand(2, -1, -1) + 24
    moved = MeshPrior(body, share=0.0)(vertices, known, SIDE)
    assert torch.equal(moved[..., 2], vertices[..., 2])
    joints = body.joint_regressor("smpl29") @ moved
    for joint in ("left_wrist", "right_knee", "nose"):
        wanted = (places + HALF_CELL[:, None])[:, OPEN36.index(joint)]
        torch.testing.assert_close(joints[:, SMPL29.index(joint), :2], wanted, atol=0.02, rtol=0)


def test_a_mesh_in_disorder_comes_nearer_to_the_body_that_the_joints_suggest() -> None:
    rotations, known = posed(scale=80.0)
    body = load_body("open")
    true = body.forward_rotmat(rotations, torch.zeros(4, 10)).vertices
    true = true - (body.joint_regressor("smpl29") @ true)[:, :1]
    scale = torch.tensor([80 / 4, 80 / 4, SIDE / 2.0])  # bins a metre; the depth axis covers two
    true = true * scale + SIDE / 2
    noisy = true + 3 * torch.randn(true.shape, generator=torch.Generator().manual_seed(5))
    apart = [(MeshPrior(body, share=share)(noisy, known, SIDE) - true).norm(dim=-1).mean() for share in (0.0, 0.5, 1.0)]
    assert apart[2] < 1.5  # a bin is 50 mm
    assert apart[1] < 0.7 * apart[0]


def test_a_new_refiner_leaves_joints_where_their_maps_have_them(places, depths) -> None:
    maps = peaked(places, depths)
    own = known_joints(maps)
    told = known_joints(maps._replace(places=JointRefiner()(maps.joints, maps.depths, maps.parts)))
    torch.testing.assert_close(told.cells, own.cells, atol=1e-3, rtol=0)
    torch.testing.assert_close(told.depth, own.depth, atol=1e-4, rtol=0)
    prior, said = VolumePrior(SMPL24, 2.0, last_bin=False), torch.zeros(2, 24, 16, SIDE, SIDE)
    moved = maps._replace(places=torch.cat([own.cells + 1, own.depth[..., None]], -1))
    torch.testing.assert_close(
        prior(said, moved)[..., :2] - prior(said, maps)[..., :2], torch.ones(2, 24, 2), atol=0.02, rtol=0
    )


def test_joints_that_movenet_is_sure_of_stay(places, depths) -> None:
    torch.manual_seed(0)
    refiner, maps = JointRefiner(), peaked(places, depths)
    torch.nn.init.normal_(refiner.moves.weight)
    own, learnt = known_joints(maps).cells, torch.tensor([joint in COCO17.joints for joint in OPEN36.joints])

    def moved(logit: float) -> Tensor:
        level = maps.joints - maps.joints.amax((2, 3), keepdim=True) + logit
        with torch.no_grad():
            return (refiner(level, maps.depths, maps.parts)[..., :2] - own).norm(dim=-1)

    assert moved(5.0)[:, learnt].max() < 0.01
    assert moved(5.0)[:, ~learnt].median() > 0.5
    assert moved(-10.0)[:, learnt].median() > 0.5


def test_evidence_is_what_a_sharp_map_says(places, depths) -> None:
    cells = places.round()
    parts = torch.zeros(2, 25, SIDE, SIDE)
    parts[:, 7, 12:36, 12:36] = 50.0  # one part fills the middle, the rest of the crop is anything
    evidence = JointRefiner().describe(*peaked(cells, depths)[:2], parts)
    where = (cells + HALF_CELL[:, None]) / (SIDE / 2) - 1
    torch.testing.assert_close(evidence.joints[..., 2:4], where, atol=1e-5, rtol=0)
    torch.testing.assert_close(evidence.joints[..., :2], where, atol=1e-3, rtol=0)
    torch.testing.assert_close(evidence.joints[..., 7] / 2, depths - depths[:, :1], atol=1e-5, rtol=0)
    at = torch.arange(2)[:, None], cells[..., 1].long(), cells[..., 0].long()
    share = torch.softmax(parts, 1)[:, 7]
    nearby = ((cells - 23.5).abs().amax(-1) < 7) | ((cells - 23.5).abs().amax(-1) > 17)
    torch.testing.assert_close(evidence.joints[..., 10 + 7][nearby], share[at][nearby], atol=0.05, rtol=0)
    columns = torch.arange(SIDE) / (SIDE / 2) - 1
    weight = share[0].sum(0)
    torch.testing.assert_close(evidence.parts[0, 25 + 7], (weight * columns).sum() / weight.sum(), atol=1e-4, rtol=0)
    torch.testing.assert_close(evidence.parts[0, 7], 10 * share[0].mean(), atol=1e-3, rtol=0)
