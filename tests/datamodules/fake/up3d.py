"""UP-3D: files per image, fitted in resized cuts of the images."""

from dataclasses import dataclass

import cv2
import numpy as np
from distributed_files import dumped

from body.skeleton import LSP14
from fake.people import Camera, Person, make_image, make_people, write_image
from fake.smpl_truth import rest_root

SIZE = (90, 70)
FOCAL = 5000.0
# number -> list that it is in, data set and number there
PHOTOGRAPHS = {
    3: ("train", "lsp 4"),
    12: ("train", "lspext 50"),
    700: ("val", "mpii 17"),
    701: ("test", "lsp 1044"),
    702: ("test", "lsp 1045"),
    8000: ("test", "mpii 9"),
    8100: ("test", "fashionpose 33"),
}


@dataclass(frozen=True)
class Truth:
    """A person of a image."""

    person: Person
    number: int
    dataset: str
    outline: np.ndarray
    """(height, width) bool: where the rendered body is."""


def write(root, body="open", change=None):
    """Write `up-3d` with its lists.

    Args:
        root: the benchmark's folder.
        body: of the fits: `open`, or `smpl` (`fake.assets.write_smpl` first).
        change: called with the number and the files of every image before they are written, to get something
            wrong: `body` (content of the pickle), `joints`, `crop` and `dataset` (texts).

    Returns:
        Truth by list.
    """
    truth = {"train": [], "val": [], "test": []}
    folder = root / "up-3d"
    folder.mkdir(parents=True)
    for number, (part, dataset) in PHOTOGRAPHS.items():
        row, files = _photograph(number, dataset, body)
        if change is not None:
            change(number, files)
        stem = folder / f"{number:05d}"
        write_image(stem.with_name(stem.name + "_image.png"), make_image([row.person]))
        (folder / f"{stem.name}_body.pkl").write_bytes(dumped(files["body"]))
        np.save(folder / f"{stem.name}_joints.npy", files["joints"])
        (folder / f"{stem.name}_fit_crop_info.txt").write_text(files["crop"])
        (folder / f"{stem.name}_dataset_info.txt").write_text(files["dataset"])
        light = np.where(row.outline[..., None], np.uint8(180), np.uint8(255)).repeat(3, -1)
        write_image(stem.with_name(stem.name + "_render_light.png"), light)
        truth[part].append(row)
    for part, rows in {**truth, "trainval": truth["train"] + truth["val"]}.items():
        (folder / f"{part}.txt").write_text("".join(f"/{row.number:05d}_image.png\n" for row in rows))
    return truth


def _photograph(number, dataset, body):
    """A person, the cut and enlargement in which the fit is made, and the files."""
    rng = np.random.default_rng(number)
    x0, y0 = (int(value) for value in rng.integers(0, 8, 2))
    x1, y1 = SIZE[0] - int(rng.integers(0, 8)), SIZE[1] - int(rng.integers(0, 8))
    grown = 2.0 + (number % 3)
    width, height = round((x1 - x0) * grown), round((y1 - y0) * grown)
    focal = FOCAL / grown
    centre = np.array([width / 2 / grown + x0, height / 2 / grown + y0])
    intrinsics = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    camera = Camera(SIZE, intrinsics, np.eye(3), np.zeros(3))
    person = make_people(1, camera, seed=number, body=body)[0]
    turn, shift = 0.2 * rng.normal(size=3), np.array([0.1, -0.2, person.transl[2]])
    content = {
        **_before_camera(person, cv2.Rodrigues(turn)[0], shift),
        "betas": person.betas,
        "rt": turn,
        "t": shift,
        "f": FOCAL,
        "j2d": np.zeros((14, 2)),
    }
    seen = (np.arange(14) != number % 14).astype(np.float64)
    joints = np.concatenate([person.pixels(LSP14).T, seen[None]]) * (seen > 0)
    outline = cv2.convexHull(person.camera.project(person.vertices).astype(np.float32))
    picture = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    cv2.fillConvexPoly(picture, np.rint(outline).astype(np.int32), 1)
    files = {"body": content, "joints": joints, "crop": f"{height} {width} {y0} {y1} {x0} {x1}", "dataset": dataset}
    return Truth(person, number, dataset.partition(" ")[0], picture > 0), files


def _before_camera(person, rotation, shift):
    """Pose and translation that the camera's rotation and translation bring to the person's."""
    pose, root = person.pose.copy(), rest_root(person)
    pose[0] = cv2.Rodrigues(rotation.T @ cv2.Rodrigues(pose[0])[0])[0][:, 0]
    trans = rotation.T @ (root + person.transl - shift) - root
    return {"pose": pose.reshape(72), "trans": trans}


def write_nbf(root, body="open"):
    """Write `up_L12_refinenet`: crops of 512 pixels; the second may not be learnt from.

    Returns:
        People by list.
    """
    camera = Camera((512, 512), np.array([[FOCAL, 0, 256], [0, FOCAL, 256], [0, 0, 1]]), np.eye(3), np.zeros(3))
    for folder in ("lists", "images", "smplparams"):
        (root / folder).mkdir(parents=True)
    truth = {}
    for number, part in enumerate(("train", "val", "test")):
        people = [make_people(1, camera, seed=2 * number + row, body=body)[0] for row in range(2)]
        names = [f"{100 * number + row:05d}" for row in range(2)]
        (root / f"lists/{part}_latent.txt").write_text(f"{names[0]} 1\n{names[1]} 0\n")
        for name, person in zip(names, people, strict=True):
            write_image(root / f"images/{name}_image.png", make_image([person]))
            values = np.concatenate([person.betas, person.pose.reshape(72), person.transl])
            values.astype("<f8").tofile(root / f"smplparams/{name}_smplparams.bin")
        truth[part] = people
    return truth
