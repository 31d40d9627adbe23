"""Protocols say what they mean and refuse what they cannot."""

import dataclasses

import pytest

from body.skeleton import get_skeleton
from metrics import METRIC_LABELS, METRIC_UNITS, PROTOCOLS, get_protocol
from metrics.evaluation import METRICS


@pytest.mark.parametrize("name", PROTOCOLS)
def test_description_holds_every_fact(name):
    protocol = get_protocol(name)
    text = protocol.describe()
    for fact in (
        protocol.id,
        protocol.benchmark,
        protocol.split,
        protocol.frames,
        protocol.ground_truth,
        protocol.note,
    ):
        assert fact in text
    assert f"{len(protocol.joints)} joints of `{protocol.skeleton}`" in text
    assert ("pa_mpjpe" not in protocol.metrics) or protocol.alignment in text
    assert all(METRIC_LABELS[metric] in text for metric in protocol.metrics)


def test_ids_and_roots():
    for name, protocol in PROTOCOLS.items():
        assert protocol.id == name
        assert protocol.root == get_skeleton(protocol.skeleton).root
        assert protocol.primary == protocol.metrics[0]
    assert "pelvis" not in get_protocol("open-v1").joints
    assert len(get_protocol("open-v1").joints) == 23


def test_every_metric_can_be_made():
    assert set(METRICS) == set(METRIC_UNITS) == set(METRIC_LABELS)
    for name, make in METRICS.items():
        assert make(get_protocol("open-v1")).unit == METRIC_UNITS[name]


def test_fourteen_joints_of_the_literature():
    """Spec of I2L-MeshNet, section 8: legs, neck, head top and arms of Human3.6M's 17."""
    positions = [get_skeleton("h36m17").index(j) for j in get_protocol("3dpw-test-14j-gendered").joints]
    assert positions == [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]


def test_frozen_and_checked():
    protocol = get_protocol("open-v1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.root = "head"
    for change, message in (
        ({"metrics": ("mpjpe", "magic")}, "magic"),
        ({"joints": ("tail",)}, "tail"),
        ({"root": "nose"}, "nose"),
        ({"alignment": "none"}, "alignment must be one of"),
        ({"averaging": "median"}, "averaging must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(protocol, **change)
    with pytest.raises(KeyError, match="open-v1"):
        get_protocol("h36m")
