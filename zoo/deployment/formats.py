"""Graphs written as files of other runtimes, and run there."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from body.extras import import_extra
from lightning_modules.common.folding import fold_batch_norms
from zoo.deployment.parity import Runner
from zoo.deployment.predictor import INPUTS, Predictor

Format = Literal["onnx", "torch-export", "openvino"]
SUFFIXES: Mapping[Format, str] = {"onnx": ".onnx", "torch-export": ".pt2", "openvino": ".xml"}
LIBRARIES: Mapping[Format, Sequence[str]] = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "torch-export": (),
    "openvino": ("onnx", "onnxscript", "openvino"),
}
OPSET = 18
METADATA = "human_mesh_zoo"
"""Key of the description in a file's own metadata."""


def require_libraries(kind: Format) -> None:
    """Nothing is loaded or traced for a file that cannot be written.

    Raises:
        MissingExtra: a library is missing.
    """
    for library in LIBRARIES[kind]:
        import_extra(library, "export")


def export_program(predictor: Predictor, example: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    """The graph, for any number of people, batch norms in their convolutions."""
    people, folded = torch.export.Dim("batch"), copy.deepcopy(predictor)
    fold_batch_norms(folded)
    with torch.no_grad(), _quiet():
        return torch.export.export(folded, example, dynamic_shapes=tuple({0: people} for _ in example))


def write_format(
    program: torch.export.ExportedProgram, names: Sequence[str], kind: Format, path: Path, description: str
) -> None:
    """Write a graph with its description; an OpenVINO model is two files, the second one `.bin`, from ONNX.

    Raises:
        MissingExtra: a library is missing.
    """
    if kind == "torch-export":
        torch.export.save(program, path, extra_files={METADATA: description})
        return
    onnx_file = path if kind == "onnx" else path.with_suffix(".onnx")
    write_onnx(program, names, onnx_file)
    describe_file(onnx_file, description)
    if kind == "openvino":
        convert_to_openvino(onnx_file, path, description)


def convert_to_openvino(onnx_file: Path, path: Path, description: str) -> None:
    """An ONNX file as an OpenVINO model.

    Raises:
        MissingExtra: openvino is missing.
    """
    openvino = import_extra("openvino", "export")
    model = openvino.convert_model(onnx_file)
    model.set_rt_info(description, METADATA)
    openvino.save_model(model, path, compress_to_fp16=False)


def describe_file(path: Path, description: str) -> None:
    """Put a description into an ONNX file, and check the file."""
    onnx = import_extra("onnx", "export")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {METADATA: description})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def write_onnx(program: torch.export.ExportedProgram, names: Sequence[str], path: Path) -> None:
    """Write a graph as ONNX, without a description.

    Raises:
        MissingExtra: a library is missing.
    """
    import_extra("onnx", "export")
    import_extra("onnxscript", "export")
    with _quiet():
        made = torch.onnx.export(
            program,
            input_names=list(INPUTS),
            output_names=list(names),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            optimize=False,
        )
        assert made is not None
        simplify(made.model)
    path.write_bytes(made.model_proto.SerializeToString())


def simplify(model: Any) -> None:
    """Merge equal nodes of an `onnx_ir.Model`, compute constant ones and drop unused ones, in place.

    The exporter's own optimiser also looks for fusions that runtimes find by themselves, at every node, before equal
    ones are merged: minutes for the thousands of small nodes of a body's geometry.
    """
    import onnx_ir.passes.common as passes
    from onnxscript.optimizer import fold_constants

    passes.InlinePass()(model)
    passes.CommonSubexpressionEliminationPass()(model)
    fold_constants(model, onnx_shape_inference=True)
    passes.RemoveUnusedNodesPass()(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    passes.DeduplicateInitializersPass()(model)
    passes.CommonSubexpressionEliminationPass()(model)
    passes.OutputFixPass()(model)
    passes.NameFixPass()(model)


def open_runtime(path: Path, kind: Format, names: Sequence[str]) -> Runner:
    """What runs a file on the CPU, in float32.

    Args:
        path: the file.
        kind: of the file.
        names: of its outputs, in their order.

    Raises:
        MissingExtra: a library is missing.
    """
    if kind == "torch-export":
        graph = torch.export.load(path).module()

        def run(inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
            with torch.no_grad():
                answers = graph(*(torch.from_numpy(inputs[name]) for name in INPUTS))
            return {name: answer.numpy() for name, answer in zip(names, answers, strict=True)}

        return run
    if kind == "openvino":
        compiled = (
            import_extra("openvino", "export")
            .Core()
            .compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        )
        return lambda inputs: {name: compiled(dict(inputs))[name] for name in names}
    session = import_extra("onnxruntime", "export").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    read = {one.name for one in session.get_inputs()}  # what a method does not look at is no input of its graph
    return lambda inputs: dict(zip(names, session.run(list(names), {name: inputs[name] for name in read}), strict=True))


@contextlib.contextmanager
def _quiet() -> Any:
    """The exporters' progress and advice are not for the user of a command."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
