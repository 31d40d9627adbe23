"""`zoo export`: a model as a file that other runtimes read, proven to agree before it is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from lightning_modules.base import PoseModule
from lightning_modules.common.precision import FullPrecision
from zoo.deployment.calibration import IMAGES, Cost, calibration_crops, measure_cost
from zoo.deployment.formats import (
    METADATA,
    OPSET,
    SUFFIXES,
    Format,
    convert_to_openvino,
    describe_file,
    export_program,
    open_runtime,
    write_format,
)
from zoo.deployment.parity import LIMIT_MM, check_parity, largest_difference
from zoo.deployment.predictor import INPUTS, OUTPUTS, Predictor, example_inputs
from zoo.deployment.quantise import quantise
from zoo.documents.resources import VERSION
from zoo.errors import ZooError, one_line

__all__ = ["METADATA", "Exported", "describe", "export_model"]


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: the file.
        difference: the farthest that a joint or vertex is from PyTorch's, mm; in int8 before it was rounded.
        cost: what int8 costs on the open benchmark.
    """

    path: Path
    difference: float
    cost: Cost | None = None


def export_model(
    model: PoseModule,
    name: str,
    kind: Format,
    target: Path,
    limit: float = LIMIT_MM,
    int8_limit: float | None = None,
) -> Exported:
    """Write a model with decoding, cameras and body inside, once it agrees with PyTorch for batches of 1 and 3.

    Args:
        model: from `zoo.load`, on the CPU in fp32.
        name: of its weights.
        kind: of file.
        target: the file; nothing is there, or what was there stays, if the export fails or disagrees.
        limit: largest difference of a joint or vertex, mm.
        int8_limit: write convolutions in int8, which may move joints by so much on average, mm.

    Raises:
        ZooError: the model cannot be exported, a library is missing, the file disagrees or cannot be written.
    """
    if target.suffix != SUFFIXES[kind]:
        raise ZooError(f"a file for {kind} ends with {SUFFIXES[kind]}, not {target.name!r}")
    if int8_limit is not None and kind == "torch-export":
        raise ZooError("int8 is for --format onnx and openvino")
    predictor, cost = Predictor(model), None
    description = describe(model, name, predictor)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
            made = Path(folder) / target.name
            program = export_program(predictor, example_inputs(model, 2))
            write_format(program, predictor.names, kind, made, json.dumps(description))
            difference = largest_difference(model, predictor, open_runtime(made, kind, predictor.names))
            check_parity(difference, limit)
            if int8_limit is not None:
                cost = write_int8(model, predictor, kind, made, description)
                cost.check(int8_limit)
            if kind == "openvino":
                made.with_suffix(".onnx").unlink()
            for file in sorted(Path(folder).iterdir()):  # .bin before .xml
                file.replace(target.parent / file.name)
    except ZooError:
        raise
    except OSError as error:
        raise ZooError(f"{target} cannot be written: {error.strerror or error}") from None
    except Exception as error:  # an exporter's: what it cannot express is the model's or the library's fault
        raise ZooError(f"{name} cannot be exported as {kind}: {one_line(error, 300)}") from error
    return Exported(target, difference, cost)


def write_int8(
    model: PoseModule, predictor: Predictor, kind: Format, path: Path, description: Mapping[str, Any]
) -> Cost:
    """Write a graph in int8 in place of what is there, with its cost on the open benchmark in its description."""
    exact, rounded = path.with_suffix(".onnx"), path.with_suffix(".int8.onnx")
    quantise(exact, rounded, calibration_crops(model), exact_parts(predictor))
    if kind == "openvino":
        convert_to_openvino(rounded, path, "")
    cost = measure_cost(model, predictor, open_runtime(path if kind == "openvino" else rounded, kind, predictor.names))
    facts = json.dumps({**description, "int8": {"calibrated and measured on": IMAGES, **asdict(cost)}})
    if kind == "openvino":
        convert_to_openvino(rounded, path, facts)
        rounded.unlink()
    else:
        describe_file(rounded, facts)
        rounded.replace(path)
    return cost


def exact_parts(predictor: nn.Module) -> list[str]:
    """What the names of weights start with that stay float32 in every precision."""
    return [f"{name}." for name, part in predictor.named_modules() if isinstance(part, FullPrecision)]


def describe(model: PoseModule, name: str, predictor: Predictor) -> dict[str, Any]:
    """What a user of the file has to know, as plain values."""
    inputs = {
        key: {"meaning": meaning, "shape": ["batch", *(model.crop_size if side == "side" else side for side in shape)]}
        for key, (meaning, shape) in INPUTS.items()
    }
    return {
        "model": name,
        "zoo": VERSION,
        "opset": OPSET,
        "inputs": inputs,
        "outputs": {key: OUTPUTS[key] for key in predictor.names},
        "preprocessing": "box: the person's box extended about its centre to a square of "
        f"{model.crop_margin:g} times its longer side; "
        "image: that square resampled to the crop (bilinear, antialiased), outside of the photograph black; "
        "crop_affine: the middle of the box lands on side / 2",
        "postprocessing": "none; the root's depth is the method's own estimate",
        "joints": list(model.skeleton.joints),
        "skeleton": model.skeleton.name,
        "body": str(model.hparams.get("body", "none")),
        "root_depth": model.root_depth_source,
    }
