"""3D pose and mesh of the people in images and videos, as overlays, meshes, HTML pages and JSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.json_output import print_json
from zoo.errors import ZooError
from zoo.prediction import default_weights
from zoo.prediction.formats import DEFAULT_FORMATS, FORMATS

if TYPE_CHECKING:
    from lightning_modules.base import PoseModule
    from zoo.prediction.many import BoxFinder
    from zoo.prediction.sources import SourceFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo predict`."""
    parser.add_argument(
        "images",
        nargs="+",
        metavar="PATH",
        help="images and videos: files, folders, patterns; - for standard input, which is one of them or a list; a "
        "camera's number",
    )
    parser.add_argument("--model", default=default_weights.NAME, help="see zoo list (default: %(default)s)")
    _add_detection(parser)
    parser.add_argument("--recursive", action="store_true", help="folders in folders too")
    parser.add_argument("--batch-size", type=int, default=8, help="people at once (default: %(default)s)")
    parser.add_argument(
        "--smooth",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="people of videos in time (default: yes)",
    )
    parser.add_argument("--seconds", type=float, help="at most of every video; a camera goes on until Ctrl-C")
    parser.add_argument("--again", action="store_true", help="also what an earlier run into the same folder has done")
    parser.add_argument(
        "--focal", type=float, help="focal length in pixels (default: 60 degrees across the longer side)"
    )
    _add_files(parser)
    parser.add_argument("--device", default="cpu", help="such as cuda (default: %(default)s)")
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16"),
        default="fp32",
        help="of the network; geometry is always computed in float32 (default: %(default)s)",
    )
    parser.add_argument(
        "--runtime",
        choices=("torch", "onnx"),
        default="torch",
        help="onnx: ONNX Runtime, on the CPU in fp32; the exported model is kept in the cache (default: %(default)s)",
    )


def _add_detection(parser: argparse.ArgumentParser) -> None:
    """Who is predicted."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--box",
        nargs=4,
        type=float,
        action="append",
        metavar=("X", "Y", "W", "H"),
        help="around one person of a single image or video, in pixels; may be repeated (default: people are found)",
    )
    where.add_argument("--boxes", type=Path, help="file of boxes: COCO's JSON, or CSV with file,x,y,width,height")
    where.add_argument("--whole", action="store_true", help="every image is one person's crop, without a margin")
    parser.add_argument(
        "--min-score", type=float, default=0.5, help="of the people that are found, 0 to 1 (default: %(default)s)"
    )
    parser.add_argument(
        "--detector",
        choices=("movenet", "torchvision"),
        default="movenet",
        help="who finds them; torchvision's needs weights of 78 MB (default: %(default)s, which is bundled)",
    )
    parser.add_argument("--download", action="store_true", help="fetch the detector's weights if they are not here")


def _add_files(parser: argparse.ArgumentParser) -> None:
    """What is written."""
    parser.add_argument(
        "--out", type=Path, default=Path("prediction"), help="folder for the files (default: %(default)s)"
    )
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=list(DEFAULT_FORMATS),
        metavar="FORMAT",
        help=f"files to write, after the images: {', '.join(FORMATS)}; sheet: all results of several files in one "
        "picture; coco: COCO's keypoint results; csv: joints in metres and pixels; npz: pose and shape as AMASS's; "
        "rig: glTF with skeleton and skin; bvh: skeleton and rotations; these three where the method gives pose "
        "and shape, or with --fit-parameters (default: all up to json)",
    )
    parser.add_argument(
        "--fit-parameters",
        action="store_true",
        help="estimate pose and shape where the method gives a mesh or joints alone; files state the error in mm",
    )


def run(arguments: argparse.Namespace) -> int:
    """Predict, and print the names of the written files, or for several images what became of them.

    Returns:
        0; 1 if an image of several could not be predicted.
    """
    from zoo.prediction.sources import find_sources
    from zoo.prediction.video.source import import_av

    if not 0 <= arguments.min_score <= 1 or arguments.batch_size < 1:
        raise ZooError("--min-score is between 0 and 1, --batch-size at least 1")
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise ZooError("--seconds is above 0")
    if arguments.focal is not None and not arguments.focal > 0:
        raise ZooError("--focal is above 0: pixels, about the longer side of the image")
    files = find_sources(arguments.images, arguments.recursive)
    if len(files) == 1 and not files[0].is_video and not any(Path(name).is_dir() for name in arguments.images):
        return _run_single(files[0].path, arguments)
    if arguments.box and len(files) > 1:
        raise ZooError("--box is for a single image or video; give --boxes FILE for several")
    if any(file.is_video for file in files):
        import_av()  # before anything is loaded
    return _run_many(files, arguments)


def _load(arguments: argparse.Namespace) -> PoseModule:
    """The model, in the chosen precision and runtime."""
    from zoo.checkpoints.load import load, resolve_name

    if arguments.runtime == "torch":
        return load(arguments.model, device=arguments.device, precision=arguments.precision)
    if arguments.device != "cpu" or arguments.precision != "fp32":
        raise ZooError("--runtime onnx runs on the CPU in fp32; leave --device and --precision out")
    from zoo.deployment.runtime import in_onnx_runtime

    return in_onnx_runtime(load(arguments.model), resolve_name(arguments.model))


def _run_many(files: list[SourceFile], arguments: argparse.Namespace) -> int:
    from zoo.checkpoints.load import resolve_name
    from zoo.prediction.folder import FolderRun
    from zoo.prediction.video.predict import VideoSettings
    from zoo.prediction.video.smoothing import SmoothingSettings

    choice = str(arguments.box or arguments.boxes or ("whole" if arguments.whole else f"found {arguments.min_score}"))
    choice += f" by {arguments.detector}" * (arguments.detector != "movenet")
    formats = " ".join(sorted(set(arguments.formats) - {"sheet"}))
    settings = (
        f"{resolve_name(arguments.model)}, boxes {choice}, focal {arguments.focal}, {formats}, {arguments.precision}"
    )
    settings += ", parameters fitted" * arguments.fit_parameters
    if not arguments.smooth or arguments.seconds:
        settings += f", smooth {arguments.smooth}, seconds {arguments.seconds}"
    find_boxes = _box_finder(arguments)
    model = _load(arguments)
    name, fit = resolve_name(arguments.model), arguments.fit_parameters
    work = FolderRun(model, name, arguments.out, settings, arguments.again, arguments.formats, fit, arguments.seconds)
    smoothing = SmoothingSettings() if arguments.smooth else None
    status = work.run(files, find_boxes, VideoSettings(arguments.focal, arguments.batch_size, smoothing))
    if work.counts["people"] + work.counts["followed"]:
        _say_what_to_expect(name)
    if arguments.json:
        problems = {str(file.path): problem for file, problem in work.problems.items()}
        print_json({"model": name, "folder": arguments.out, **work.counts, "problems": problems})
    return status


def _run_single(path: Path, arguments: argparse.Namespace) -> int:
    from zoo.prediction.images import read_image

    pixels = read_image(path)  # before torch is imported, so that bad input is refused at once
    from zoo.checkpoints.load import resolve_name
    from zoo.prediction.export import SourceImage, write_prediction
    from zoo.prediction.fit import fit_parameters
    from zoo.prediction.inputs import check_boxes, intrinsics_from_focal, resolve_intrinsics
    from zoo.prediction.predict import body_name, fitted_body_name, predict

    height, width = pixels.shape[:2]
    (people,) = _box_finder(arguments)([(path, pixels)])
    if people == []:
        raise ZooError(f"{path}: no person found; give --box X Y W H, or --whole to take the whole image")
    given_boxes = None if people is None else [person.box for person in people]
    boxes = check_boxes(given_boxes, width, height)
    given = None if arguments.focal is None else intrinsics_from_focal(arguments.focal, width, height)
    intrinsics = resolve_intrinsics(given, pixels)
    model = _load(arguments)
    prediction, body = predict(model, pixels, given_boxes, intrinsics), body_name(model)
    if arguments.fit_parameters:
        body = fitted_body_name(model)
        prediction = fit_parameters(prediction, body)
        if prediction.smpl is not None and prediction.smpl.fit_error_mm is not None:
            errors = ", ".join(f"{error:.1f}" for error in prediction.smpl.fit_error_mm.tolist())
            print(f"zoo: the fitted {body} body is {errors} mm from the prediction on average", file=sys.stderr)
    source = SourceImage(pixels, intrinsics, path.name, intrinsics_given=given is not None)
    files = write_prediction(
        prediction,
        source,
        boxes,
        arguments.out,
        resolve_name(arguments.model),
        formats=arguments.formats,
        body=body,
        scores=None if people is None else [person.score for person in people],
    )
    if arguments.json:
        print_json({"model": resolve_name(arguments.model), "people": len(boxes), "files": files})
    else:
        print(*files, sep="\n")
    _say_what_to_expect(resolve_name(arguments.model))
    return 0


def _say_what_to_expect(weights: str) -> None:
    from zoo.checkpoints.photographs import listed_on_photographs

    line = listed_on_photographs(weights)
    if line:
        print(f"zoo: {weights}: {line}", file=sys.stderr)


def _box_finder(arguments: argparse.Namespace) -> BoxFinder:
    from zoo.prediction.detect.finders import Detector, GivenBoxes, ListedBoxes, whole_frames

    if arguments.box:
        return GivenBoxes(arguments.box)
    if arguments.boxes:
        return ListedBoxes(arguments.boxes)
    if arguments.whole:
        return whole_frames
    if arguments.detector == "movenet":
        return Detector(arguments.min_score)
    from zoo.prediction.detect.torchvision_people import TorchvisionDetector

    return TorchvisionDetector(arguments.min_score, arguments.device, arguments.download)
