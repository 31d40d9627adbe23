"""SPIN's files of images without 3D labels, and its fits of their people."""

import numpy as np

from body.skeleton import SPIN24
from fake.people import make_camera, make_image, make_people, write_image


def write(root, name, fits, body="smpl", seed=0):
    """`NAME.npz` with three images, `final_fits/FITS.npz` with fits, of which the last is not valid."""
    people = [make_people(1, make_camera(seed=seed + row), seed=seed + row, body=body)[0] for row in range(3)]
    pixels = np.stack([person.pixels(SPIN24) for person in people])
    low, high = pixels.min(1), pixels.max(1)
    for row, person in enumerate(people):
        write_image(root / "images" / f"{name}{row}.jpg", make_image([person]))
    np.savez(
        root / f"{name}.npz",
        imgname=np.array([f"images/{name}{row}.jpg" for row in range(3)]),
        center=(low + high) / 2,
        scale=1.2 * (high - low).max(1) / 200,
        part=np.concatenate([pixels, np.ones((3, 24, 1))], -1),
    )
    (root / "final_fits").mkdir()
    pose, betas = np.stack([person.pose.ravel() for person in people]), np.stack([person.betas for person in people])
    np.savez(root / "final_fits" / f"{fits}.npz", pose=pose, betas=betas, valid_fit=np.arange(3) < 2)
