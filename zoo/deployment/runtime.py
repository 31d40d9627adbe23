"""Predictions of a model through ONNX Runtime, with everything around the network as it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from body.load import load_body
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction, SmplParameters
from zoo.deployment.export import export_model
from zoo.deployment.formats import open_runtime
from zoo.deployment.parity import Runner
from zoo.deployment.predictor import INPUTS, Predictor
from zoo.documents.resources import VERSION, cache_folder


def in_onnx_runtime(model: PoseModule, name: str) -> PoseModule:
    """The model, whose `predict` runs its exported graph; that is made and checked once, and kept in the cache.

    Args:
        model: from `zoo.load`, on the CPU in fp32; it is changed.
        name: of its weights.

    Raises:
        ZooError: it cannot be exported, or ONNX Runtime is missing.
    """
    path, predictor = exported_path(model), Predictor(model)
    if not path.is_file():
        export_model(model, name, "onnx", path)
    return run_predictions(model, open_runtime(path, "onnx", predictor.names))


def exported_path(model: PoseModule) -> Path:
    """Where the graph of these weights and settings is kept."""
    digest = hashlib.sha256(f"{VERSION} {sorted(model.hparams.items(), key=str)}".encode())
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode() + value.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return cache_folder() / "exported" / f"{digest.hexdigest()[:32]}.onnx"


def run_predictions(model: PoseModule, run: Runner) -> PoseModule:
    """Let a model predict through another runtime."""
    body = str(model.hparams.get("body", "none"))

    def predict(batch: Batch) -> Prediction:
        found = run({name: np.ascontiguousarray(batch[name].cpu().numpy()) for name in INPUTS})  # type: ignore[literal-required]
        tensors: dict[str, Tensor] = {name: torch.from_numpy(value) for name, value in found.items()}
        smpl = SmplParameters(tensors["pose"], tensors["betas"], tensors["transl"]) if "pose" in tensors else None
        return Prediction(
            joints=tensors["joints"],
            skeleton=model.skeleton,
            joints_2d=tensors["joints_2d"],
            root_depth_source=model.own_root_depth,
            vertices=tensors.get("vertices"),
            faces=load_body(body).faces if "vertices" in tensors else None,
            smpl=smpl,
        )

    model.predict = predict  # type: ignore[method-assign]
    return model
