"""Boxes of people by torchvision's Faster R-CNN, whose weights are fetched only when the user says so."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch.hub import download_url_to_file, get_dir

from zoo.checkpoints.convert import read_official
from zoo.errors import ZooError, one_line
from zoo.prediction.detect.finders import Pictures
from zoo.prediction.detect.people import FoundPerson

URL = "https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"
"""Trained on COCO. Its name ends with the first digits of its SHA-256, as all of torchvision's do."""
_PERSON = 1
"""Number of the class in COCO."""


class TorchvisionDetector:
    """Faster R-CNN with MobileNetV3-Large, 320 pixels; finds small people, and people in crowds, better.

    Args:
        min_score: what is less certain is left out.
        device: where it runs.
        download: fetch the weights if they are not in torch's cache.

    Raises:
        ZooError: the weights are not there, are damaged, or cannot be fetched.
    """

    def __init__(self, min_score: float, device: str = "cpu", download: bool = False) -> None:
        self.min_score, self.device = min_score, device
        self._network = _load(find_weights(download), device)

    def __call__(self, images: Pictures) -> list[list[FoundPerson] | None]:
        """The people of every image, the most certain first."""
        tensors = [torch.from_numpy(pixels).permute(2, 0, 1).to(self.device).float() / 255 for _, pixels in images]
        with torch.inference_mode():
            return [self._people(found) for found in self._network(tensors)]

    def _people(self, found: dict[str, torch.Tensor]) -> list[FoundPerson]:
        people = []
        for label, score, (x, y, right, bottom) in zip(
            found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist(), strict=True
        ):
            if label == _PERSON and score >= self.min_score and right > x and bottom > y:
                people.append(FoundPerson((x, y, right - x, bottom - y), score))
        return people


def find_weights(download: bool) -> Path:
    """The file in torch's cache, its SHA-256 checked.

    Raises:
        ZooError: see `TorchvisionDetector`.
    """
    name = PurePosixPath(URL).name
    path, digits = Path(get_dir()) / "checkpoints" / name, name.rpartition("-")[2].removesuffix(".pth")
    if not path.is_file():
        if not download:
            raise ZooError(
                f"torchvision's detector has weights of 78 MB, trained on COCO, that are not in {path.parent}; "
                f"--download fetches them, or put {URL} there"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            download_url_to_file(URL, str(path), hash_prefix=digits, progress=False)
        except (OSError, RuntimeError) as error:
            raise ZooError(f"{URL} could not be fetched ({one_line(error, 200)})") from None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(digits):
        raise ZooError(f"{path} is damaged: its SHA-256 begins with {digest[:8]}, not {digits}; remove it")
    return path


@cache
def _load(path: Path, device: str) -> Any:
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn  # type: ignore[import-untyped]

    network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    try:
        network.load_state_dict(read_official(path))
    except RuntimeError as error:
        raise ZooError(f"{path} is no such detector ({one_line(error, 200)})") from None
    return network.eval().to(device)
