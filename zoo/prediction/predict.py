"""`zoo.predict`: pose and mesh of the people in images."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, overload

import numpy as np
import torch

from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from lightning_modules.rootnet.module import RootNetModule
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.load import load
from zoo.checkpoints.store import find_converted
from zoo.errors import ZooError, one_line
from zoo.prediction.crops import make_crop_batch
from zoo.prediction.detect.people import find_people
from zoo.prediction.eval_mode import evaluating
from zoo.prediction.export.person import SourceImage
from zoo.prediction.images import ImageSource, read_image
from zoo.prediction.inputs import Boxes, check_boxes, resolve_intrinsics
from zoo.prediction.placement import place
from zoo.prediction.result import ImagePrediction

Images: TypeAlias = Sequence[ImageSource] | Iterator[ImageSource]
_AT_ONCE = 8
"""People that go through a network together on a CPU: the maps of more leave its caches, and take longer a person."""


@overload
def predict(
    model: PoseModule | str,
    image: ImageSource,
    boxes: Boxes | Literal["found"] | None = None,
    intrinsics: np.ndarray | None = None,
    root_net: RootNetModule | None = None,
) -> ImagePrediction: ...


@overload
def predict(
    model: PoseModule | str,
    image: Images,
    boxes: Literal["found"] | None = None,
    intrinsics: np.ndarray | None = None,
    root_net: RootNetModule | None = None,
) -> list[ImagePrediction] | Iterator[ImagePrediction]: ...


def predict(
    model: PoseModule | str,
    image: ImageSource | Images,
    boxes: Boxes | Literal["found"] | None = None,
    intrinsics: np.ndarray | None = None,
    root_net: RootNetModule | None = None,
) -> ImagePrediction | list[ImagePrediction] | Iterator[ImagePrediction]:
    """3D joints and mesh of the people in an image, one row per box.

    A box is extended to a square with the margin of the model's training (`crop_margin`); pixels outside of the image
    are black. Without a box the whole image is used, without a margin. Absolute depth comes from RootNet if its weights
    have been converted (`zoo convert rootnet FILE`) and the skeleton has a pelvis, and from the size of the box
    otherwise; `Prediction.root_depth_source` says which. Bodies that their method ties to its joints by the root alone
    are moved to where all of their joints appear (`placement.place_on_joints`).

    Args:
        model: from `zoo.load`, or a name for it, which is loaded at every call.
        image: path, Pillow image, array or tensor, see `zoo.prediction.images.read_image`; or a list of them, which
            gives a list, or an iterator or generator, which is read one by one and gives an iterator.
        boxes: (x, y, width, height) around each person in pixels of the upright image, clipped to it; or `found`: the
            bundled detector says where people are, and where there are none the prediction has no rows.
        intrinsics: (3, 3) camera matrix in pixels; 60 degrees across the longer side when omitted.
        root_net: estimates the absolute depth; the converted official one, if there is one, when omitted.

    Raises:
        ZooError: the image cannot be read, a box is empty or outside of it, the intrinsics are not a camera matrix, the
            model was cast to another type, needs labels as its input, or gives NaN; or an argument is none of these.
    """
    network = _as_model(model)
    if not isinstance(image, Sequence | Iterator) or isinstance(image, str | bytes | io.IOBase):
        return _predict_image(network, image, boxes, intrinsics, root_net)
    if boxes is not None and not isinstance(boxes, str):
        raise ZooError("boxes belong to one image; for several give boxes='found', or call zoo.predict for each")
    results = (_predict_image(network, one, boxes, intrinsics, root_net) for one in image)
    return list(results) if isinstance(image, Sequence) else results


def body_name(model: PoseModule) -> str:
    """Name of the body model that a method's parameters are of, as `body.load.load_body` takes it, or `none`."""
    return str(model.hparams.get("body", "none"))


def fitted_body_name(model: PoseModule) -> str:
    """The body whose parameters are fitted to a method's outputs: its own, or the open one."""
    name = body_name(model)
    return "open" if name == "none" else name


def _as_model(model: PoseModule | str) -> PoseModule:
    loaded = load(model) if isinstance(model, str) else model
    if not isinstance(loaded, PoseModule):
        raise ZooError(f"a model comes from zoo.load, or is the name of one (zoo list), not {type(loaded).__name__}")
    return loaded


def _predict_image(
    model: PoseModule,
    image: ImageSource,
    boxes: Boxes | str | None,
    intrinsics: np.ndarray | None,
    root_net: RootNetModule | None,
) -> ImagePrediction:
    pixels = read_image(image)
    scores: list[float] | None = None
    if isinstance(boxes, str):
        if boxes != "found":
            raise ZooError(f"boxes are 'found', or a list of (x, y, width, height), not {boxes!r}")
        found = find_people([pixels])[0]
        boxes, scores = [person.box for person in found], [person.score for person in found]
        if not boxes:  # a prediction of the right kind, without rows
            return _predict_image(model, pixels, None, intrinsics, root_net)[:0]
    people = check_boxes(boxes, pixels.shape[1], pixels.shape[0])
    camera = resolve_intrinsics(intrinsics, pixels)

    def crops(reader: PoseModule) -> Batch:
        margin = 1.0 if boxes is None else reader.crop_margin
        return make_crop_batch(pixels, people, camera, reader.crop_size, margin)

    prediction = predict_crops(model, crops, root_net)
    device = prediction.joints.device
    return ImagePrediction(
        **{one.name: getattr(prediction, one.name) for one in fields(prediction)},
        source=SourceImage(pixels, camera, _name_of(image), intrinsics_given=intrinsics is not None),
        boxes=torch.tensor(people, device=device),
        scores=torch.tensor(scores or [1.0] * len(people), device=device),
        body=body_name(model),
        weights=model.weights_name or type(model).__name__,
    )


def _name_of(image: ImageSource) -> str:
    path = image if isinstance(image, str | Path) else getattr(image, "filename", "")
    return Path(path).name or "image"


def predict_crops(
    model: PoseModule, crops: Callable[[PoseModule], Batch], root_net: RootNetModule | None = None
) -> Prediction:
    """The prediction for crops, which may be of several images.

    Args:
        model: see `predict`.
        crops: gives those that a model reads, since RootNet's have another size and margin.
        root_net: see `predict`.

    Raises:
        ZooError: see `predict`.
    """
    batch = crops(model)
    root_net = root_net or load_converted_root_net(str(model.device)) if _has_pelvis(model) else None
    with evaluating(model):
        if root_net is None:
            return _predict_batch(model, batch)
        depth = _predict_batch(root_net, crops(root_net)).joints[:, 0, 2].cpu()
        batch["estimated_root_depth"] = depth.clamp(min=0.55 * root_net.extent)  # all of them in front of the camera
        batch["estimated_root_depth_valid"] = torch.ones(len(depth), dtype=torch.bool)
        placed = copy.copy(model)  # its modules are the same ones; the caller's model stays as it is
        placed.root_depth = "rootnet"
        return _predict_batch(placed, batch)


def load_converted_root_net(device: str) -> RootNetModule | None:
    """RootNet with the official weights, or None when they have not been converted.

    Raises:
        ZooError: the converted file is damaged.
    """
    listed = (entry for entry in read_checkpoints().values() if entry.method == "rootnet" and entry.default)
    path = next((find_converted(entry) for entry in listed), None)
    return None if path is None else _load_root_net(path, path.stat().st_mtime_ns, device)


@cache
def _load_root_net(path: Path, changed: int, device: str) -> RootNetModule:  # noqa: ARG001 (a changed file is loaded again)
    return cast("RootNetModule", load(path, device=device))


def _has_pelvis(model: PoseModule) -> bool:
    return model.skeleton.root.startswith("pelvis")


def _predict_batch(model: PoseModule, batch: Batch) -> Prediction:
    """Prediction in eval mode; the mode of the model is restored."""
    people = len(batch["image"])
    if model.device.type == "cpu" and people > _AT_ONCE:
        some = [_rows(batch, slice(first, first + _AT_ONCE)) for first in range(0, people, _AT_ONCE)]
        parts = [_predict_batch(model, rows) for rows in some]
        own = {name: torch.cat([part.intermediates[name] for part in parts]) for name in parts[0].intermediates}
        return replace(Prediction.join(parts), intermediates=own)
    batch = model.transfer_batch_to_device(batch, model.device, 0)
    with evaluating(model), torch.no_grad():  # in inference mode a crop and its mirror image are compiled apart
        try:
            prediction = place(model, model.predict_step(batch, 0), batch)
        except ValueError as error:
            raise ZooError(one_line(error)) from error
    if not prediction.joints.isfinite().all():
        raise ZooError("the prediction is NaN or infinite: the camera, a box or the weights are out of all proportion")
    return prediction


def _rows(batch: Batch, rows: slice) -> Batch:
    return cast("Batch", {name: values[rows] for name, values in cast("dict[str, Any]", batch).items()})
