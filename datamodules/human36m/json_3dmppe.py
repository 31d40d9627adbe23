"""Human3.6M in the JSON files of 3DMPPE and I2L-MeshNet.

Per subject `annotations/Human36M_subject9_data.json` (COCO-style: images with subject, action_idx, subaction_idx,
cam_idx and frame_idx, annotations with a tight box), `..._camera.json` (camera number -> R, t, f, c),
`..._joint_3d.json` (action -> trial -> frame -> 17 x 3) and, with SMPLify-X fits, `..._smpl_param.json` (the same
nesting -> pose, shape, trans). Images are under `images`.

Convention:
    camera = R @ world + t, millimetres; t is a translation (-R @ position) in the files as distributed, though the
    repository's own converter writes the position. Joints are in the world; fits too, their `trans` in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from body.skeleton import H36M18
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import require
from datamodules.human36m.names import ACTIONS, CAMERAS, Selection
from datamodules.human36m.table import every, with_thorax
from datamodules.readers.coco_json import CocoFile, read_coco, read_json
from datamodules.readers.world import smpl_to_camera, to_camera

Roots = Callable[[Float[np.ndarray, "rows 10"]], Float[np.ndarray, "rows 3"]]
"""Rest position of the body's root joint by shape."""
_KEYS = ("subject", "action_idx", "subaction_idx", "cam_idx", "frame_idx")


def read_3dmppe(root: Path, selection: Selection, roots: Roots, how_to_get: str) -> Annotations:
    """Every annotated frame of a selection.

    Args:
        root: folder with `annotations` and `images`.
        selection: which frames.
        roots: of the body that the SMPL parameters are for.
        how_to_get: where the data are, for errors.

    Raises:
        FileNotFoundError: a subject's file is not there.
        ValueError: a file is damaged, or two files do not belong together.
    """
    tables = [_subject(root, subject, selection, roots, how_to_get) for subject in selection.subjects]
    fitted = any(table.pose is not None for table in tables)
    table = Annotations.join([_with_fit_columns(table) if fitted else table for table in tables])
    if selection.fitted:
        if table.smpl_valid is None:
            raise ValueError(f"{root}: no Human36M_subject*_smpl_param.json, which this protocol compares with")
        table = table.take(table.smpl_valid)
    return table


def _subject(root: Path, subject: int, selection: Selection, roots: Roots, how_to_get: str) -> Annotations:
    def path(kind: str) -> Path:
        return root / f"annotations/Human36M_subject{subject}_{kind}.json"

    for kind in ("data", "camera", "joint_3d"):
        require(root, [f"annotations/{path(kind).name}"], how_to_get)
    coco, keys = _selected(read_coco(path("data")), selection)
    images = coco.images.take(coco.image_rows)
    actions, trials, cameras, frames = (keys[:, k] for k in range(1, 5))
    rotation, translation, intrinsics = _cameras(path("camera"), cameras)
    blocks = read_json(path("joint_3d"))
    world, found = _lookup(blocks, keys, path("joint_3d"), lambda values: np.array(values, np.float64) / 1000, (17, 3))
    if not found.all():
        raise ValueError(f"{path('joint_3d')} lacks frames that {path('data').name} lists; are they of one release?")
    rows = len(keys)
    table = Annotations(
        skeleton=H36M18,
        images=StringColumn.of([f"images/{name}" for name in images.paths("file_name")]),
        intrinsics=intrinsics.astype(np.float32),
        boxes=coco.annotations.numbers("bbox", 4, dtype=np.float32),
        joints=with_thorax(to_camera(world, rotation, translation)).astype(np.float32),
        joints_valid=np.ones((rows, len(H36M18)), bool),
        image_ids=images.numbers("id", dtype=np.int64),
        annotation_ids=coco.annotations.numbers("id", dtype=np.int64),
        frames=frames.astype(np.int32),
        subjects=CategoricalColumn.constant(f"S{subject}", rows),
        actions=CategoricalColumn.of([ACTIONS[int(action)] for action in actions]),
        sequences=CategoricalColumn.of([f"{ACTIONS[int(a)]} {t}" for a, t in zip(actions, trials, strict=True)]),
        cameras=CategoricalColumn.of([CAMERAS[int(camera) - 1] for camera in cameras]),
    )
    return _with_fits(table, path("smpl_param"), keys, (rotation, translation), roots)


def _selected(coco: CocoFile, selection: Selection) -> tuple[CocoFile, Int[np.ndarray, "rows 5"]]:
    """The annotations of a selection, and their subject, action, trial, camera and frame."""
    columns = [coco.images.numbers(key, dtype=np.int64) for key in _KEYS]
    keys = np.stack(columns, 1)[coco.image_rows]
    known = np.isin(keys[:, 1], list(ACTIONS)) & np.isin(keys[:, 3], range(1, len(CAMERAS) + 1))
    if not known.all():
        raise ValueError(f"{coco.images.where}: action or camera {keys[~known][0]} is not one of Human3.6M's")
    groups, group = np.unique(keys[:, :4], axis=0, return_inverse=True)
    takes = [selection.takes(int(s), ACTIONS[int(a)], int(t), CAMERAS[int(c) - 1]) for s, a, t, c in groups]
    kept = np.array(takes, bool)[group.reshape(-1)] & every(keys[:, 4], selection.step)
    return coco.take(np.flatnonzero(kept)), keys[kept]


def _cameras(
    path: Path, cameras: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, "rows 3 3"], Float[np.ndarray, "rows 3"], Float[np.ndarray, "rows 4"]]:
    """Rotation, translation (metres) and intrinsics of every row's camera."""
    content, numbers = read_json(path), range(1, len(CAMERAS) + 1)
    try:
        each = [content[str(number)] for number in numbers]
        rotation = np.array([np.reshape(camera["R"], (3, 3)) for camera in each], np.float64)
        translation = np.array([np.reshape(camera["t"], 3) for camera in each], np.float64) / 1000
        inner = np.array([[*np.reshape(camera["f"], 2), *np.reshape(camera["c"], 2)] for camera in each], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: needs R, t, f and c of the cameras 1 to 4 ({error!r})") from None
    return rotation[cameras - 1], translation[cameras - 1], inner[cameras - 1]


def _lookup(
    blocks: Any,
    keys: Int[np.ndarray, "rows 5"],
    path: Path,
    convert: Callable[[list[Any]], np.ndarray],
    shape: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Values of a file that nests action -> trial -> frame.

    Args:
        blocks: the file's content.
        keys: see `_selected`.
        path: of the file, for errors.
        convert: the values of many frames as one array.
        shape: of each value.

    Returns:
        Values (rows, *shape), zeros where the file has none, and which rows it has.
    """
    values, found = np.zeros((len(keys), *shape)), np.zeros(len(keys), bool)
    for action, trial in np.unique(keys[:, 1:3], axis=0):
        rows = np.flatnonzero((keys[:, 1] == action) & (keys[:, 2] == trial))
        try:
            block: Mapping[str, Any] = blocks.get(str(action), {}).get(str(trial), {})
            there = [(row, block[frame]) for row in rows if block.get(frame := str(keys[row, 4])) is not None]
            if there:
                at = [row for row, _ in there]
                values[at] = convert([value for _, value in there]).reshape(len(at), *shape)
                found[at] = True
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, action {action}, trial {trial}: {error!r}; download the file again") from None
    return values, found


def _with_fits(
    table: Annotations,
    path: Path,
    keys: Int[np.ndarray, "rows 5"],
    camera: tuple[Float[np.ndarray, "rows 3 3"], Float[np.ndarray, "rows 3"]],
    roots: Roots,
) -> Annotations:
    """Add the SMPL parameters, which exist for every fifth frame and not even for all of those."""
    if not path.is_file():
        return table
    values, valid = _lookup(read_json(path), keys, path, _parameters, (85,))
    pose, betas = values[:, :72].reshape(-1, 24, 3), values[:, 72:82]
    pose[:, 0], transl = smpl_to_camera(pose[:, 0], values[:, 82:], roots(betas), *camera)
    return replace(
        table,
        pose=(pose * valid[:, None, None]).astype(np.float32),
        betas=betas.astype(np.float32),
        transl=(transl * valid[:, None]).astype(np.float32),
        smpl_valid=valid,
    )


def _parameters(fits: list[Any]) -> Float[np.ndarray, "rows 85"]:
    return np.array([[*np.ravel(f["pose"]), *np.ravel(f["shape"]), *np.ravel(f["trans"])] for f in fits], np.float64)


def _with_fit_columns(table: Annotations) -> Annotations:
    """The table with SMPL columns, all invalid if it has none."""
    if table.pose is not None:
        return table
    rows = len(table)
    return replace(
        table,
        pose=np.zeros((rows, 24, 3), np.float32),
        betas=np.zeros((rows, 10), np.float32),
        transl=np.zeros((rows, 3), np.float32),
        smpl_valid=np.zeros(rows, bool),
    )
