"""LSP, LSP-Extended and UPi-S1h: images, joints of MATLAB, drawn parts.

Only a few images are written, though `joints.mat` counts all: reading them all would take too long.
"""

import numpy as np
from scipy.io import savemat

from body.camera import default_intrinsics
from body.maps import label_map
from body.parts import face_parts
from body.skeleton import LSP14
from fake.people import Camera, body_called, make_camera, make_image, make_people, write_image

COUNT = 1003


def people():
    """Number of every image that is written, and the person in it, before the camera that the zoo guesses."""
    numbers = (1, 2, 1000, 1001, 1002, 1003)
    sizes = [(80 + 4 * row, 64) for row in range(len(numbers))]
    still = np.eye(3), np.zeros(3)
    cameras = [Camera(size, default_intrinsics(*size).double().numpy(), *still) for size in sizes]
    return {n: make_people(1, camera, seed=n)[0] for n, camera in zip(numbers, cameras, strict=True)}


def write_lsp(root, change=None):
    """Write `images` and `joints.mat` (3 x 14 x COUNT); images that nobody looks at are all the same.

    Args:
        root: the benchmark's folder.
        change: called with the joints before they are written, to get something wrong.

    Returns:
        People by number of the image.
    """
    truth = people()
    anybody = truth[1]
    joints = np.zeros((3, 14, COUNT))
    for number in range(1, COUNT + 1):
        person = truth.get(number, anybody)
        joints[:2, :, number - 1] = person.pixels(LSP14).T
        joints[2, :, number - 1] = number % 2  # hidden or not; both count
        path = root / f"images/im{number:04d}.jpg"
        if number in (1, *truth):
            write_image(path, make_image([person]))
        else:
            path.symlink_to("im0001.jpg")
    savemat(root / "joints.mat", {"joints": joints if change is None else change(joints)})
    return truth


def write_extended(root, high_resolution=False):
    """Write LSP-Extended: 14 x 3 x 3, the joint (number) of every image unmarked, nobody in the last.

    Returns:
        People in order.
    """
    rows = [make_people(1, make_camera((80, 64), seed=n), seed=50 + n)[0] for n in range(3)]
    root.mkdir(exist_ok=True)
    joints = np.zeros((14, 3, 3))
    for number, person in enumerate(rows):
        seen = (np.arange(14) != number) & (number < 2)
        joints[:, :2, number] = person.pixels(LSP14) * seen[:, None]
        joints[:, 2, number] = seen
        name = f"im{number + 1:05d}.png" if high_resolution else f"images/im{number + 1:05d}.jpg"
        write_image(root / name, make_image([person]))
    savemat(root / "joints.mat", {"joints": joints})
    return rows


def write_upi(root, truth):
    """Write UPi-S1h's labels of the test images: parts as rendered, with one column where none was drawn.

    Returns:
        Part labels by number of the image.
    """
    body = body_called("open")
    faces = face_parts(body.lbs_weights.numpy(), body.faces, 6)
    drawn = {}
    for number, person in truth.items():
        parts = label_map(person.vertices, body.faces, faces, person.camera.intrinsics, person.camera.size)
        silhouette = (parts > 0).astype(np.uint8)
        column = int(np.flatnonzero(parts.any(0)).mean())
        parts[:, column] = 255
        stem = f"data/lsp/im{number:04d}"
        write_image(root / f"{stem}_part_segmentation.png", parts[..., None].repeat(3, -1))
        write_image(root / f"{stem}_segmentation.png", 255 * silhouette[..., None].repeat(3, -1))
        drawn[number] = parts
    return drawn
