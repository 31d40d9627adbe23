"""A small MPI-INF-3DHP: two subjects, videos of ten frames, test sequences of four."""

from functools import cache

import h5py
import numpy as np
from scipy.io import savemat

from body.skeleton import MPI_INF_3DHP17, MPI_INF_3DHP28
from fake.assets import write_video
from fake.people import make_camera, make_image, make_people, write_image

FRAMES, TEST_FRAMES = 10, 4
UNIVERSAL = 0.9
"""Size of `univ_annot3` relative to `annot3`, about the camera, so that both project to the same pixels."""
OUTSIDE = 3
"""Frame of camera 0 of the first recording, and of TS5, in which a joint leaves the image."""
INVALID = 1
"""Frame of every test sequence that is not valid."""

_SIZES = {f"TS{k}": (96, 96) if k < 5 else (112, 72) for k in range(1, 7)}


def train_camera(subject, sequence, camera):
    return make_camera((96, 96), seed=1000 + 100 * subject + 20 * sequence + camera)


@cache
def train_people(subject, sequence, camera):
    """Who is seen in the frames of a video."""
    people = make_people(3, train_camera(subject, sequence, camera), seed=10 * subject + sequence)
    return [people[frame % 3] for frame in range(FRAMES)]


@cache
def test_people(name):
    """Who is seen in the frames of a test sequence."""
    return make_people(TEST_FRAMES, make_camera(_SIZES[name], seed=int(name[2:])), seed=int(name[2:]))


def write_train(root, subjects=(1, 2), videos=(0, 1)):
    """Recordings with all fourteen cameras annotated, and some of the videos."""
    for subject in subjects:
        for sequence in (1, 2):
            folder = root / f"S{subject}/Seq{sequence}"
            folder.mkdir(parents=True)
            cells = {name: np.empty((14, 1), object) for name in ("annot2", "annot3", "univ_annot3")}
            lines = ["Skeletool Camera Calibration File V1.0"]
            for camera in range(14):
                seen = train_people(subject, sequence, camera)
                joints = np.stack([person.joints(MPI_INF_3DHP28) for person in seen]) * 1000
                pixels = np.stack([person.pixels(MPI_INF_3DHP28) for person in seen])
                if (subject, sequence, camera) == (1, 1, 0):
                    pixels[OUTSIDE, MPI_INF_3DHP28.index("left_wrist"), 0] = 96.0
                    pixels[OUTSIDE + 1, MPI_INF_3DHP28.index("left_toe_mpi"), 0] = -5.0  # not one of the 17
                cells["annot2"][camera, 0] = pixels.reshape(FRAMES, 56)
                cells["annot3"][camera, 0] = joints.reshape(FRAMES, 84)
                cells["univ_annot3"][camera, 0] = UNIVERSAL * joints.reshape(FRAMES, 84)
                lines += _calibration(camera, seen[0].camera)
                if camera in videos:
                    images = [make_image([person]) for person in seen]
                    write_video(folder / f"imageSequence/video_{camera}.avi", images)
            (folder / "camera.calibration").write_text("\n".join(lines) + "\n")
            extra = {"cameras": np.arange(14, dtype=np.uint8)[None], "frames": np.arange(FRAMES)[:, None]}
            savemat(folder / "annot.mat", {**cells, **extra}, do_compression=True)
    return root


def write_test(root, names=tuple(_SIZES)):
    """The test set, with images for all frames."""
    for name in names:
        folder = root / "mpi_inf_3dhp_test_set" / name
        seen = test_people(name)
        for frame, person in enumerate(seen):
            write_image(folder / f"imageSequence/img_{frame + 1:06d}.jpg", make_image([person]))
        joints = np.stack([person.joints(MPI_INF_3DHP17) for person in seen])[:, None] * 1000
        pixels = np.stack([person.pixels(MPI_INF_3DHP17) for person in seen])[:, None]
        if name == "TS5":
            pixels[OUTSIDE, 0, 0, 0] = 112.0
        valid = np.ones((TEST_FRAMES, 1))
        valid[INVALID] = 0
        content = {
            "annot2": pixels,
            "annot3": joints,
            "univ_annot3": UNIVERSAL * joints,
            "valid_frame": valid,
            "activity_annotation": 1.0 + (np.arange(TEST_FRAMES)[:, None] + int(name[2:])) % 7,
            "bb_crop": np.zeros((TEST_FRAMES, 34)),
        }
        with h5py.File(folder / "annot_data.mat", "w", userblock_size=512) as file:
            for key, value in content.items():
                file.create_dataset(key, data=value)
        _header(folder / "annot_data.mat")
    return root


def write_spin(root):
    """`mpi_inf_3dhp_{train,valid}.npz` over the same images: every third training frame, all valid test frames."""
    train = [(f"S{s}/Seq{q}/imageFrames/video_{c}/frame_{f + 1:06d}.jpg", train_people(s, q, c)[f], 1.0)
             for s in (1, 2) for q in (1, 2) for c in (0, 1) for f in range(0, FRAMES, 3)]  # fmt: skip
    test = [(f"mpi_inf_3dhp_test_set/{name}/imageSequence/img_{f + 1:06d}.jpg", test_people(name)[f], UNIVERSAL)
            for name in _SIZES for f in range(TEST_FRAMES) if f != INVALID]  # fmt: skip
    for split, rows in (("train", train), ("valid", test)):
        parts, joints, centres, scales = [], [], [], []
        for _, person, size in rows:
            slots, there = _spin_slots(person, size)
            pixels = person.camera.project(slots)
            parts.append(np.concatenate([pixels * there, there], 1))
            joints.append(np.concatenate([(slots - slots[14]) * there, there], 1))
            relevant = person.pixels(MPI_INF_3DHP17)
            centres.append((relevant.min(0) + relevant.max(0)) / 2)
            scales.append(1.2 * np.ptp(relevant, axis=0).max() / 200)
        arrays = {"imgname": np.array([name for name, _, _ in rows]), "center": np.array(centres),
                  "scale": np.array(scales), "part": np.array(parts), "S": np.array(joints)}  # fmt: skip
        if split == "train":
            arrays["pose"] = np.stack([person.pose.ravel() for _, person, _ in rows])
            arrays["shape"] = np.stack([person.betas for _, person, _ in rows])
            arrays["has_smpl"] = np.arange(len(rows)) % 2
        np.savez(root / f"mpi_inf_3dhp_{split}.npz", **arrays)
    return train, test


def _spin_slots(person, size):
    """The 17 relevant joints in SPIN's slots (notes on SPIN's preprocessing of the test set), metres, and a mask."""
    joints = size * person.joints(MPI_INF_3DHP17)
    order = [14, 11, 12, 13, 8, 9, 10, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    slots = [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]
    points, there = np.tile([0, 0, 1.0], (24, 1)), np.zeros((24, 1))
    points[slots], there[slots] = joints[order], 1
    return points, there


def _calibration(number, camera):
    intrinsic, extrinsic = np.eye(4), np.eye(4)
    intrinsic[:3, :3] = camera.intrinsics
    extrinsic[:3, :3], extrinsic[:3, 3] = camera.rotation, 1000 * camera.translation
    rows = {key: " ".join(f"{value:.9g}" for value in matrix.flat) for key, matrix in
            (("intrinsic", intrinsic), ("extrinsic", extrinsic))}  # fmt: skip
    return [
        f"name          {number}",
        "  sensor      10 10",
        f"  size        {camera.size[0]} {camera.size[1]}",
        "  animated    0",
        f"  intrinsic   {rows['intrinsic']} ",
        f"  extrinsic   {rows['extrinsic']} ",
        "  radial      0",
    ]


def _header(path):
    """MATLAB's 512 bytes before the HDF5 data."""
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM")
