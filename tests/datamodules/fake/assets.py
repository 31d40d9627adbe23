"""A `$ZOO_ASSETS` with stand-ins of the licensed body models, in the structure of the real files."""

import cv2
import numpy as np
from distributed_files import write_body

from body.open_body import read_open_body

_SHAPES = {"neutral": (0.0, 1.0), "male": (1.5, -1.0), "female": (-1.5, 0.7)}
_TIPS = (745, 317, 445, 556, 673)


def write_smpl(assets, monkeypatch, genders=("neutral",)):
    """`body_models/smpl/SMPL_*.pkl`: the open body's first 6890 vertices, and `J_regressor_h36m.npy`.

    Genders differ in their mean shape and in what every coefficient means, so that taking the wrong one shows; the
    neutral one can express them all. The files are pickles of Python 2 with chumpy arrays.

    Args:
        assets: the folder; `$ZOO_ASSETS` is set to it.
        monkeypatch: of pytest.
        genders: of `neutral`, `male`, `female`.
    """
    folder = assets / "body_models" / "smpl"
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("ZOO_ASSETS", str(assets))
    data, count = read_open_body(), 6890
    faces = data["f"][(data["f"] < count).all(1)].astype(np.uint32)
    shared = {"f": faces, "weights": data["weights"][:count], "J_regressor": _cut(data["J_regressor"], count)}
    for gender in genders:
        directions = data["shapedirs"][:count]
        offset, factor = _SHAPES[gender]
        shape = {"v_template": data["v_template"][:count] + offset * directions[..., :3].sum(-1)}
        shape["shapedirs"] = factor * (directions if gender == "neutral" else directions[..., ::-1])
        path = folder / f"SMPL_{gender.upper()}.pkl"
        write_body(path, monkeypatch, 24, count, precision=np.float32, **shared, **shape)
    h36m = _cut(data["regressors"]["h36m17"], count)
    np.save(folder / "J_regressor_h36m.npy", h36m)
    # SPIN's: right and left hip, neck and head top of LSP, pelvis and thorax of MPII, spine, jaw and head of Human3.6M
    np.save(folder / "J_regressor_extra.npy", h36m[[1, 4, 8, 10, 0, 8, 7, 9, 10]])
    upright = np.tile(np.eye(3)[:, :2].reshape(6), (24, 1))
    upright[0] *= np.array([1, 1, 1, -1, 1, 1])
    mean = {"pose": upright.reshape(1, 144), "shape": np.linspace(-0.2, 0.2, 10)[None], "cam": [[0.9, 0.01, 0.02]]}
    np.savez(folder / "smpl_mean_params.npz", **{name: np.float32(value) for name, value in mean.items()})
    return assets


def write_mano(assets, monkeypatch):
    """`body_models/mano/MANO_RIGHT.pkl`: 778 points around the joints of a flat hand, which points to -x."""
    folder = assets / "body_models" / "mano"
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("ZOO_ASSETS", str(assets))
    rng = np.random.default_rng(5)
    # MANO's order: wrist, then three joints each of index, middle, pinky, ring, thumb
    directions = np.deg2rad([10.0, 0.0, -25.0, -12.0, 45.0])
    rays = np.stack([-np.cos(directions), np.zeros(5), np.sin(directions)], 1)
    along = np.array([0.09, 0.12, 0.145])[:, None]
    joints = np.concatenate([np.zeros((1, 3)), *(along * ray for ray in rays)])
    owner = np.arange(778) % 16
    vertices = joints[owner] + 0.006 * rng.normal(size=(778, 3))
    for tip, ray, joint in zip(_TIPS, rays[[4, 0, 1, 3, 2]], (15, 3, 6, 12, 9), strict=True):
        vertices[tip], owner[tip] = 0.17 * ray, joint
    regressor = np.eye(16)[owner].T / np.bincount(owner)[:, None]
    faces = np.stack([np.arange(778), (np.arange(778) + 16) % 778, (np.arange(778) + 32) % 778], 1).astype(np.uint32)
    made = {"v_template": vertices, "weights": np.eye(16)[owner], "J_regressor": regressor, "f": faces}
    made["shapedirs"] = 1e-3 * rng.normal(size=(778, 3, 10))
    write_body(folder / "MANO_RIGHT.pkl", monkeypatch, 16, 778, hands_mean=np.linspace(-0.3, 0.3, 45), **made)
    return assets


def write_densepose(assets, monkeypatch, faces, vertices):
    """`densepose/UV_Processed.mat` with charts for a body: every face is cut out of the mesh with corners of its own.

    Args:
        assets: the folder; `$ZOO_ASSETS` is set to it.
        monkeypatch: of pytest.
        faces: (F, 3) of the body.
        vertices: (V, 3) of its template; faces are given to the 24 charts by height.

    Returns:
        What was written: part of every face (F,), U and V of every corner (F, 3).
    """
    from scipy.io import savemat

    folder = assets / "densepose"
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("ZOO_ASSETS", str(assets))
    height = vertices[faces].mean(1)[:, 1]
    part = 1 + np.argsort(np.argsort(height)) * 24 // len(faces)
    rng = np.random.default_rng(9)
    u, v = rng.random((2, len(faces), 3))
    charts = {
        "All_Faces": np.arange(1, 3 * len(faces) + 1).reshape(-1, 3).astype(np.uint16),  # 1-based
        "All_FaceIndices": part.astype(np.uint8)[:, None],
        "All_U_norm": u.reshape(-1, 1),
        "All_V_norm": v.reshape(-1, 1),
        "All_vertices": (faces.reshape(1, -1) + 1).astype(np.uint16),  # 1-based
    }
    savemat(folder / "UV_Processed.mat", charts)
    return part, u, v


def _cut(regressor, count):
    kept = regressor[:, :count].astype(np.float64)
    return kept / kept.sum(1, keepdims=True)


def write_video(path, frames, rate=25):
    """Write RGB frames as a video, in a codec that every OpenCV wheel has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = {".avi": "MJPG", ".mp4": "mp4v"}[path.suffix]
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
