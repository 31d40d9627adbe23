"""Our metrics as torchmetrics' users handle any metric: in collections, called, cloned, pickled, merged, cast."""

import pickle
from itertools import combinations

import pytest
import torch
from metric_samples import PLAIN, make_batch
from sample_metric_cases import CASES, joints
from task_samples import MATCHING, SCORED, TASKS, coco_truth, feed_surface, people_rows
from torchmetrics import MetricCollection

from body.skeleton import MPI_INF_3DHP17
from metrics import DensePosePoints, KeypointAP, MuPoTS, PartSegmentation, PoseMetrics
from metrics.tasks.mesh import MeshComparison


def feed_sample_metric(metric, indices):
    order = list(indices)
    metric.update(joints(0, 20)[order], joints(1, 20)[order])


def feed_pose_metrics(metric, indices):
    guess, batch = make_batch(indices)
    pairs = MeshComparison(metric.protocol, guess.skeleton, None)(guess, batch)
    metric.update(pairs, batch["index"], {"action": batch["action"]})


ALL = {name: (make, feed_sample_metric) for name, (make, _) in CASES.items()}
ALL |= {name: case for name, case in TASKS.items() if name != "crowds"}
ALL |= {
    "parts_3": (lambda: PartSegmentation(7, background=False), TASKS["parts"][1]),
    "crowds": TASKS["crowds"],
    "crowds_matched": (lambda: MuPoTS(MPI_INF_3DHP17, SCORED, MATCHING, matched_only=True), TASKS["crowds"][1]),
    "people_matched": (lambda: people_rows("mupots-relative-matched"), TASKS["people"][1]),
    "points_one_kappa": (DensePosePoints, feed_surface),
    "keypoints_more": (lambda: KeypointAP(coco_truth(12)), TASKS["keypoints"][1]),
    "pose": (lambda: PoseMetrics(PLAIN), feed_pose_metrics),
}
"""Every metric, some of them with several settings: how it is made and fed."""


def guesses():
    """Labels, and predictions of which the first batch says little: many metrics have equal states after it."""
    truth = joints(5, 8)
    noisy = truth + 0.05 * joints(6, 8)
    at_root = noisy.clone()
    at_root[:, 0] = truth[:, 0]
    return truth, {"exact": truth, "far": truth + 1, "at the root": at_root, "noisy": noisy}


def numbers(value):
    return value if isinstance(value, dict) else value.item()


@pytest.mark.parametrize("first", guesses()[1])
def test_in_a_collection_every_metric_is_what_it_is_alone(first):
    """All at once, and all pairs; torchmetrics decides after the first batch which metrics it feeds."""
    truth, made = guesses()
    batches = [made[first], made["noisy"] + 0.1]
    alone = {}
    for name, (make, _) in CASES.items():
        metric = make()
        for guess in batches:
            metric.update(guess, truth)
        alone[name] = numbers(metric.compute())
    for names in [tuple(CASES), *(combinations(CASES, 2) if first == "exact" else ())]:
        together = MetricCollection({name: CASES[name][0]() for name in names})
        for guess in batches:
            together.update(guess, truth)
        assert {name: value.item() for name, value in together.compute().items()} == {n: alone[n] for n in names}


@pytest.mark.parametrize("fed", [False, True])
def test_no_two_metrics_are_merged(fed):
    made = []
    for make, feed in ALL.values():
        made += [make(), make()]
        if fed:
            feed(made[-2], [0])
            feed(made[-1], [0])
    for first, second in combinations(made, 2):
        assert not MetricCollection._equal_metric_states(first, second), (first, second)


@pytest.mark.parametrize("name", ALL)
def test_a_call_gives_the_batch_and_adds_it(name):
    make, feed = ALL[name]

    def alone(*batches):
        metric = make()
        for indices in batches:
            feed(metric, indices)
        return numbers(metric.compute())

    class Called:
        """`update` of what feeds it, by a call."""

        def __init__(self, metric):
            self.metric, self.values = metric, []
            self.protocol = getattr(metric, "protocol", None)

        def update(self, *arguments, **options):
            self.values.append(numbers(self.metric(*arguments, **options)))

    metric = make()
    called = Called(metric)
    for indices in ([0, 1], [2, 3, 4]):
        feed(called, indices)
    assert called.values == [alone([0, 1]), alone([2, 3, 4])]
    assert numbers(metric.compute()) == alone([0, 1], [2, 3, 4])


@pytest.mark.parametrize("copied", [lambda metric: metric.clone(), lambda metric: pickle.loads(pickle.dumps(metric))])
@pytest.mark.parametrize("name", ALL)
def test_copies_go_their_own_way(name, copied):
    make, feed = ALL[name]
    metric, whole, half = make(), make(), make()
    feed(metric, [0, 1])
    other = copied(metric)
    feed(other, [2, 3])
    feed(whole, [0, 1])
    feed(whole, [2, 3])
    feed(half, [0, 1])
    assert numbers(other.compute()) == numbers(whole.compute())
    assert numbers(metric.compute()) == numbers(half.compute())
    other.reset()
    feed(other, [0, 1])
    assert numbers(other.compute()) == numbers(half.compute())


@pytest.mark.parametrize("name", ALL)
def test_states_merge_and_are_stored(name):
    make, feed = ALL[name]
    first, second, whole = make(), make(), make()
    feed(first, [0, 1])
    feed(second, [2, 3])
    feed(whole, [0, 1])
    feed(whole, [2, 3])
    first.merge_state(second)
    assert numbers(first.compute()) == pytest.approx(numbers(whole.compute()), rel=1e-12)
    first.persistent(True)
    state = first.state_dict()
    assert not [key for key in state if "mark" in key]
    again = make()
    again.load_state_dict(state, strict=True)
    again._update_count = 1  # what it holds was loaded
    assert numbers(again.compute()) == numbers(first.compute())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", CASES)
def test_inputs_of_any_precision_are_compared_in_float64(name, dtype):
    guess, truth = joints(7).to(dtype), joints(8).to(dtype)
    low, high = CASES[name][0](), CASES[name][0]()
    low.update(guess, truth)
    high.update(guess.double(), truth.double())
    assert low.compute().dtype == torch.float64
    assert low.compute() == high.compute()


@pytest.mark.parametrize(
    "cast", [lambda m: m.half(), lambda m: m.to(torch.bfloat16), lambda m: m.set_dtype(torch.float16)]
)
@pytest.mark.parametrize("name", ALL)
def test_a_cast_model_does_not_round_its_metrics(name, cast):
    make, feed = ALL[name]
    metric, plain = make(), make()
    for indices in ([0, 1], [2]):
        feed(cast(metric), indices)
        feed(plain, indices)
    assert numbers(cast(metric).compute()) == numbers(plain.compute())


@pytest.mark.parametrize("name", CASES)
def test_a_call_with_gradients_keeps_none(name):
    guess = joints(2).requires_grad_()
    metric = CASES[name][0]()
    metric(guess, joints(3))
    metric(guess, joints(4))
    again = pickle.loads(pickle.dumps(metric.clone()))
    assert again.compute() == metric.compute()
    assert not metric.compute().requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs two devices")
@pytest.mark.parametrize("name", ALL)
def test_metrics_move_between_devices(name):
    make, feed = ALL[name]
    metric, plain = make(), make()
    feed(metric, [0, 1])
    metric = metric.to("cuda").to("cpu")
    feed(metric, [2])
    for indices in ([0, 1], [2]):
        feed(plain, indices)
    assert numbers(metric.to("cuda").compute()) == pytest.approx(numbers(plain.compute()), rel=1e-12)
