"""One image on its way through the bundled weights of a method: what the paper's idea looks like on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

import zoo
from datamodules.batch import Batch
from zoo.checkpoints.card_picture import make_example

_SIDE, _BAR = 288, 40
_QUALITY = 88

Panel = tuple[str, UInt8[np.ndarray, "height width 3"]]
Intermediates = Callable[[Any, Batch, np.ndarray], Sequence[Panel]]


def draw_example(method: str) -> bytes:
    """JPEG: the image, what `EXAMPLES` names, and the result."""
    model = zoo.load(method)
    example = make_example(model)
    with torch.inference_mode():
        between = EXAMPLES[method](model.network, example.batch, example.crop)
    panels = [("image", example.crop), *between, ("result", example.overlay)]
    return _jpeg(np.concatenate([_titled(title, picture) for title, picture in panels], 1))


def _lixels(network: Any, batch: Batch, _: np.ndarray) -> list[Panel]:
    """Heat maps along x and y: of the joints where there is a PoseNet, else of every 300th vertex."""
    pose = network.pose(batch["image"])
    head, features = network.pose_head, None
    if head is not None:
        features = network.pose_body(pose.shared)[-1]
        step = 1
    else:
        head, features, step = network.mesh_head, network.mesh_features(pose), 300
    along_x, along_y, _ = head.heatmaps(head.deconv(features), features)
    x, y = (torch.softmax(axis[0, ::step].float(), -1).numpy() for axis in (along_x, along_y))
    return [("lixels along x (down: points)", _heat(x)), ("lixels along y (across: points)", _heat(y.T))]


def _triplets(network: Any, batch: Batch, crop: np.ndarray) -> list[Panel]:
    """The largest of all parts' maps, by what they say of the child joint."""
    maps = network(batch["image"]).maps[0].float().clamp(0, 1).numpy()
    parts = (len(maps) - network.count) // 3
    triplets = maps[: 3 * parts].reshape(parts, 3, *maps.shape[1:]).max(0)
    names = ("farther than its parent", "as far as its parent", "nearer than its parent")
    return [(f"joints {name}", _over(crop, one)) for name, one in zip(names, triplets, strict=True)]


def _parts(network: Any, batch: Batch, crop: np.ndarray) -> list[Panel]:
    labels = network.segment(batch["image"])[0].argmax(0).numpy()
    colours = network.colour(network.segment(batch["image"]), batch["image"].shape[-1])
    shown = (colours[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    return [("parts", _label_picture(labels, crop)), ("what the encoder is given", shown)]


def _iuv(network: Any, batch: Batch, crop: np.ndarray) -> list[Panel]:
    maps = network.estimator(batch["image"]).iuv
    labels = maps.labels()[0]
    seen = (labels > 0).float()
    u, v = (plane[0].gather(0, labels[None])[0].clamp(0, 1) * seen for plane in (maps.u, maps.v))
    return [("Index", _label_picture(labels.numpy(), crop)), ("U", _heat(u.numpy())), ("V", _heat(v.numpy()))]


def _cascade(network: Any, batch: Batch, crop: np.ndarray) -> list[Panel]:
    found = network.cascade(batch["image"])
    bones, joints = (maps[0].float().clamp(0, 1).amax(0).numpy() for maps in (found.bone_maps, found.joint_maps))
    depth = found.cube[0].float().argmax(0).numpy() / max(found.cube.shape[1] - 1, 1)
    return [("bones (1D)", _over(crop, bones)), ("joints (2D)", _over(crop, joints)), ("depth (2.5D)", _heat(depth))]


EXAMPLES: Mapping[str, Intermediates] = {
    "i2l_meshnet": _lixels,
    "hemlets": _triplets,
    "nbf": _parts,
    "danet": _iuv,
    "cascaded_lifting": _cascade,
}
"""Method -> what lies between image and result."""


def _heat(values: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "side side 3"]:
    scaled = values / max(float(values.max()), 1e-9) * 255
    square = cv2.resize(scaled.astype(np.uint8), (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(cv2.applyColorMap(square, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)


def _over(crop: np.ndarray, values: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "side side 3"]:
    """A map from 0 to 1 in orange over the darkened crop."""
    picture = cv2.resize(crop, (_SIDE, _SIDE)).astype(np.float32) * 0.5
    strength = cv2.resize(values, (_SIDE, _SIDE))[..., None]
    return np.clip(picture * (1 - strength) + strength * (255, 150, 40), 0, 255).astype(np.uint8)


def _label_picture(labels: np.ndarray, crop: np.ndarray) -> UInt8[np.ndarray, "side side 3"]:
    large = cv2.resize(labels.astype(np.uint8), (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    hues = (large.astype(int) * 71 % 180).astype(np.uint8)
    full = np.full_like(hues, 220)
    colours = cv2.cvtColor(np.stack([hues, full, full], -1), cv2.COLOR_HSV2RGB)
    picture = cv2.resize(crop, (_SIDE, _SIDE))
    return np.where((large > 0)[..., None], colours // 4 * 3 + picture // 4, picture // 2).astype(np.uint8)


def _titled(title: str, picture: np.ndarray) -> UInt8[np.ndarray, "height side 3"]:
    bar = np.full((_BAR, _SIDE, 3), 255, np.uint8)
    cv2.putText(bar, title, (6, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
    cell = np.concatenate([bar, cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)])
    return np.pad(cell, ((0, 6), (3, 3), (0, 0)), constant_values=255)


def _jpeg(picture: UInt8[np.ndarray, "height width 3"]) -> bytes:
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(data)
