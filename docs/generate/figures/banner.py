"""The picture of the start page and of the README: photographs and test images of open-v2 with the bodies found."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import UInt8
from skimage import data  # type: ignore[import-untyped]

import zoo
from body.draw import scene_overlay
from zoo.prediction.inputs import Boxes

METHOD = "hemlets"
SAMPLES = (551, 14, 511)
"""Test images on which these weights do well, of whole people; how good they are on all 600 is in the leaderboard."""
_SIDE, _GAP, _QUALITY, _COLOUR = 240, 6, 88, (170, 190, 225)


def draw_banner() -> bytes:
    """JPEG: images above, predictions below."""
    model, columns = zoo.load(METHOD), []
    for pixels, boxes in _images():
        people = zoo.predict(model, pixels, boxes)
        assert people.vertices is not None
        meshes = [(vertices.numpy(), np.asarray(people.faces)) for vertices in people.vertices]
        drawn = scene_overlay(pixels, meshes, people.source.intrinsics, [_COLOUR] * len(meshes))
        columns.append(np.concatenate([_tile(pixels), _tile(drawn)]))
    done, jpeg = cv2.imencode(".jpg", np.concatenate(columns, axis=1)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(jpeg)


def _images() -> Iterator[tuple[UInt8[np.ndarray, "height width 3"], Boxes]]:
    """Two photographs without rights (Eileen Collins, NASA; a photographer, CC0), and the test images."""
    from datamodules.open_v2.datamodule import OpenV2DataModule
    from zoo.prediction.detect.people import find_people

    portrait, photographer = data.astronaut(), data.camera()  # type: ignore[no-untyped-call]
    for photo in (portrait, cv2.cvtColor(photographer, cv2.COLOR_GRAY2RGB)):
        yield photo, [one.box for one in find_people([photo])[0]]
    split = OpenV2DataModule().source("test")
    for sample in (split[number] for number in SAMPLES):
        yield sample.image, sample.box[None]


def _tile(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "side side2 3"]:
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.pad(small, ((_GAP, 0), (_GAP, 0), (0, 0)), constant_values=255)
