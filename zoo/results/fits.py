"""How far a benchmark's own SMPL fits are from its measured joints: the fits, scored as predictions would be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from body.camera import project
from body.load import load_body
from datamodules.files import FileDataModule
from lightning_modules.prediction import Prediction, SmplParameters
from metrics import build_task, get_protocol
from zoo.errors import ZooError
from zoo.results.evaluation import command_line
from zoo.results.result import Result, make_result

METHOD = "SMPL fits of the benchmark"


def measure_fits(datamodule: FileDataModule, protocol_id: str) -> Result:
    """Score the fits of the test split; samples without one do not count.

    Joints are regressed from the mesh of each fit, posed with the body of its gender, and are in the protocol's joint
    set. Where they are is the fit's own: it was made from the true joints.

    Args:
        datamodule: whose crops have a body for the fits, and the protocol's joints.
        protocol_id: of single people's joints.

    Raises:
        ZooError: no sample has a fit, or the body has no regressor for the protocol's joints.
    """
    protocol, body, skeleton = get_protocol(protocol_id), load_body(datamodule.crops.body), datamodule.skeleton
    task, digest = build_task(protocol, skeleton), hashlib.sha256()
    datamodule.setup("test")
    for batch in datamodule.test_dataloader():
        batch = _with_fits(datamodule.on_after_batch_transfer(batch, 0))
        if not len(batch["pose"]):
            continue
        try:
            joints = body.regress(batch["vertices"], skeleton.name)
        except KeyError as error:
            raise ZooError(str(error.args[0])) from None
        numbers = (batch["pose"], batch["betas"], batch["transl"])
        pixels = project(joints, batch["intrinsics"])
        smpl = SmplParameters(*numbers)
        task.update(Prediction(joints, skeleton, pixels, "given", batch["vertices"], body.faces, smpl), batch)
        for values in numbers:
            digest.update(values.numpy().tobytes())
    measured = {name: float(value) for name, value in task.compute().items()}
    if not measured.get("n"):
        raise ZooError(f"no sample of {datamodule.root} that protocol {protocol_id} tests has an SMPL fit")
    return make_result(
        protocol_id,
        measured,
        method=METHOD,
        weights=METHOD,
        weights_sha256=digest.hexdigest(),
        data=f"{protocol.benchmark}, {protocol.split}, samples with a fit",
        data_fingerprint=datamodule.fingerprint("test"),
        root_depth="given",
        config={"body": datamodule.crops.body, "joints": skeleton.name},
        device="cpu",
        precision="32-true",
        command=command_line(),
    )


def _with_fits(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The samples of a batch that have a fit."""
    rows = batch["smpl_valid"].nonzero().flatten().tolist()

    def of(value: Any) -> Any:
        return value[rows] if isinstance(value, Tensor) else [value[row] for row in rows]

    return {key: of(value) for key, value in batch.items()}
