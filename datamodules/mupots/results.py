"""The result files that the authors' MATLAB evaluation and 3DMPPE's exchange.

`preds_2d_kpt_mupots.mat` and `preds_3d_kpt_mupots.mat` (version 5) have one array per image, called `TS1_img_000000`
and so on: (people, 17, 2) pixels and (people, 17, 3) millimetres in the camera frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat, savemat

from body.atomic import atomic_file
from body.skeleton import MPI_INF_3DHP17
from datamodules.mupots.datamodule import MupotsDataModule
from metrics import People, TopDownMuPoTS, get_protocol

PIXELS, JOINTS = "preds_2d_kpt_mupots.mat", "preds_3d_kpt_mupots.mat"


def write_results(folder: Path, people: Mapping[str, People]) -> None:
    """Write both files, each atomically.

    Args:
        folder: is made.
        people: image -> its people in the order of `mpi_inf_3dhp17`, metres and pixels. An image in which nobody was
            found must be there too: the MATLAB script asks for every annotated one.
    """
    pixels = {key: found.pixels.double().cpu().numpy() for key, found in people.items()}
    joints = {key: 1000 * found.joints.double().cpu().numpy() for key, found in people.items()}
    for name, content in ((PIXELS, pixels), (JOINTS, joints)):
        with atomic_file(folder / name) as partial, partial.open("wb") as stream:
            savemat(stream, content)


def read_results(folder: Path) -> dict[str, People]:
    """Read both files: image -> its people, metres and pixels.

    Raises:
        FileNotFoundError: one of them is not there.
        ValueError: one of them is damaged, or they do not fit together.
    """
    pixels, joints = (_read(folder / name, width) for name, width in ((PIXELS, 2), (JOINTS, 3)))
    uneven = [key for key in pixels.keys() | joints.keys() if len(pixels.get(key, ())) != len(joints.get(key, ()))]
    if uneven:
        raise ValueError(f"{folder}: {PIXELS} and {JOINTS} have other people in {min(uneven)}")
    return {key: People(torch.from_numpy(joints[key] / 1000), torch.from_numpy(pixels[key])) for key in joints}


def score_results(datamodule: MupotsDataModule, folder: Path) -> dict[str, float]:
    """What the people of result files score under the datamodule's protocol.

    Raises:
        ValueError: the files name an image that the benchmark does not have.
    """
    found, names = read_results(folder), {key: number for number, key in datamodule.image_keys().items()}
    unknown = sorted(found.keys() - names.keys())
    if unknown:
        raise ValueError(f"{folder}: there is no image {unknown[0]} in MuPoTS-3D ({len(unknown)} such images)")
    metric = TopDownMuPoTS(get_protocol(datamodule.protocol))
    metric.annotations = datamodule.truth()
    start = 0
    for key, people in found.items():
        count = len(people.joints)
        images = torch.full((count,), names[key])
        metric.update(people.joints, people.pixels, MPI_INF_3DHP17, images, torch.arange(start, start + count))
        start += count
    report: dict[str, float] = metric.compute()
    return report


def _read(path: Path, width: int) -> dict[str, np.ndarray]:
    try:
        content = loadmat(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # scipy's reader raises whatever it stumbles over
        raise ValueError(f"{path} is no whole MATLAB file ({error}); write it again") from None
    arrays = {key: np.asarray(value, np.float64) for key, value in content.items() if not key.startswith("__")}
    shape = (len(MPI_INF_3DHP17), width)
    wrong = [key for key, value in arrays.items() if value.ndim != 3 or value.shape[1:] != shape]
    if wrong:
        raise ValueError(f"{path}: {wrong[0]} has shape {arrays[wrong[0]].shape}, not (people, {shape[0]}, {width})")
    return arrays
