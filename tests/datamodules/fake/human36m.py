"""A small Human3.6M: every sequence has one frame but one, which has enough for all frame rules."""

import json
from dataclasses import dataclass, replace
from functools import cache
from xml.sax.saxutils import escape

import cdflib.cdfwrite
import cv2
import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from datamodules.base import rest_root
from fake.people import Camera, Person, body_called, make_camera, make_image, make_people, write_image

SIZE = (96, 96)
ACTIONS = ("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting", "SittingDown",
           "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether")  # fmt: skip
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
LONG = (9, 2, 1)
"""Subject, action number and trial of the sequence with many frames."""
FRAMES = 66
PLACES = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
"""Of the 17 joints among the 32 of the files."""
_ANGLES = np.deg2rad([0, 40, 170, 260])


@dataclass(frozen=True)
class Row:
    """One frame of one camera."""

    subject: int
    action: int
    trial: int
    camera: int
    frame: int
    person: Person

    @property
    def key(self):
        return self.subject, self.action, self.trial, self.camera, self.frame


def file_name(subject, action, trial):
    """What a sequence is called in `metadata.xml`; subject 1 has names of its own, trials are numbered by whim."""
    word = ACTIONS[action - 2]
    if subject == 1:
        word = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}.get(word, word)
    numbers = {(11, "Phoning"): (" 3", " 2"), (9, "SittingDown"): ("", " 1"), (9, "Discussion"): (" 1", " 2")}
    return word + numbers.get((subject, word), (" 1", ""))[trial - 1]


def frames_of(subject, action, trial):
    return FRAMES if (subject, action, trial) == LONG else 1


def truth(subjects, cameras=(1, 2, 3, 4), step=1):
    """Rows in the order of the raw layout, without the defective sequence."""
    sequences = ((s, a, t, c) for s in subjects for a in range(2, 17) for t in (1, 2) for c in cameras)
    return [
        Row(*one, frame, person(*one, frame))
        for one in sequences
        if one != (11, 2, 2, 1)
        for frame in range(0, frames_of(*one[:3]), step)
    ]


def person(subject, action, trial, camera, frame):
    return _seen((subject + 2 * action + 3 * trial + frame) % 5, camera)


@cache
def _pool():
    return make_people(5, make_camera(SIZE, seed=3), seed=4, body="smpl")


def _middle():
    return np.mean([one.vertices.mean(0) for one in _pool()], 0)


def root_of(one):
    """Rest position of the root joint."""
    return rest_root(body_called(one.body)).of(one.betas)


@cache
def _seen(number, camera):
    """A person of the pool in front of a camera that stands elsewhere around everybody."""
    base, turn, root = _pool()[number], _turn(camera), root_of(_pool()[number])
    pose = base.pose.copy()
    pose[0] = (Rotation.from_matrix(turn) * Rotation.from_rotvec(pose[0])).as_rotvec()
    place = turn @ (root + base.transl - _middle()) + _middle() - root
    return Person(replace(base.camera, intrinsics=_intrinsics(camera)), base.body, pose, base.betas, place)


def _turn(camera):
    return Rotation.from_rotvec([0, _ANGLES[camera - 1], 0]).as_matrix()


def _intrinsics(camera):
    shift = np.array([[camera, 0, 0.5 * camera], [0, 2 * camera, -0.3 * camera], [0, 0, 0]])
    return _pool()[0].camera.intrinsics - shift


@cache
def camera_of(subject, camera):
    """A camera in the world of a subject."""
    angles = np.random.default_rng(subject).uniform(-1, 1, 3)
    rotation, shift = Rotation.from_euler("XYZ", angles).as_matrix(), np.array([0.3, -0.2, 0.1]) * subject
    turn = _turn(camera)
    return Camera(SIZE, _intrinsics(camera), turn @ rotation, turn @ (shift - _middle()) + _middle())


def write_metadata(root):
    w0 = np.zeros(300)
    for subject in range(1, 12):
        for camera in range(1, 5):
            seen, start = camera_of(subject, camera), 6 * ((camera - 1) * 11 + subject - 1)
            w0[start : start + 3] = Rotation.from_matrix(seen.rotation).as_euler("XYZ")
            w0[start + 3 : start + 6] = -seen.rotation.T @ seen.translation * 1000
    for camera in range(1, 5):
        inner = _intrinsics(camera)
        lens = [inner[0, 0], inner[1, 1], inner[0, 2], inner[1, 2], -0.2, 0.24, -0.002, -0.0009, -0.0014]
        w0[264 + 9 * (camera - 1) : 264 + 9 * camera] = lens
    rows = [["", "", *(f"S{subject}" for subject in range(1, 12))]]
    rows += [["1", str(trial), *[f"_ALL {trial}"] * 11] for trial in (1, 2)]
    rows += [[str(a), str(t), *(file_name(s, a, t) for s in range(1, 12))] for a in range(2, 17) for t in (1, 2)]
    table = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    numbers = " ".join(repr(float(number)) for number in w0)
    cameras = "".join(f"<id>{camera}</id>" for camera in CAMERAS)
    text = f"<metadata><mapping>{table}</mapping><dbcameras><index2id>{cameras}</index2id></dbcameras>"
    (root / "metadata.xml").write_text(f"<?xml version='1.0'?>{text}<w0>[{numbers}]</w0></metadata>")


def write_raw(root):
    """Subject 9 in front of the frontal camera, 11 of all four; 1 has only `D3_Positions`, in the world."""
    write_metadata(root)
    for subject, cameras in ((1, (1, 2, 3, 4)), (9, (4,)), (11, (1, 2, 3, 4))):
        for action in range(2, 17):
            for trial in (1, 2):
                name, frames = file_name(subject, action, trial), range(frames_of(subject, action, trial))
                folder = root / f"S{subject}/MyPoseFeatures"
                if subject == 1:
                    people = [person(subject, action, trial, 2, frame) for frame in frames]
                    world = camera_of(subject, 2).to_world(np.stack([one.joints("h36m17") for one in people]))
                    write_cdf(folder / f"D3_Positions/{name}.cdf", world)
                for camera in cameras:
                    people = [person(subject, action, trial, camera, frame) for frame in frames]
                    video = f"{name}.{CAMERAS[camera - 1]}"
                    if subject != 1:
                        own = folder / f"D3_Positions_mono/{video}.cdf"
                        write_cdf(own, np.stack([one.joints("h36m17") for one in people]))
                        if (subject, action, trial, camera) == (11, 2, 2, 1):
                            own.write_bytes(b"defective")
                    write_masks(root / f"S{subject}/MySegmentsMat/ground_truth_bb/{video}.mat", people)
    for row in (*truth((9,), (4,), 64), *truth((1, 11), step=64)):
        write_image(root / image_name(row), make_image([row.person]))


def image_name(row):
    word, _, number = file_name(*row.key[:3]).partition(" ")
    word = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}.get(word, word) + (f"_{number}" if number else "")
    return f"images/S{row.subject}_{word}.{CAMERAS[row.camera - 1]}_{row.frame + 1:06d}.jpg"


def write_cdf(path, joints):
    """(F, 17, 3) metres -> variable `Pose`, one record of F x 96 float32 millimetres."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.full((len(joints), 32, 3), 9e5, np.float32)  # places that nothing may read
    values[:, PLACES] = joints * 1000
    file = cdflib.cdfwrite.CDF(path, cdf_spec={"Majority": "row_major"}, delete=True)
    sizes = [len(joints), 96]
    spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": sizes}
    file.write_var(spec, var_data=values.reshape(1, len(joints), 96))
    file.close()


def mask_box(one):
    """Whole pixels of the benchmark's box, a third wider than a tight one."""
    x, y, width, height = one.box
    low = np.maximum(np.floor([x - width / 6, y - height / 6]), 0)
    high = np.minimum(np.ceil([x + width * 7 / 6, y + height * 7 / 6]), np.array(SIZE) - 1)
    return np.concatenate([low, high - low + 1]).astype(int)


def write_masks(path, people):
    """A cell array of logical masks in a MATLAB 7.3 file: references to transposed images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        cells = file.create_dataset("Masks", (len(people), 1), h5py.ref_dtype)
        for number, one in enumerate(people):
            mask, (x, y, width, height) = np.zeros(SIZE[::-1], np.uint8), mask_box(one)
            mask[y : y + height, x : x + width] = 1
            stored = file.create_dataset(f"#refs#/{number}", data=mask.T)
            stored.attrs["MATLAB_class"] = np.bytes_("logical")
            cells[number, 0] = stored.ref


def smpl_in_world(row):
    """Orientation and translation of a row's person in the world."""
    seen, root = camera_of(row.subject, row.camera), root_of(row.person)
    pose = row.person.pose.copy()
    pose[0] = (Rotation.from_matrix(seen.rotation.T) * Rotation.from_rotvec(pose[0])).as_rotvec()
    return pose, seen.to_world(root + row.person.transl) - root


def write_3dmppe(root, subjects=(1, 9, 11), fitted=(1,), images=True, cameras=(1, 2, 3, 4)):
    """3DMPPE's files; subjects in `fitted` have SMPL parameters for every fifth frame."""
    folder = root / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for subject in subjects:
        listed, people, joints, fits = [], [], {}, {}
        for row in (*truth((subject,), cameras), *([_defective()] if subject == 11 else [])):
            stem = f"s_{subject:02d}_act_{row.action:02d}_subact_{row.trial:02d}_ca_{row.camera:02d}"
            number += 3
            listed.append({
                "id": number, "file_name": f"{stem}/{stem}_{row.frame + 1:06d}.jpg", "width": SIZE[0],
                "height": SIZE[1], "subject": subject, "action_name": ACTIONS[row.action - 2],
                "action_idx": row.action, "subaction_idx": row.trial, "cam_idx": row.camera, "frame_idx": row.frame,
            })  # fmt: skip
            people.append({"id": 7 * number, "image_id": number, "bbox": row.person.box.tolist(),
                           "keypoints_vis": [True] * 17})  # fmt: skip
            seen, at = camera_of(subject, row.camera), (str(row.action), str(row.trial), str(row.frame))
            world = seen.to_world(row.person.joints("h36m17")) * 1000
            joints.setdefault(at[0], {}).setdefault(at[1], {})[at[2]] = world.tolist()
            if row.frame % 5 == 0:
                pose, transl = smpl_in_world(row)
                fit = {"pose": pose.ravel().tolist(), "shape": row.person.betas.tolist(), "trans": transl.tolist()}
                fits.setdefault(at[0], {}).setdefault(at[1], {})[at[2]] = fit
            if images and row.frame % 64 == 0:
                write_image(root / "images" / listed[-1]["file_name"], make_image([row.person]))
        order = np.random.default_rng(0).permutation(len(people))
        contents = {"data": {"images": listed, "annotations": [people[k] for k in order]}, "joint_3d": joints}
        contents["camera"] = {str(camera): _3dmppe_camera(camera_of(subject, camera)) for camera in range(1, 5)}
        if subject in fitted:
            contents["smpl_param"] = fits
        for kind, content in contents.items():
            (folder / f"Human36M_subject{subject}_{kind}.json").write_text(json.dumps(content))


def _defective():
    return Row(11, 2, 2, 1, 0, person(11, 2, 2, 1, 0))


def _3dmppe_camera(seen):
    inner = seen.intrinsics
    return {"R": seen.rotation.tolist(), "t": (seen.translation * 1000).tolist(),
            "f": [inner[0, 0], inner[1, 1]], "c": [inner[0, 2], inner[1, 2]]}  # fmt: skip


def numbered_frame(number, size=SIZE):
    """An image that tells its number after compression: eight squares, black or white."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for bit in range(8):
        if number >> bit & 1:
            cv2.rectangle(image, (12 * bit, 0), (12 * bit + 11, size[1]), (255, 255, 255), -1)
    return image


def number_of(image):
    return sum(1 << bit for bit in range(8) if image[10:-10, 12 * bit + 3 : 12 * bit + 9].mean() > 127)


SLOTS = [14, 2, 1, 0, 3, 4, 5, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]
"""Where SPIN's 24 slots have the 17 joints."""


def write_spin(root, name, rows, smpl=False):
    """An array file of SPIN's, with the images that it names."""
    joints = np.zeros((len(rows), 24, 4))
    for number, row in enumerate(rows):
        places = row.person.joints("h36m17")
        joints[number, SLOTS] = np.c_[places - places[0], np.ones(17)]
        write_image(root / image_name(row), make_image([row.person]))
    boxes = np.array([mask_box(row.person) for row in rows], float)
    arrays = {
        "imgname": np.array([image_name(row) for row in rows]),
        "center": boxes[:, :2] + boxes[:, 2:] / 2,
        "scale": 0.9 * boxes[:, 2:].max(1) / 200,
        "S": joints,
    }
    if smpl:
        arrays["pose"] = np.stack([row.person.pose.ravel() for row in rows])
        arrays["shape"] = np.stack([row.person.betas for row in rows])
    np.savez(root / name, **arrays)
