"""The evaluation under a protocol: what it adds up, what it leaves out, what it refuses."""

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from metric_samples import ACTIONS, PLAIN, Guess, make_batch

from body.load import load_body
from body.skeleton import COCO17, H36M17, HUMANEVA15, SMPL24, SMPL29, convert
from metrics import (
    AUC,
    MPJPE,
    MRPE,
    PAMPJPE,
    PCK3D,
    PVE,
    MedianMPJPE,
    MedianPAMPJPE,
    build_task,
    get_protocol,
    groups,
    overall,
)
from metrics import functional as F
from metrics.base import SampleMean
from metrics.info import millimetres
from metrics.tasks import MeshTask

ROOT = SMPL24.index("pelvis")
SCORED = [j for j in range(24) if j != ROOT]


def evaluate(batches, protocol=PLAIN, **kwargs):
    evaluation = build_task(protocol, **kwargs)
    for indices in batches:
        evaluation.update(*make_batch(indices))
    return evaluation.compute()


def relative(points):
    return points.double() - points[:, :1].double()


def test_values_are_those_of_the_functions():
    guess, batch = make_batch(range(9))
    ours, true = relative(guess.joints), relative(batch["joints"])
    mesh, true_mesh = guess.vertices - guess.joints[:, :1], batch["vertices"] - batch["joints"][:, :1]
    expected = {
        "mpjpe": F.mpjpe(ours[:, SCORED], true[:, SCORED]).mean(),
        "pa_mpjpe": F.pa_mpjpe(ours[:, SCORED], true[:, SCORED]).mean(),
        "pve": F.pve(mesh, true_mesh).mean(),
        "pck3d": F.pck3d(ours[:, SCORED], true[:, SCORED]),
        "auc": F.auc(ours[:, SCORED], true[:, SCORED]),
        "n": 9,
    }
    found = overall(evaluate([range(9)]))
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert found[key] == pytest.approx(float(value), rel=1e-6), key


def test_batches_order_and_repeats_do_not_matter():
    once = evaluate([range(10)])
    assert evaluate([[3, 1], [0, 9, 8, 7], [2, 4, 5, 6, 0], [1]]) == once
    assert once["n"] == 10


@pytest.fixture(params=[False, True], ids=["subnormals", "flushed"])
def flush_denormal(request):
    """The command line flushes subnormal numbers, which the bits of short names are."""
    torch.set_flush_denormal(request.param)
    yield
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("flush_denormal")
def test_actions_are_tabled():
    report = evaluate([range(8)])
    table = groups(report, "action")
    assert set(table) == set(ACTIONS)
    for offset, action in enumerate(ACTIONS):
        alone = evaluate([range(offset, 8, 3)])
        assert table[action] == pytest.approx(overall(alone), rel=1e-12)
    assert sum(row["n"] for row in table.values()) == 8


def test_mean_over_actions():
    report = evaluate([range(8)], replace(PLAIN, averaging="actions"))
    table = groups(report, "action")
    assert report["mpjpe"] == pytest.approx(np.mean([row["mpjpe"] for row in table.values()]), rel=1e-12)
    assert report["mpjpe"] != pytest.approx(evaluate([range(8)])["mpjpe"], rel=1e-6)


def test_group_names_may_hold_slashes():
    table = groups(evaluate([range(4)], replace(PLAIN, breakdown=("sequence",))), "sequence")
    assert set(table) == {"sequence/0", "sequence/1"}
    guess, batch = make_batch(range(2))
    batch["action"] = ["x" * 70, "y"]
    with pytest.raises(ValueError, match="longer than 64 bytes"):
        build_task(PLAIN).update(guess, batch)


def test_joints_meet_by_name():
    """Prediction and labels in a larger skeleton in another order give the same numbers."""
    guess, batch = make_batch(range(6))
    expected = evaluate([range(6)])
    wide, _ = convert(guess.joints, torch.ones(6, 24, dtype=torch.bool), SMPL24, SMPL29)
    evaluation = build_task(PLAIN, label_skeleton=SMPL29)
    labels, valid = convert(batch["joints"], batch["joints_valid"], SMPL24, SMPL29)
    batch.update(joints=labels, joints_valid=valid)
    evaluation.update(Guess(wide, SMPL29, guess.vertices), batch)
    assert evaluation.compute() == expected


def test_a_mean_over_fewer_joints_is_refused():
    _, batch = make_batch(range(6))
    with pytest.raises(ValueError, match="predictions in 'coco17' lacks spine1, spine2"):
        build_task(PLAIN).update(Guess(torch.zeros(6, 17, 3), COCO17), batch)
    with pytest.raises(ValueError, match=r"the labels' joint set 'coco17' lacks spine1.*pelvis"):
        build_task(PLAIN, label_skeleton=COCO17)
    with pytest.raises(ValueError, match="24 joints to score, not the 29 of 'smpl29'"):
        build_task(PLAIN, label_skeleton=SMPL29).update(*make_batch(range(6)))


def test_masks():
    guess, batch = make_batch(range(6))
    batch["joints_valid"][2, ROOT] = False
    batch["joints_valid"][3] = False
    batch["joints"][3] = torch.nan
    batch["vertices_valid"][5] = False
    evaluation = build_task(PLAIN)
    evaluation.update(guess, batch)
    report = evaluation.compute()
    assert report["mpjpe"] == pytest.approx(evaluate([[0, 1, 4, 5]])["mpjpe"], rel=1e-12)
    assert report["pve"] == pytest.approx(evaluate([[0, 1, 4]])["pve"], rel=1e-12)


def test_without_a_mesh_there_is_no_vertex_error():
    guess, batch = make_batch(range(6))
    evaluation = build_task(PLAIN)
    evaluation.update(Guess(guess.joints), batch)
    report = evaluation.compute()
    assert "pve" not in report
    assert report["mpjpe"] == evaluate([range(6)])["mpjpe"]


def test_joints_come_from_the_mesh_where_the_protocol_says_so(monkeypatch):
    """Regressed joints on both sides: labels and predictions named `joints` are not looked at."""
    guess, batch = make_batch(range(5))
    regressor = torch.rand(24, 30, generator=torch.Generator().manual_seed(0))
    regressor = regressor / regressor.sum(1, keepdim=True)
    body = load_body("open")
    monkeypatch.setattr(body, "joint_regressor", {"smpl24": regressor}.__getitem__)
    evaluation = MeshTask(replace(PLAIN, regressor="smpl24", target_regressor="smpl24"), body=body)
    ours, true = (relative(regressor.double() @ v.double()) for v in (guess.vertices, batch["vertices"]))
    batch["joints"][:] = torch.nan
    evaluation.update(Guess(guess.joints * torch.nan, vertices=guess.vertices), batch)
    assert evaluation.compute()["mpjpe"] == pytest.approx(F.mpjpe(ours[:, SCORED], true[:, SCORED]).mean().item())
    assert not evaluation.state_dict()
    with pytest.raises(ValueError, match="30 vertices, not 7"):
        evaluation.update(Guess(guess.joints, vertices=guess.vertices[:, :7]), batch)


def test_regression_does_not_depend_on_the_batch():
    evaluation, apart = build_task("open-v1"), build_task("open-v1")
    vertices = evaluation.comparison.regressors["smpl24"].shape[1]
    for indices, target in ((range(9), evaluation), ([4, 3], apart), ([8, 0, 1, 2, 5], apart), ([6, 7], apart)):
        target.update(*make_batch(indices, vertices))
    assert apart.compute() == evaluation.compute()


def test_other_meshes_are_refused():
    guess, batch = make_batch(range(5))
    with pytest.raises(ValueError, match="predicted mesh has 7 vertices"):
        build_task(PLAIN).update(Guess(guess.joints, vertices=guess.vertices[:, :7]), batch)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_prediction_that_is_no_number_is_refused_by_its_index(value):
    guess, batch = make_batch([11, 12, 13])
    guess.joints[1, 7] = value
    with pytest.raises(ValueError, match=r"prediction \(joints\): NaN or infinity in 1 of 3.*sample 12"):
        build_task(PLAIN).update(guess, batch)
    guess, batch = make_batch([11, 12, 13])
    batch["vertices"][2, 7] = value
    with pytest.raises(ValueError, match=r"label \(vertices\): NaN or infinity in 1 of 3.*sample 13"):
        build_task(PLAIN).update(guess, batch)


def test_reset_and_nothing():
    evaluation = build_task(PLAIN).to(torch.bfloat16)
    evaluation.update(*make_batch(range(5)))
    first = evaluation.compute()
    evaluation.reset()
    with pytest.warns(UserWarning, match="before the"):
        assert evaluation.compute() == {"n": 0}
    evaluation.update(*make_batch(range(5)))
    assert evaluation.compute() == first


def test_open_protocol_on_the_open_body():
    """The truth scores 0; labels moved by a rigid shift still do; a 10 % larger body scores the 10 %."""
    body = load_body("open")
    posed = body(torch.zeros(2, 24, 3), torch.zeros(2, 10))
    _, batch = make_batch(range(2))
    batch["vertices"] = posed.vertices
    evaluation = build_task("open-v1")
    evaluation.update(Guess(posed.joints, vertices=posed.vertices + 3), batch)
    report = overall(evaluation.compute())
    assert report == pytest.approx(
        {"mpjpe": 0, "pa_mpjpe": 0, "pve": 0, "pck3d": 100, "auc": 3000 / 31, "n": 2}, abs=1e-3
    )
    evaluation.reset()
    evaluation.update(Guess(posed.joints, vertices=posed.vertices * 1.1), batch)
    joints = relative(body.regress(posed.vertices, "smpl24"))[:, SCORED]
    expected = 100 * joints.norm(dim=-1).mean().item()
    report = evaluation.compute()
    assert report["mpjpe"] == pytest.approx(expected, rel=1e-4)
    assert report["pa_mpjpe"] < 1e-2


def test_a_protocol_needs_its_own_body():
    assert H36M17.root == "pelvis_h36m"
    with pytest.raises(KeyError, match="no protocol 'open'"):
        build_task("open")


def test_both_ways_of_averaging_and_the_median():
    """Errors 10, 20, ... mm by construction; seven samples in cells of unequal size."""
    cells = ["S1 Walking", "S1 Walking", "S1 Walking", "S2 Walking", "S2 Walking", "S2 Jog", "S3 Jog"]
    generator = torch.Generator().manual_seed(3)
    truth = torch.randn(7, 15, 3, generator=generator)
    errors = torch.arange(1.0, 8.0) / 100
    guess = truth.clone()
    guess[:, 1:, 0] += (errors * 15 / 14)[:, None]  # the root has no error
    protocol = replace(
        get_protocol("humaneva-walk-jog"),
        scores=(MPJPE, MedianMPJPE),
        alignment="none",
        breakdown=("action", "subject+action"),
    )
    evaluation = build_task(protocol)
    batch = {
        "joints": truth,
        "joints_valid": torch.ones(7, 15, dtype=torch.bool),
        "index": torch.arange(7),
        "subject": [cell.split()[0] for cell in cells],
        "action": [cell.split()[1] for cell in cells],
    }
    evaluation.update(Guess(guess, HUMANEVA15), batch)
    report = evaluation.compute()
    ways = groups(report, "average")
    assert ways["samples"] == pytest.approx({"mpjpe": 40, "mpjpe_median": 40}, rel=1e-5)
    assert ways["actions"] == pytest.approx({"mpjpe": (30 + 65) / 2, "mpjpe_median": (30 + 65) / 2}, rel=1e-5)
    assert ways["cells"] == pytest.approx({"mpjpe": (20 + 45 + 60 + 70) / 4, "mpjpe_median": 195 / 4}, rel=1e-5)
    assert {k: v for k, v in overall(report).items() if k != "n"} == ways["cells"]
    assert groups(report, "subject+action")["S2 Walking"]["n"] == 2


GROUPED = replace(
    PLAIN,
    scores=(MPJPE, MedianMPJPE, PAMPJPE, MedianPAMPJPE, PVE, PCK3D, AUC, MRPE),
    breakdown=("action", "sequence"),
    averaging="actions",
)


def share(rank, rendezvous, order, answers):
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    answers.put(evaluate([order[i : i + 2] for i in range(0, len(order), 2)], GROUPED))
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("orders", [((0, 2, 4, 6), (1, 3, 5, 0)), ((6, 5, 4, 3, 2, 1, 0), ())], ids=["padded", "idle"])
def test_two_processes_give_exactly_the_same_tables(tmp_path, orders):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    workers = [
        context.Process(target=share, args=(rank, tmp_path / "rendezvous", order, answers))
        for rank, order in enumerate(orders)
    ]
    for process in workers:
        process.start()
    first, second = (answers.get(timeout=120) for _ in workers)
    for process in workers:
        process.join(60)
    assert first == second == evaluate([range(7)], GROUPED)
    assert first["n"] == 7
    assert set(groups(first, "average")) == {"samples", "actions", "sequences"}


class WorstJoint(SampleMean):
    """A metric that the house does not know: the largest error of a sample, then the mean."""

    name, info = "worst_joint", millimetres("worst joint")
    field = "joints"

    def errors(self, prediction, target, valid):
        return F.point_errors(prediction, target).amax(1)


def test_a_new_metric_takes_its_class_and_a_protocol():
    protocol = replace(PLAIN, id="toy", scores=(WorstJoint, MPJPE), alignment="none", breakdown=("action",))
    guess, batch = make_batch(range(6))
    task = build_task(protocol)
    task.update(guess, batch)
    report = task.compute()
    ours, true = relative(guess.joints)[:, SCORED], relative(batch["joints"])[:, SCORED]
    assert report["worst_joint"] == pytest.approx(1000 * (ours - true).norm(dim=-1).amax(1).mean().item(), rel=1e-6)
    assert groups(report, "action")["walking"]["worst_joint"] > 0
    assert (protocol.primary, protocol.info["worst_joint"].title) == ("worst_joint", "worst joint mm")
    assert "worst joint (mm, lower is better)" in protocol.describe()
