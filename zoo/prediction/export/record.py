"""The JSON record of a predicted person."""

from __future__ import annotations

from typing import Any

from zoo.checkpoints.photographs import listed_on_photographs
from zoo.prediction.export.person import Person, SourceImage

SCHEMA = "human-mesh-zoo/person/1"


def person_record(person: Person, source: SourceImage, model: str, number: int) -> dict[str, Any]:
    """Joints in metres and pixels by name, camera, box and model.

    Args:
        person: the person.
        source: the image.
        model: name of the weights.
        number: index of the box.
    """
    height, width = source.pixels.shape[:2]
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "model": model,
        "model_on_photographs": listed_on_photographs(model),
        "image": {"file": source.name, "width": width, "height": height},
        "person": number,
        "box": {"xywh": list(person.box), "unit": "pixels of the image"},
        "camera": {
            "intrinsics": source.intrinsics.tolist(),
            "source": "given" if source.intrinsics_given else "assumed: 60 degrees across the longer side",
        },
        "frame": "camera: x right, y down, z forward; pixel centres at integers",
        "units": {"metres": "metres in the camera frame", "pixels": "pixels of the image"},
        "root_depth_source": person.root_depth_source,
        "skeleton": person.skeleton.name,
        "joints": [
            {"name": name, "parent": parent, "metres": _rounded(metres), "pixels": _rounded(pixels)}
            for name, parent, metres, pixels in zip(
                person.skeleton.joints, person.skeleton.parents, person.joints, person.joints_2d, strict=True
            )
        ],
    }
    if person.pose is not None and person.betas is not None:
        record["smpl"] = {
            "body": person.body,
            "pose_axis_angle": person.pose.tolist(),
            "betas": person.betas.tolist(),
            "transl": None if person.transl is None else person.transl.tolist(),
            "fit_error_mm": person.fit_error_mm,
        }
    return record


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 6) for value in values]
