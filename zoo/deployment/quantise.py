"""Post-training quantisation: convolutions of an ONNX graph in int8, calibrated on crops."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from body.extras import import_extra
from zoo.errors import ZooError


def quantise(source: Path, target: Path, crops: Sequence[Mapping[str, np.ndarray]], exact: Sequence[str] = ()) -> None:
    """Write a graph whose convolutions multiply 8-bit integers; all else stays in float32.

    Weights have a scale per output channel, activations one per tensor, from their ranges on the crops. The graph is
    in the form (QDQ) that ONNX Runtime and OpenVINO both run on integers.

    Args:
        source: an ONNX file in fp32.
        target: the file.
        crops: inputs by name, batch by batch.
        exact: what the names of weights start with whose convolutions stay in float32, and with them those that read
            what they give: logits, metres and surface coordinates, which one scale does not fit.

    Raises:
        MissingExtra: onnxruntime is missing.
        ZooError: no convolution is left.
    """
    onnx = import_extra("onnx", "export")
    import_extra("onnxruntime", "export")
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.left: Iterator[Mapping[str, Any]] = iter(crops)

        def get_next(self) -> Mapping[str, Any] | None:
            return next(self.left, None)

    nodes = list(onnx.load(source).graph.node)
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    kept = {node.name for node in convolutions if node.input[1].startswith(tuple(exact))}
    kept |= _readers(nodes, kept)
    if len(kept) == len(convolutions):
        raise ZooError("int8 has nothing to do: all convolutions say where joints are and stay in fp32")
    logging.disable(logging.WARNING)  # advice to preprocess a graph that has its shapes and no batch norms
    try:
        quantize_static(
            source,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=sorted(kept),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibration_providers=["CPUExecutionProvider"],
        )
    finally:
        logging.disable(logging.NOTSET)


def _readers(nodes: Sequence[Any], exact: Set[str]) -> set[str]:
    """Convolutions that read what these give, with nothing but other kinds of nodes in between."""
    reached: dict[str, bool] = {}  # by name of a tensor: whether it comes from one of them; nodes are in their order
    for node in nodes:
        given = node.name in exact if node.op_type == "Conv" else any(reached.get(name, False) for name in node.input)
        reached |= dict.fromkeys(node.output, given)
    convolutions = [node for node in nodes if node.op_type == "Conv" and node.name not in exact]
    return {node.name for node in convolutions if reached.get(node.input[0], False)}
