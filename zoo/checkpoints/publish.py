"""`zoo.push`: weights, configuration and model card go to the Hugging Face Hub, if they may."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.checkpoints.files import checked_file, read_safetensors
from zoo.checkpoints.hub import CONFIG, WEIGHTS, explained
from zoo.checkpoints.listing import Checkpoint, Licences, Training, get_checkpoint
from zoo.checkpoints.load import build, described, fill
from zoo.checkpoints.model_card import model_card
from zoo.errors import ZooError
from zoo.resources import VERSION, file_sha256

CARD = "README.md"


@dataclass(frozen=True)
class Published:
    """What `push` published, or would have.

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
        name: entry of `checkpoints.yaml`, or a file of your own (or its folder) written by `zoo package`.
        repo: `user/name`; created when it does not exist.
        revision: branch to commit to; the main branch when None.
        private: whether the repository is private, when it is created.
        licence: of the weights, for a file of your own.
        data: what they were trained on and its licence, for a file of your own.
        dry_run: write nothing and touch no network.

    Raises:
        ZooError: the weights may not be passed on or have no licence, are no weights of the zoo, or the Hub refused.
    """
    entry, path = _own(Path(name), licence, data) if _is_file(name) else _listed(str(name), licence, data)
    refuse_unless_allowed(entry)
    card = model_card(entry, repo)
    contents = {CONFIG: _config(entry, path).encode(), CARD: card.encode()}
    files = {WEIGHTS: path.stat().st_size, **{file: len(content) for file, content in contents.items()}}
    if dry_run:
        return Published(repo, files, card)
    from huggingface_hub import CommitOperationAdd, HfApi

    additions: dict[str, Any] = {WEIGHTS: str(path), **contents}
    operations = [CommitOperationAdd(file, content) for file, content in additions.items()]
    with explained(repo, repo):
        api = HfApi()
        api.create_repo(repo, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(repo, branch=revision, exist_ok=True)
        commit = api.create_commit(repo, operations, commit_message=f"{entry.name}, zoo push", revision=revision)
    return Published(repo, files, card, commit.oid, commit.commit_url)


def refuse_unless_allowed(entry: Checkpoint) -> None:
    """Stop weights that may not be passed on.

    Raises:
        ZooError: they are marked as not redistributable, or have no licence.
    """
    licence = entry.licences.weights.strip()
    if not licence or licence.lower().startswith(("none", "unknown", "not stated")):
        raise ZooError(f"{entry.name} is not published: its weights have no licence ({licence or 'none given'})")
    if not entry.licences.redistributable:
        raise ZooError(f"{entry.name} is not published: its weights may not be passed on ({licence})")


def _is_file(name: str | Path) -> bool:
    return isinstance(name, Path) or name.endswith((".safetensors", ".ckpt")) or Path(name).is_dir()


def _listed(name: str, licence: str | None, data: str | None) -> tuple[Checkpoint, Path]:
    entry = get_checkpoint(name)
    if licence is not None or data is not None:
        raise ZooError(f"licence and data of {entry.name} stand in checkpoints.yaml; they are not yours to give")
    refuse_unless_allowed(entry)  # before asking for a file that could not be published anyway
    return entry, checked_file(entry)


def _own(name: Path, licence: str | None, data: str | None) -> tuple[Checkpoint, Path]:
    """An entry for a file that no list knows, from its metadata and what its owner says."""
    path = name / WEIGHTS if name.is_dir() else name
    if path.suffix != ".safetensors":
        raise ZooError(f"{path}: only safetensors are published; first zoo package {path} NAME")
    tensors, metadata = read_safetensors(path)
    method, config = described(metadata, path)
    if not licence or not data:
        raise ZooError(f"{path} is in no list: say its licence (--licence) and what it was trained on (--data)")
    if "provenance" in metadata:
        raise ZooError(f"{path} was converted from the authors' file and may not be passed on")
    module = build(method, config)
    fill(module, tensors, f"{path} does not fit {method}")
    body = str(config.get("body", "none"))
    known = {"open": "open", "mano": "mano", "none": "none"}.get(body, "smpl")
    entry = Checkpoint(
        name=metadata.get("name", f"{method}.own"),
        method=method,
        summary=f"weights for {method}",
        availability="bundled",
        inputs="RGB in [0, 1], one person per crop",
        outputs="joints, and the mesh if the method has one, camera frame, metres",
        body=known,  # type: ignore[arg-type]
        licences=Licences(licence, data, redistributable=True),
        config=config,
        file=path.name,
        sha256=file_sha256(path),
        bytes=path.stat().st_size,
        parameters=sum(weight.numel() for weight in module.parameters()),
        training=Training(data=data),
    )
    return entry, path


def _config(entry: Checkpoint, path: Path) -> str:
    """What `zoo.load` checks the weights against, and what machines want to know."""
    facts = {
        "library": "human-mesh-zoo",
        "version": VERSION,
        "name": entry.name,
        "method": entry.method,
        "config": entry.config,
        "licence": entry.licences.weights,
        "file": WEIGHTS,
        "sha256": file_sha256(path),
        "bytes": path.stat().st_size,
        "parameters": entry.parameters,
        "results": entry.results,
    }
    return json.dumps(facts, indent=1) + "\n"
