"""torchvision's detector: its file, its consent, and boxes as its own network gives them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

from zoo.cli import main
from zoo.errors import ZooError
from zoo.prediction.detect import torchvision_people
from zoo.prediction.detect.torchvision_people import TorchvisionDetector


@pytest.fixture(scope="module")
def network_and_file(tmp_path_factory):
    """A random network and its file, named as torchvision names them."""
    torch.manual_seed(0)
    network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).eval()
    path = tmp_path_factory.mktemp("served") / "any.pth"
    torch.save(network.state_dict(), path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return network, path.rename(path.parent / f"detector-{digits}.pth")


@pytest.fixture
def served(network_and_file, tmp_path, monkeypatch):
    """The network, its file at an address, and an empty cache."""
    network, path = network_and_file
    monkeypatch.setattr(torchvision_people, "URL", path.as_uri())
    monkeypatch.setattr(torchvision_people, "get_dir", lambda: str(tmp_path / "hub"))
    return network


def test_weights_are_fetched_on_consent_and_checked(served, tmp_path, capsys):
    with pytest.raises(ZooError, match="--download fetches them"):
        TorchvisionDetector(0.5)
    assert not (tmp_path / "hub").exists()
    detector = TorchvisionDetector(0.0, download=True)
    picture = data.astronaut()[::2, ::2]
    (found,) = detector([(Path("a.png"), np.ascontiguousarray(picture))])
    with torch.inference_mode():
        (theirs,) = served([torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255])
    boxes = theirs["boxes"][theirs["labels"] == 1]
    assert len(found) == len(boxes)
    for person, (x, y, right, bottom) in zip(found, boxes.tolist(), strict=True):
        assert person.box == pytest.approx((x, y, right - x, bottom - y), abs=1e-3)
    (cached,) = (tmp_path / "hub" / "checkpoints").iterdir()
    cached.write_bytes(cached.read_bytes()[:-1] + b"x")
    with pytest.raises(ZooError, match="is damaged: its SHA-256"):
        TorchvisionDetector(0.5)


def test_only_certain_people_are_kept(served):
    detector = TorchvisionDetector(0.5, download=True)
    detector._network = lambda images: [
        {
            "labels": torch.tensor([1, 3, 1, 1]),
            "scores": torch.tensor([0.9, 0.8, 0.6, 0.4]),
            "boxes": torch.tensor([[1.0, 2, 11, 22], [0, 0, 5, 5], [3, 3, 3, 9], [0, 0, 9, 9]]),
        }
    ]
    ((person,),) = detector([(Path("a.png"), np.zeros((30, 30, 3), np.uint8))])
    assert person.box == (1, 2, 10, 20)
    assert person.score == pytest.approx(0.9)


def test_the_command_asks_before_it_fetches(served, listed, tmp_path, capsys):
    from PIL import Image

    Image.fromarray(data.astronaut()[::4, ::4]).save(tmp_path / "a.png")
    assert main(["predict", str(tmp_path / "a.png"), "--detector", "torchvision", "--out", str(tmp_path / "out")]) == 2
    assert "--download fetches them" in capsys.readouterr().err
