"""A body's parameters in the layout of AMASS's sequences, one frame long."""

from __future__ import annotations

import io

import numpy as np

from body.skeleton import SMPL24
from zoo.errors import ZooError
from zoo.prediction.export.person import Person, SourceImage

_BODIES = {
    "open": ("open", "neutral"),
    "smpl": ("smpl", "neutral"),
    "smpl_male": ("smpl", "male"),
    "smpl_female": ("smpl", "female"),
}
"""Name of the body model -> the fields `body` and `gender`."""


def npz_bytes(person: Person, source: SourceImage, model: str, body: str) -> bytes:
    """A numpy archive without pickled objects.

    `poses` (1, 72) axis-angle, the camera-frame orientation first; `betas` (10,); `trans` (1, 3) metres, added to the
    posed vertices; `gender`; `body`, which is `open` or `smpl`: numbers of one mean nothing to the other; `intrinsics`
    (3, 3) and `image_size` (width, height) in pixels; `frame`, `model` and `image` as texts. A method whose mesh is not
    made of its parameters (I2L-MeshNet's from lixels) has another mesh than these pose.

    Args:
        person: with its parameters.
        source: the image.
        model: name of the weights.
        body: name of the body model, see `body.load.load_body`.

    Raises:
        ZooError: the method gives no parameters, or not those of a body with 24 joints.
    """
    pose, betas, transl = person.pose, person.betas, person.transl
    if body not in _BODIES or pose is None or betas is None or transl is None or len(pose) != len(SMPL24):
        raise ZooError(
            f"{model} gives no pose and shape of a body with {len(SMPL24)} joints, which npz holds; leave npz out of "
            "--formats, or take a --model that does, such as nbf or danet"
        )
    kind, gender = _BODIES[body]
    height, width = source.pixels.shape[:2]
    stream = io.BytesIO()
    np.savez(
        stream,
        poses=pose.reshape(1, -1),
        betas=betas,
        trans=transl[None],
        gender=np.array(gender),
        body=np.array(kind),
        intrinsics=source.intrinsics,
        image_size=np.array([width, height]),
        frame=np.array("camera: x right, y down, z forward; metres"),
        model=np.array(model),
        image=np.array(source.name),
    )
    return stream.getvalue()
