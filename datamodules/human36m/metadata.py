"""`metadata.xml` of Human3.6M's code release: what sequences are called, and every camera.

Convention:
    camera = rotation @ (world - position), millimetres in the file. `w0` holds six numbers (three angles, position) for
    every camera and each of eleven subjects, cameras outermost, then nine for every camera: two focal lengths, the
    principal point, three radial and two tangential distortions. The rotation is Rx(a) Ry(b) Rz(c).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from datamodules.human36m.names import ACTIONS, CAMERAS, TRIALS

_SUBJECTS = 11


@dataclass(frozen=True)
class Camera:
    """A camera as one subject was recorded: camera = rotation @ world + translation, metres.

    Lens distortion is left out, as the papers do: it moves pixels by up to a few in the middle of the image.
    """

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    intrinsics: Float[np.ndarray, "4"]


@dataclass(frozen=True)
class Metadata:
    """The file's contents.

    Attributes:
        names: what a sequence is called in file names, by (subject, action number, trial).
        parameters: `w0`.
    """

    names: Mapping[tuple[int, int, int], str]
    parameters: Float[np.ndarray, "300"]

    def camera(self, subject: int, camera: str) -> Camera:
        """A camera of `CAMERAS` as a subject was recorded."""
        number = CAMERAS.index(camera)
        start = 6 * (number * _SUBJECTS + subject - 1)
        angles, position = self.parameters[start : start + 3], self.parameters[start + 3 : start + 6] / 1000
        rotation = Rotation.from_euler("XYZ", angles).as_matrix()
        inner = 6 * len(CAMERAS) * _SUBJECTS + 9 * number
        return Camera(rotation, -rotation @ position, self.parameters[inner : inner + 4])


def read_metadata(path: Path) -> Metadata:
    """Read `metadata.xml`.

    Raises:
        ValueError: the file is damaged, or something is missing in it.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
        numbers = (root.findtext("w0") or "").strip().strip("[]").split()
        parameters = np.array([float(number) for number in numbers])
        rows = [[cell.text or "" for cell in row] for row in root.findall("mapping/tr")]
        subjects = [int(cell.strip("S")) for cell in rows[0][2:]]
        names = {
            (subject, int(row[0]), int(row[1])): name
            for row in rows[1:]
            if row[0].isdigit()
            for subject, name in zip(subjects, row[2:], strict=False)
        }
    except (ElementTree.ParseError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is damaged ({error}); unpack the benchmark's code release again") from None
    wanted = {(subject, action, trial) for subject in subjects for action in ACTIONS for trial in TRIALS}
    if parameters.shape != (300,) or wanted - names.keys():
        raise ValueError(f"{path} lacks camera parameters or names of sequences; is it Human3.6M's metadata.xml?")
    return Metadata(names, parameters)
