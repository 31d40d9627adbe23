"""Every protocol can be evaluated, and compares what it says it compares."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from metric_samples import ACTIONS
from task_samples import TASKS, annotated, coco_truth

from body.skeleton import SMPL24, Skeleton, convert, get_skeleton
from metrics import PROTOCOLS, build_task, get_protocol, groups, overall
from metrics.tasks import PoseTask


@pytest.fixture
def open_for_smpl(monkeypatch):
    """The open body in place of the licensed ones: same structure, same joint sets."""
    from body.load import load_body

    body = load_body("open")
    monkeypatch.setattr("metrics.tasks.pose.load_body", lambda _: body)
    return body


@dataclass
class Answer:
    """A prediction with everything that a protocol may read."""

    joints: torch.Tensor
    skeleton: Skeleton
    joints_2d: torch.Tensor
    vertices: torch.Tensor | None
    smpl: SimpleNamespace | None
    faces: None = None
    intermediates: dict = field(default_factory=dict)


def perfect(name, body, count=4):
    """Labels of a protocol on posed bodies, and the prediction that agrees with them in everything."""
    protocol = get_protocol(name)
    skeleton = get_skeleton(protocol.skeleton)
    generator = torch.Generator().manual_seed(len(name))
    pose = torch.randn(count, 24, 3, generator=generator) * 0.2
    betas, transl = torch.randn(count, 10, generator=generator), torch.tensor([[0.1, -0.3, 4.0]]).repeat(count, 1)
    vertices = body(pose, betas, transl).vertices
    known = torch.ones(count, len(skeleton), dtype=torch.bool)
    source = get_skeleton(protocol.regressor) if protocol.regressor else skeleton
    joints = torch.randn(count, len(skeleton), 3, generator=generator)
    if protocol.regressor:
        own = body.regress(vertices, protocol.regressor)
        joints, known = convert(
            own, torch.ones(own.shape[:2], dtype=torch.bool), source, skeleton, dict(protocol.aliases)
        )
        assert known[:, [skeleton.index(joint) for joint in protocol.joints]].all()
    affine = torch.tensor([[2.0, 0.5, 5.0], [-0.5, 2.0, 7.0]]).repeat(count, 1, 1)
    pixels = 300 * joints[..., :2]
    sequences = [name for _, names in protocol.settings for name in names] or ["one", "two"]
    batch = {
        "joints": joints,
        "joints_valid": known,
        "joints_2d": pixels @ affine[:, :, :2].mT + affine[:, None, :, 2],
        "joints_2d_valid": known,
        "crop_affine": affine,
        "vertices": vertices,
        "vertices_valid": torch.ones(count, dtype=torch.bool),
        "pose": pose,
        "betas": betas,
        "transl": transl,
        "smpl_valid": torch.ones(count, dtype=torch.bool),
        "index": torch.arange(count),
        "subject": [f"S{1 + i % 3}" for i in range(count)],
        "action": [ACTIONS[i % 2] for i in range(count)],
        "sequence": [sequences[i % len(sequences)] for i in range(count)],
    }
    smpl = SimpleNamespace(pose=pose.clone(), betas=betas.clone(), transl=transl.clone())
    mesh = vertices.clone() if protocol.regressor else None
    return Answer(joints.clone(), skeleton, pixels.clone(), mesh, smpl), batch


def measured(name, answer, batch):
    evaluation = build_task(name)
    evaluation.update(answer, batch)
    return evaluation.compute()


POSE = [name for name, protocol in PROTOCOLS.items() if issubclass(protocol.task, PoseTask)]


@pytest.mark.parametrize("name", POSE)
def test_the_truth_is_perfect_under_every_protocol(name, open_for_smpl):
    protocol = get_protocol(name)
    report = measured(name, *perfect(name, open_for_smpl))
    expected = {metric: 100 * info.higher_is_better for metric, info in protocol.info.items()} | {"n": 4}
    if "auc" in expected:
        expected["auc"] = 3000 / 31  # nothing is nearer than 0 mm
    assert overall(report) == pytest.approx(expected, abs=1e-3)
    for name in protocol.breakdown:
        assert sum(row["n"] for row in groups(report, name).values()) == 4


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - set(POSE)))
def test_other_tasks_report_what_the_protocol_names(name, tmp_path):
    task, protocol = build_task(name), get_protocol(name)
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(coco_truth(8)))
    task.prepare({"coco_file": file, "people": annotated(8)})
    TASKS[protocol.task.name][1](task.metric, range(8))
    report = overall(task.compute())
    assert set(protocol.task.reports) <= set(report)
    assert set(protocol.metrics) <= set(report)
    assert report["n"] == 8


def test_meshes_at_the_model_origin_ignore_translation_only(open_for_smpl):
    """UP-3D: PVE between the bodies as the parameters pose them."""
    answer, batch = perfect("up3d-test", open_for_smpl)
    answer.vertices = answer.vertices + 3
    assert measured("up3d-test", answer, batch)["pve"] == pytest.approx(0, abs=1e-3)
    answer.smpl.pose[:, 0] += 0.3
    turned = open_for_smpl(answer.smpl.pose, answer.smpl.betas).vertices
    still = open_for_smpl(batch["pose"], batch["betas"]).vertices
    report = measured("up3d-test", answer, batch)
    assert report["pve"] == pytest.approx(1000 * (turned - still).norm(dim=-1).mean().item(), rel=1e-4)
    assert report["mpjpe"] == pytest.approx(0, abs=1e-3), "the joints are those of the mesh, not of the parameters"
    answer.smpl = None
    assert "pve" not in measured("up3d-test", answer, batch)
    assert set(overall(measured("up3d-val-24j", answer, batch))) == {"pckh", "n"}


def test_shape_and_pose_apart(open_for_smpl):
    answer, batch = perfect("h36m-p2-14j-mesh", open_for_smpl)
    answer.smpl.betas[:, 0] += 1
    rest = torch.zeros(4, 24, 3)
    shapes = [open_for_smpl(rest, betas).vertices for betas in (answer.smpl.betas, batch["betas"])]
    report = measured("h36m-p2-14j-mesh", answer, batch)
    assert report["pve_s"] == pytest.approx(1000 * (shapes[0] - shapes[1]).norm(dim=-1).mean().item(), rel=1e-4)
    assert report["pve_p"] == pytest.approx(0, abs=1e-3)
    assert report["pve"] == pytest.approx(0, abs=1e-3), "the mesh itself has not changed"


def test_rotations_and_heads(open_for_smpl):
    answer, batch = perfect("up3d-val-24j", open_for_smpl)
    batch["pose"][:] = 0
    answer.smpl.pose[:] = 0
    answer.smpl.pose[:, 5, 1] = 0.6
    head, neck = SMPL24.index("head"), SMPL24.index("neck")
    length = (batch["joints_2d"][:, head] - batch["joints_2d"][:, neck]).norm(dim=-1)
    spread = batch["crop_affine"][0, :, :2].det().sqrt()
    for joint, share in ((3, 0.4), (4, 0.6)):
        answer.joints_2d[:, joint, 0] += share * length / spread
    report = measured("up3d-val-24j", answer, batch)
    assert report["quaternion_error"] == pytest.approx(0.6 / 24, rel=1e-6)
    assert report["pckh"] == pytest.approx(100 * 23 / 24)


def test_mpi_inf_3dhp_scores_14_joints_and_averages_17(open_for_smpl):
    answer, batch = perfect("mpi-inf-3dhp-test", open_for_smpl, count=9)
    answer.vertices = None
    spine, wrist = answer.skeleton.index("spine_mpi"), answer.skeleton.index("left_wrist")
    answer.joints[:, spine, 1] += 0.3
    answer.joints[0, wrist, 2] += 0.2
    report = measured("mpi-inf-3dhp-test", answer, batch)
    assert report["pck3d"] == pytest.approx(100 * (1 - 1 / (9 * 14)))
    assert report["mpjpe"] == pytest.approx((9 * 300 + 200) / (9 * 17), rel=1e-5)
    settings = groups(report, "setting")
    assert {name: row["n"] for name, row in settings.items()} == {
        "studio, green screen": 4,
        "studio, no green screen": 3,
        "outdoor": 2,
    }
    assert settings["studio, green screen"]["pck3d"] == pytest.approx(100 * (1 - 1 / (4 * 14)))
    batch["sequence"][0] = "TS7"
    with pytest.raises(ValueError, match=r"no setting has the sequences \['TS7'\]"):
        measured("mpi-inf-3dhp-test", answer, batch)


def test_rigid_alignment_keeps_the_scale(open_for_smpl):
    answer, batch = perfect("h36m-p2-17j", open_for_smpl)
    answer.vertices = answer.vertices * 1.1
    assert measured("h36m-p2-17j", answer, batch)["pa_mpjpe"] == pytest.approx(0, abs=1e-3)
    rigid = measured("h36m-s11-17j-rigid", answer, batch)["pa_mpjpe"]
    joints = batch["joints"].double()
    centred = joints - joints.mean(1, keepdim=True)  # 0.1 of the distance to the centroid is left
    assert rigid == pytest.approx(100 * centred.norm(dim=-1).mean().item(), rel=1e-4)


def test_the_absolute_root(open_for_smpl):
    answer, batch = perfect("h36m-p2-root", open_for_smpl)
    answer.vertices = answer.vertices + torch.tensor([0.03, 0.0, 0.04])
    assert measured("h36m-p2-root", answer, batch)["mrpe"] == pytest.approx(50, rel=1e-4)
    assert measured("h36m-p2-17j-64", answer, batch)["mpjpe"] == pytest.approx(0, abs=1e-3)


def test_joints_are_scored_without_the_licensed_body_and_meshes_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    metric = build_task("h36m-p1-17j")
    skeleton = get_skeleton("h36m17")
    joints = torch.randn(2, 17, 3)
    batch = {"joints": joints, "joints_valid": torch.ones(2, 17, dtype=torch.bool), "index": torch.arange(2),
             "action": ["Eating", "Eating"], "subject": ["9", "9"], "vertices": None}  # fmt: skip
    moved = joints + torch.tensor([0.0, 0.0, 0.1]) * (torch.arange(17) > 0)[:, None]
    metric.update(Answer(moved, skeleton, joints[..., :2], None, None), batch)
    assert overall(metric.compute())["mpjpe"] == pytest.approx(100 * 16 / 17, rel=1e-6)
    with pytest.raises(ValueError, match="zoo doctor tells how to get it"):
        metric.update(Answer(joints, skeleton, joints[..., :2], torch.zeros(2, 6890, 3), None), batch)
    with pytest.raises(FileNotFoundError, match="SMPL"):
        build_task("3dpw-test-14j-neutral")
