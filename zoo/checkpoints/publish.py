"""`zoo.push`: weights, configuration and model card to the Hugging Face Hub, where the licence allows it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.checkpoints.card_picture import card_picture
from zoo.checkpoints.entry import Checkpoint, Licences, Training
from zoo.checkpoints.files import parse_metadata, parse_training, read_metadata, read_safetensors, resolve_weights
from zoo.checkpoints.hub import CONFIG, WEIGHTS, translate_hub_errors
from zoo.checkpoints.listing import get_checkpoint
from zoo.checkpoints.load import build_model, load, load_state
from zoo.checkpoints.model_card import model_card
from zoo.documents.resources import VERSION, file_sha256
from zoo.errors import ZooError, one_line
from zoo.results.files import read_results

CARD, PICTURE = "README.md", "prediction.jpg"


@dataclass(frozen=True)
class Published:
    """What `push` published, or would publish.

    Attributes:
        repo: `user/name`.
        files: name -> size in bytes.
        card: text of the model card.
        commit: of the repository; None after a dry run.
        url: page of that commit; None after a dry run.
    """

    repo: str
    files: dict[str, int]
    card: str
    commit: str | None = None
    url: str | None = None


def push(
    name: str | Path,
    repo: str,
    *,
    revision: str | None = None,
    private: bool = False,
    licence: str | None = None,
    data: str | None = None,
    dry_run: bool = False,
) -> Published:
    """Publish weights in one commit; `zoo.load(repo)` then gives the same model.

    Args:
        name: entry of `checkpoints.yaml`, or a file (or its folder) written by `zoo package`.
        repo: `user/name`; created when it does not exist.
        revision: branch to commit to; the main branch when None.
        private: whether the repository is private, when it is created.
        licence: of the weights, for a file.
        data: training data and its licence, for a file.
        dry_run: publish nothing and send no request.

    Raises:
        ZooError: the weights are not redistributable or have no licence, are not of the zoo, or the Hub refused.
    """
    entry, path = (
        entry_from_file(Path(name), licence, data) if _is_file(name) else entry_from_listing(str(name), licence, data)
    )
    check_redistributable(entry)
    with whole_weights(path) as whole:
        return _publish(entry, whole, repo, revision, private, dry_run)


def _publish(entry: Checkpoint, path: Path, repo: str, revision: str | None, private: bool, dry_run: bool) -> Published:
    picture = {PICTURE: card_picture(load(path))} if entry.body in ("open", "none") else {}
    card = model_card(entry, repo, PICTURE if picture else None)
    contents = {CONFIG: _config_json(entry, path).encode(), CARD: card.encode(), **picture}
    files = {WEIGHTS: path.stat().st_size, **{file: len(content) for file, content in contents.items()}}
    if dry_run:
        return Published(repo, files, card)
    from huggingface_hub import CommitOperationAdd, HfApi

    additions: dict[str, Any] = {WEIGHTS: str(path), **contents}
    operations = [CommitOperationAdd(file, content) for file, content in additions.items()]
    with translate_hub_errors(repo, repo):
        api = HfApi()
        api.create_repo(repo, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(repo, branch=revision, exist_ok=True)
        commit = api.create_commit(repo, operations, commit_message=f"{entry.name}, zoo push", revision=revision)
    return Published(repo, files, card, commit.oid, commit.commit_url)


@contextmanager
def whole_weights(path: Path) -> Iterator[Path]:
    """The file itself, or one with the backbone that it leaves out, as long as the context lasts.

    Raises:
        ZooError: the backbone is not the one of this installation.
    """
    from safetensors.torch import save_file

    from lightning_modules.common.shared_weights import SHARED, read_weights

    if SHARED not in read_metadata(path):
        yield path
        return
    try:
        tensors, metadata = read_weights(path)
    except ValueError as error:
        raise ZooError(one_line(error, 400)) from None
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, whole := Path(folder) / WEIGHTS, metadata)
        yield whole


def check_redistributable(entry: Checkpoint) -> None:
    """Refuse weights that are not redistributable.

    Raises:
        ZooError: they are marked as not redistributable, or have no licence.
    """
    licence = entry.licences.weights.strip()
    if not licence or licence.lower().startswith(("none", "unknown", "not stated")):
        raise ZooError(f"{entry.name} is not published: its weights have no licence ({licence or 'none given'})")
    if not entry.licences.redistributable:
        raise ZooError(f"{entry.name} is not published: its weights are not redistributable ({licence})")


def _is_file(name: str | Path) -> bool:
    return isinstance(name, Path) or name.endswith((".safetensors", ".ckpt")) or Path(name).is_dir()


def entry_from_listing(name: str, licence: str | None, data: str | None) -> tuple[Checkpoint, Path]:
    """A listed entry and its weights file.

    Raises:
        ZooError: not listed, not redistributable, or a licence or data were given, which `checkpoints.yaml` has.
    """
    entry = get_checkpoint(name)
    if licence is not None or data is not None:
        raise ZooError(f"licence and data of {entry.name} are in checkpoints.yaml; leave out --licence and --data")
    check_redistributable(entry)  # before downloading a file that cannot be published
    return entry, resolve_weights(entry)


def entry_from_file(name: Path, licence: str | None, data: str | None) -> tuple[Checkpoint, Path]:
    """An entry for a file that is not listed, from its metadata and what its owner states, and the weights file.

    Raises:
        ZooError: not a file of the zoo, no licence or data given, or converted from the authors' file.
    """
    path = name / WEIGHTS if name.is_dir() else name
    if path.suffix != ".safetensors":
        raise ZooError(f"{path}: only safetensors are published; first run zoo package {path} NAME")
    tensors, metadata = read_safetensors(path)
    method, config = parse_metadata(metadata, path)
    if not licence or not data:
        raise ZooError(f"{path} is not listed: give its licence (--licence) and training data (--data)")
    if "provenance" in metadata:
        raise ZooError(f"{path} was converted from the authors' file and is not redistributable")
    module = build_model(method, config)
    load_state(module, tensors, f"{path} does not fit {method}")
    body = str(config.get("body", "none"))
    kind = {"open": "open", "mano": "mano", "none": "none"}.get(body, "smpl")
    entry = Checkpoint(
        name=metadata.get("name", f"{method}.custom"),
        method=method,
        summary=f"weights for {method}",
        availability="bundled",
        inputs="RGB in [0, 1], one person per crop",
        outputs="joints, and the mesh if the method has one, camera frame, metres",
        body=kind,  # type: ignore[arg-type]
        licences=Licences(licence, data, redistributable=True),
        file=path.name,
        sha256=file_sha256(path),
        bytes=path.stat().st_size,
        parameters=sum(weight.numel() for weight in module.parameters()),
        training=Training(data=data, **parse_training(metadata)),
        results=_own_results(file_sha256(path)),
    )
    return entry, path


def _own_results(sha256: str) -> dict[str, dict[str, float]]:
    """What `zoo test` has stored of a file, by protocol, as it is: without changed settings or the true root depth."""
    stored = sorted((result for result in read_results() if result.weights_sha256 == sha256), key=lambda one: one.date)
    return {
        result.protocol: dict(result.values)
        for result in stored
        if result.root_depth != "given" and "(" not in result.weights
    }


def _config_json(entry: Checkpoint, path: Path) -> str:
    """Content of `config.json`: the SHA-256 that `zoo.load` verifies, and the facts of the entry."""
    facts = {
        "library": "human-mesh-zoo",
        "version": VERSION,
        "name": entry.name,
        "method": entry.method,
        "config": parse_metadata(read_metadata(path), path)[1],
        "licence": entry.licences.weights,
        "file": WEIGHTS,
        "sha256": file_sha256(path),
        "bytes": path.stat().st_size,
        "parameters": entry.parameters,
        "results": entry.results,
    }
    return json.dumps(facts, indent=1, allow_nan=False) + "\n"
