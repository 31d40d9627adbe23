"""3D pose and mesh of the people in one image, as overlays, meshes, an HTML page and JSON."""

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
        help="around one person, in pixels; may be given several times (default: the whole image)",
    )
    parser.add_argument(
        "--focal", type=float, help="focal length in pixels (default: 60 degrees across the longer side)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("prediction"), help="folder for the files (default: %(default)s)"
    )
    parser.add_argument("--device", default="cpu", help="such as cuda (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Predict, and print the names of the written files."""
    from zoo.prediction.images import read_image

    pixels = read_image(arguments.image)  # before torch is imported, so that bad input is refused at once
    from zoo.checkpoints.load import load, resolve_name
    from zoo.prediction.export import SourceImage, write_prediction
    from zoo.prediction.inputs import check_boxes, intrinsics_from_focal, resolve_intrinsics
    from zoo.prediction.predict import predict

    height, width = pixels.shape[:2]
    boxes = check_boxes(arguments.box, width, height)
    given = None if arguments.focal is None else intrinsics_from_focal(arguments.focal, width, height)
    intrinsics = resolve_intrinsics(given, pixels)
    model = load(arguments.model, device=arguments.device)
    prediction = predict(model, pixels, arguments.box, intrinsics)
    source = SourceImage(pixels, intrinsics, arguments.image.name, intrinsics_given=given is not None)
    for path in write_prediction(prediction, source, boxes, arguments.out, resolve_name(arguments.model)):
        print(path)
    return 0
