"""3DPW: pickles of Python 2 with labels in a world, a camera pose per frame, and images.

The real images are 1920 x 1080; these are small.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from distributed_files import dumped

from body.skeleton import COCO17
from fake import smpl_json
from fake.people import Person, make_camera, make_image, make_people, write_image
from fake.smpl_truth import rest_root, smpl_joints

SIZE = (96, 80)
# sequence -> frames, genders of its actors; (actor, frame) that are not aligned; (actor, frame) without keypoints
SEQUENCES = {
    "train": {"courtyard_backpack_00": (6, "m", {(0, 4)}, set())},
    "validation": {"outdoors_parcours_01": (2, "f", set(), set())},
    "test": {
        "downtown_arguing_00": (3, "mf", {(0, 1)}, {(1, 2)}),
        "office_phoneCall_00": (2, "f", {(0, 0)}, set()),
    },
}
_TO_OPENPOSE = "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip " \
    "right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear"  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """One row that a reader has to find."""

    person: Person
    sequence: str
    actor: int
    frame: int
    gender: int
    keypoints: np.ndarray | None
    """(K, 2) pixels of the 2D keypoints with confidence, None where there are none."""


def write(root, body="smpl", change=None):
    """Write the three splits.

    Args:
        root: the benchmark's folder.
        body: `smpl` for people with a body of their gender (`fake.assets.write_smpl` first), `open` for the open one.
        change: called with the content of every pickle before it is written, to get something wrong.

    Returns:
        Truth by split, in order: sequence, actor, frame.
    """
    return {split: _split(root, split, body, change) for split in SEQUENCES}


def _split(root, split, body, change):
    truth = []
    for number, (sequence, (count, genders, unaligned, unseen)) in enumerate(sorted(SEQUENCES[split].items())):
        first = make_camera(SIZE, seed=number)
        poses = [make_camera(SIZE, seed=100 + 10 * number + frame) for frame in range(count)]
        cameras = [replace(first, rotation=pose.rotation, translation=pose.translation) for pose in poses]
        names = [body if body == "open" else f"smpl_{'male' if gender == 'm' else 'female'}" for gender in genders]
        actors = [
            [make_people(1, camera, seed=7 * actor + frame, body=name)[0] for frame, camera in enumerate(cameras)]
            for actor, name in enumerate(names)
        ]
        # an actor keeps the shape through a sequence
        actors = [[replace(person, betas=people[0].betas) for person in people] for people in actors]
        for frame in range(count):
            write_image(
                root / f"imageFiles/{sequence}/image_{frame:05d}.jpg", make_image([people[frame] for people in actors])
            )
        content, keypoints = _content(sequence, actors, cameras, genders, unaligned, unseen)
        path = root / f"sequenceFiles/{split}/{sequence}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dumped(content if change is None else change(content) or content))
        for actor, gender in enumerate(genders):
            rows = [frame for frame in range(count) if (actor, frame) not in unaligned]
            code = {"m": 1, "f": 2}[gender]
            truth += [Truth(actors[actor][f], sequence, actor, f, code, keypoints[actor][f]) for f in rows]
    return truth


def _content(sequence, actors, cameras, genders, unaligned, unseen):
    content = {
        "sequence": sequence,
        "genders": list(genders),
        "cam_intrinsics": cameras[0].intrinsics,
        "cam_poses": np.stack([_matrix(camera) for camera in cameras]),
        "img_frame_ids": np.arange(len(cameras)) * 2,
        "betas": [np.pad(people[0].betas, (0, 290)) if a else people[0].betas for a, people in enumerate(actors)],
        "campose_valid": [
            np.array([(actor, frame) not in unaligned for frame in range(len(cameras))]) for actor in range(len(actors))
        ],
        **{key: [] for key in ("poses", "trans", "jointPositions", "poses2d")},
    }
    kept = []
    for actor, people in enumerate(actors):
        rows = [_world(person) for person in people]
        for key in ("poses", "trans", "jointPositions"):
            content[key].append(np.stack([row[key].reshape(-1) for row in rows]))
        pairs = [_keypoints(person, (actor, frame) in unseen) for frame, person in enumerate(people)]
        content["poses2d"].append(np.stack([pair[0] for pair in pairs]))
        kept.append([pair[1] for pair in pairs])
    return content, kept


def _matrix(camera):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = camera.rotation, camera.translation
    return matrix


def _world(person):
    """SMPL parameters and joints in the world of the person's camera."""
    camera, joints = person.camera, smpl_joints(person)
    pose = person.pose.copy()
    pose[0] = cv2.Rodrigues(camera.rotation.T @ cv2.Rodrigues(pose[0])[0])[0][:, 0]
    in_world = camera.to_world(joints)
    return {"poses": pose, "trans": in_world[0] - rest_root(person), "jointPositions": in_world}


def _keypoints(person, unseen):
    """(3, 18) of OpenPose, and the pixels of those that were found."""
    names = _TO_OPENPOSE.split()
    coco = dict(zip(COCO17.joints, person.pixels(COCO17), strict=True))
    coco["neck"] = (coco["left_shoulder"] + coco["right_shoulder"]) / 2
    values = np.concatenate([np.stack([coco[name] for name in names]), np.full((18, 1), 0.9)], 1)
    values[[14, 16] if not unseen else slice(None)] = 0.0  # what was not found is zeros
    found = values[values[:, 2] > 0, :2]
    return values.T, found if len(found) else None


def to_3dmppe(root, truth, split):
    """Write `3DPW_<split>.json` as I2L-MeshNet's converter does, which turns bodies about the neutral body's root."""
    images, people = [], []
    for number, row in enumerate(truth):
        person, camera = row.person, row.person.camera
        neutral = rest_root(replace(person, body="smpl" if person.body != "open" else "open"))
        shift = (camera.rotation - np.eye(3)) @ (neutral - rest_root(person))
        place = {"file_name": f"image_{row.frame:05d}.jpg", "sequence": row.sequence, "frame_idx": row.frame}
        images.append(smpl_json.image(10 + number, person, **place))
        gender = "male" if row.gender == 1 else "female"
        people.append(smpl_json.annotation(50 + number, 10 + number, person, gender, shift, person_id=row.actor))
    smpl_json.write(root / f"3DPW_{split}.json", images, people)


def to_spin(root, truth):
    """Write `3dpw_test.npz` as SPIN's preprocessing does: boxes of the keypoints times 1.2, no camera, no place."""
    rows = {key: [] for key in ("imgname", "center", "scale", "pose", "shape", "gender")}
    for row in truth:
        seen = row.person.pixels(COCO17) if row.keypoints is None else row.keypoints
        low, high = seen.min(0), seen.max(0)
        rows["imgname"].append(f"imageFiles/{row.sequence}/image_{row.frame:05d}.jpg")
        rows["center"].append((low + high) / 2)
        rows["scale"].append(1.2 * (high - low).max() / 200)
        rows["pose"].append(row.person.pose.reshape(72))
        rows["shape"].append(row.person.betas)
        rows["gender"].append("m" if row.gender == 1 else "f")
    np.savez(root / "3dpw_test.npz", **{key: np.array(values) for key, values in rows.items()})
