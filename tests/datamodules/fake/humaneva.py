"""A small HumanEva-I: whole parts of the recordings, in which motion capture fails nearly always."""

from functools import cache

import cv2
import numpy as np
from scipy.io import savemat

from fake.assets import write_video
from fake.people import Camera, make_image, make_people, write_image

SIZE = (128, 96)
SUBJECTS = ("S1", "S2", "S3")
CAMERAS = ("C1", "C2", "C3")
WINDOWS = {  # (train, validation); first frame and first one after the end
    ("Walking", "S1"): ((590, 1203), (5, 590)),
    ("Walking", "S2"): ((438, 876), (5, 438)),
    ("Walking", "S3"): ((448, 939), (5, 448)),
    ("Jog", "S1"): ((367, 740), (5, 367)),
    ("Jog", "S2"): ((398, 795), (5, 398)),
    ("Jog", "S3"): ((401, 842), (5, 401)),
    ("Box", "S1"): ((385, 789), (5, 385)),
    ("Box", "S2"): ((382, 734), (5, 382)),
    ("Box", "S3"): ((512, 1021), (5, 512)),
}
EARLIER = {"C1": 4, "C2": 0, "C3": 7}
"""Video frames by which a camera's instant in its .ofs file is before the latest of them, at which streams begin."""
VALID = (0, 7)
"""Frames of each part, from its beginning, in which motion capture works."""
DISTORTION = (-0.8, 0.3, -0.0013, 0.0011, 0.0)


def camera_of(subject, name):
    """A camera before which the subjects stand; as in the real set, almost the same for all of them."""
    number, turn = CAMERAS.index(name), 0.01 * SUBJECTS.index(subject)
    rotation = cv2.Rodrigues(np.array([1.2, 0.1 * number + turn, -0.3]))[0]
    inner = np.array([[140.0 + number, 0, 62 + number], [0, 141.0, 47.5], [0, 0, 1]])
    return Camera(SIZE, inner, rotation, np.array([0.1, -0.2, 0.4 * number]))


def offset_of(subject, action, camera):
    """Video frame, counted from 1, of the instant at which streams begin."""
    return 3 + SUBJECTS.index(subject) + CAMERAS.index(camera) + (action == "Jog")


@cache
def person(subject, action, camera, part, frame):
    """Somebody different at every frame; cameras share the world only within one subject."""
    seed = SUBJECTS.index(subject) * 100 + 10 * (action == "Jog") + part * 5 + frame
    return make_people(1, camera_of(subject, camera), seed=seed)[0]


@cache
def world(subject, action, part, frame):
    return camera_of(subject, "C1").to_world(person(subject, action, "C1", part, frame).joints("humaneva15"))


def rows(part, cameras=("C1",), actions=("Walking", "Jog")):
    """(subject, action, camera, frame of the stream, frame of the video from 0, joints in the camera)."""
    made = []
    for subject in SUBJECTS:
        for action in actions:
            for camera in cameras:
                first = WINDOWS[action, subject][part][0]
                for frame in VALID:
                    joints = camera_of(subject, camera).from_world(world(subject, action, part, frame))
                    video = first + frame + offset_of(subject, action, camera) - 1
                    made.append((subject, action, camera, first + frame, video, joints))
    return made


def write(root, parts=(0, 1), actions=("Walking", "Jog")):
    """Calibration, synchronisation, converted joints and extracted images."""
    for subject in SUBJECTS:
        for camera in CAMERAS:
            write_calibration(root / f"{subject}/Calibration_Data/{camera}.cal", camera_of(subject, camera))
            for action in actions:
                path = root / f"{subject}/Sync_Data/{action}_1_({camera}).ofs"
                path.parent.mkdir(parents=True, exist_ok=True)
                before = EARLIER[camera]
                path.write_text(f"{offset_of(subject, action, camera) - before}\n{66.5 - 2 * before}\n2.0\n")
    for action, subject in WINDOWS:
        for part in parts if action in actions else ():
            write_joints(root, subject, action, part)
    for part in parts:
        for subject, action, camera, frame, video, _ in rows(part, actions=actions):
            one = person(subject, action, camera, part, frame - WINDOWS[action, subject][part][0])
            write_image(root / f"images/{subject}/{action}_1_({camera})/{video:06d}.jpg", make_image([one]))


def write_joints(root, subject, action, part, change=lambda joints: joints):
    first, end = WINDOWS[action, subject][part]
    joints = np.full((end - first, 15, 3), np.nan)
    for frame in VALID:
        joints[frame] = world(subject, action, part, frame) * 1000
    path = root / f"converted_15j/{('Train', 'Validate')[part]}/{subject}/{action}_1.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"poses_3d": change(joints), "poses_2d": np.full((3, end - first, 15, 2), np.nan)})


def write_calibration(path, camera, distortion=DISTORTION):
    path.parent.mkdir(parents=True, exist_ok=True)
    inner = camera.intrinsics
    numbers = [inner[0, 0], inner[1, 1], inner[0, 2], inner[1, 2], 0.0, *distortion]
    numbers += [*camera.rotation.ravel(), *(camera.translation * 1000)]
    path.write_text("".join(f"{number:.9f}\n" for number in numbers))


def write_recording(root, subject, action, camera, frames):
    write_video(root / f"{subject}/Image_Data/{action}_1_({camera}).avi", frames, 60)
