"""3D pose and mesh of the people in one photograph, as pictures, meshes, a page and numbers."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo predict`."""
    parser.add_argument("image", type=Path, help="any image file")
    parser.add_argument("--model", default="i2l_meshnet", help="see zoo list (default: %(default)s)")
    parser.add_argument(
        "--box",
        nargs=4,
        type=float,
        action="append",
        metavar=("X", "Y", "W", "H"),
        help="around one person, in pixels; may be given several times (default: the whole frame)",
    )
    parser.add_argument(
        "--focal", type=float, help="focal length in pixels (default: 60 degrees across the longer side)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("prediction"), help="folder for the files (default: %(default)s)"
    )
    parser.add_argument("--device", default="cpu", help="such as cuda (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Read, predict, write, and print the names of the files."""
    from zoo.prediction.images import read_image

    pixels = read_image(arguments.image)  # before torch is imported: bad input is answered at once
    from zoo.checkpoints.load import full_name, load
    from zoo.prediction.export import Photo, write_prediction
    from zoo.prediction.predict import camera_matrix, check_boxes, focal_matrix, predict

    height, width = pixels.shape[:2]
    boxes = check_boxes(arguments.box, width, height)
    given = None if arguments.focal is None else focal_matrix(arguments.focal, width, height)
    intrinsics = camera_matrix(given, pixels)
    model = load(arguments.model, device=arguments.device)
    prediction = predict(model, pixels, arguments.box, intrinsics)
    photo = Photo(pixels, intrinsics, arguments.image.name, camera_known=given is not None)
    for path in write_prediction(prediction, photo, boxes, arguments.out, full_name(arguments.model)):
        print(path)
    return 0
