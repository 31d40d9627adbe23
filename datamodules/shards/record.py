"""A raw sample as two files of a tar: the image as JPEG, everything else as `.npz`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from body.skeleton import get_skeleton
from datamodules.images import decode_image
from datamodules.sample import RawSample, Smpl

_SMPL = ("pose", "betas", "transl")


def encode_sample(sample: RawSample, quality: int = 95) -> dict[str, bytes]:
    """The files' contents by their endings; what is None is left out."""
    labels = {one.name: getattr(sample, one.name) for one in fields(sample) if one.name not in ("image", "smpl")}
    labels["skeleton"] = sample.skeleton.name
    if sample.smpl is not None:
        labels |= {f"smpl_{name}": getattr(sample.smpl, name) for name in _SMPL}
    stream = io.BytesIO()
    arrays = {name: np.asarray(value) for name, value in labels.items() if value is not None}
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    bgr = np.ascontiguousarray(sample.image[..., ::-1])
    jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return {"jpg": jpeg.tobytes(), "npz": stream.getvalue()}


def decode_sample(record: Mapping[str, Any]) -> RawSample:
    """A sample from the files' contents.

    Raises:
        ValueError: a file is missing or damaged.
    """
    try:
        with np.load(io.BytesIO(record["npz"]), allow_pickle=False) as archive:
            values: dict[str, Any] = {name: _plain(archive[name]) for name in archive.files}
        image = decode_image(np.frombuffer(record["jpg"], np.uint8))
        skeleton = get_skeleton(values.pop("skeleton"))
        parameters = {name: values.pop(f"smpl_{name}", None) for name in _SMPL}
        smpl = None if parameters["pose"] is None else Smpl(**parameters)
    except (KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(f"it is no sample ({' '.join(str(error).split())[:80]})") from None
    if image is None:
        raise ValueError("its image cannot be decoded")
    return RawSample(image=image, skeleton=skeleton, smpl=smpl, **values)


def _plain(array: np.ndarray) -> Any:
    return array.item() if array.ndim == 0 else array
