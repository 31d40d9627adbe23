"""SURREAL: clips with videos, info files of MATLAB and part maps, mirrored as the real ones are."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from body.maps import label_map
from body.parts import face_parts, swap_table
from body.skeleton import SMPL24
from fake import smpl_json
from fake.assets import write_video
from fake.people import Camera, Person, body_called, make_image, make_people
from fake.smpl_truth import smpl_joints

CAMERA = Camera((320, 240), np.array([[600.0, 0, 160], [0, 600, 120], [0, 0, 1]]), np.eye(3), np.zeros(3))
# clip below data/cmu -> frames, gender of the file (0 female)
CLIPS = {
    "train/run0/01_01/01_01_c0001": (7, 0),
    "train/run1/ung_02_03/ung_02_03_c0002": (2, 1),
    "val/run0/03_01/03_01_c0008": (5, 1),
    "val/run1/ung_122_34/ung_122_34_c0004": (4, 0),
    "val/run2/06_03/06_03_c0002": (1, 0),
    "test/run0/03_01/03_01_c0008": (3, 1),
}
_REFLECTION = np.array([[0.0, 0, -1], [0, 1, 0], [-1, 0, 0]])
_MIRROR = list(SMPL24.mirror)


@dataclass(frozen=True)
class Truth:
    """A person in a frame of a clip."""

    person: Person
    clip: str
    frame: int
    gender: int


def shade(frame):
    """Brightness of a frame's background, which tells which frame it is."""
    return 50 + 25 * frame


def write(root, body="smpl", change=None, kinds=("train", "val", "test")):
    """Write clips, `bodynet_val_set` and `bodynet_val_idx`, `train.json` and `val.json`.

    Args:
        root: the benchmark's folder.
        body: `smpl` for bodies of the clips' genders (`fake.assets.write_smpl` first), `open` for the open one.
        change: called with the content of every info file before it is written, to get something wrong.
        kinds: which folders to write.

    Returns:
        Truth of every frame of a clip, by clip.
    """
    truth = {}
    for number, (clip, (count, gender)) in enumerate(CLIPS.items()):
        if clip.partition("/")[0] not in kinds:
            continue
        name = body if body == "open" else ("smpl_female", "smpl_male")[gender]
        people = [make_people(1, CAMERA, seed=20 * number + frame, body=name)[0] for frame in range(count)]
        people = [replace(person, betas=people[0].betas) for person in people]
        path = root / "data/cmu" / clip
        write_video(path.with_name(path.name + ".mp4"), [make_image([p], shade(f)) for f, p in enumerate(people)])
        info = _info(people, gender, number, clip)
        savemat(path.with_name(path.name + "_info.mat"), info if change is None else change(info) or info)
        savemat(path.with_name(path.name + "_segm.mat"), {f"segm_{f + 1}": _parts(p) for f, p in enumerate(people)})
        truth[clip] = [Truth(person, clip, frame, (2, 1)[gender]) for frame, person in enumerate(people)]
    clips = [clip for clip in CLIPS if clip.startswith("val")][::-1]
    lines = [f"/home/somebody/datasets/SURREAL/data/cmu/{clip}.mp4\t\n" for clip in clips]
    (root / "bodynet_val_set").write_text("".join(lines))
    (root / "bodynet_val_idx").write_text("002,003\n")
    return truth


def true_parts(person):
    """(240, 320) parts of the person as seen, SMPL's joint + 1."""
    body = body_called(person.body)
    labels = face_parts(body.lbs_weights.numpy(), body.faces, 24)
    return label_map(person.vertices, body.faces, labels, CAMERA.intrinsics, CAMERA.size)


def _parts(person):
    return swap_table(24)[true_parts(person)]


def _info(people, gender, number, clip):
    """The labels of a clip: those of the mirrored body in SURREAL's world."""
    rng = np.random.default_rng(number)
    place, count = np.array([6.0, 0, 0]) + rng.uniform(-1, 1, 3), len(people)
    zrot = np.full(count, rng.uniform(-3, 3))
    upright = Rotation.from_euler("x", np.pi / 2) * Rotation.from_euler("z", zrot[0])
    joints, poses = [], []
    for person in people:
        pose = person.pose[_MIRROR] * (1, -1, -1)
        orientation = _REFLECTION.T @ cv2.Rodrigues(person.pose[0])[0] @ np.diag([-1.0, 1, 1])
        pose[0] = (upright.inv() * Rotation.from_matrix(orientation)).as_rotvec()
        poses.append(pose.reshape(-1))
        joints.append(smpl_joints(person)[_MIRROR] @ _REFLECTION + place)
    pixels = [person.camera.project(smpl_joints(person)[_MIRROR]) for person in people]
    names = np.array([["a.jpg"] * count], object)
    return {
        "joints3D": np.stack(joints, -1).transpose(1, 0, 2).astype(np.float32).squeeze(),
        "joints2D": np.round(np.stack(pixels, -1)).transpose(1, 0, 2).astype(np.float32).squeeze(),
        "pose": np.stack(poses, -1).astype(np.float32),
        "shape": np.stack([person.betas for person in people], -1).astype(np.float32),
        "gender": np.full((count, 1), gender, np.uint8),
        "zrot": zrot.astype(np.float32)[:, None],
        "camLoc": place.astype(np.float32)[:, None],
        "camDist": np.float32(np.linalg.norm(place)),
        "bg": names,
        "cloth": names,
        "light": rng.random((9, count)).astype(np.float32),
        "clipNo": float(number),
        "sequence": clip.rpartition("/")[2],
        "source": "cmu",
        "stride": np.uint8(50),
    }


def to_3dmppe(root, truth, part, frames):
    """Write `<part>.json` as I2L-MeshNet's converter does, and the frames that it names.

    Args:
        root: the benchmark's folder.
        truth: as `write` returns it.
        part: `train` or `val`.
        frames: (clip, frame) of every row.
    """
    images, people = [], []
    for number, (clip, frame) in enumerate(frames):
        row = truth[clip][frame]
        name = f"{clip.partition('/')[2]}_{frame:03d}.jpg"
        path = root / part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), make_image([row.person], shade(frame))[..., ::-1])
        images.append(smpl_json.image(number, row.person, file_name=name))
        people.append(smpl_json.annotation(number, number, row.person, "male" if row.gender == 1 else "female"))
    smpl_json.write(root / f"{part}.json", images, people)
