"""Definitions of the evaluation protocols, or one of them in full."""

from __future__ import annotations

import argparse
import dataclasses
import textwrap

from body.choices import unknown_name
from metrics import PROTOCOLS, Protocol
from zoo.cli.json_output import print_json
from zoo.errors import ZooError

_WIDTH, _NAME = 80, 26


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo protocols`."""
    parser.add_argument("protocol", nargs="?", metavar="ID", help="one protocol in full")


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or everything about one protocol.

    Raises:
        ZooError: no such protocol.
    """
    if arguments.protocol not in (None, *PROTOCOLS):
        raise ZooError(unknown_name("protocol", arguments.protocol, PROTOCOLS) + " (zoo protocols lists them)")
    chosen = [PROTOCOLS[arguments.protocol]] if arguments.protocol else list(PROTOCOLS.values())
    if arguments.json:
        print_json({protocol.id: document(protocol) for protocol in chosen})
        return 0
    if arguments.protocol:
        joints = f"\n\nJoints: {', '.join(chosen[0].joints)}." if chosen[0].joints else ""
        print("\n\n".join(_fill(part) for part in (chosen[0].describe() + joints).split("\n\n")))
        return 0
    for benchmark in dict.fromkeys(protocol.benchmark for protocol in chosen):
        print(_fill(benchmark))
        for protocol in chosen:
            if protocol.benchmark == benchmark:
                print(_fill(_line(protocol), _NAME + 2))
    print(
        f"\n{len(chosen)} protocols; zoo protocols ID describes one.\nNumbers are only comparable within one protocol."
    )
    return 0


def document(protocol: Protocol) -> dict[str, object]:
    """Every field of a protocol with its metrics' units and directions, as plain values."""
    metrics = {name: dataclasses.asdict(info) for name, info in protocol.info.items()}
    return {**protocol.facts(), "metrics": metrics, "description": protocol.describe()}


def _fill(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def _line(protocol: Protocol) -> str:
    """Id, metrics, joints, and its name in papers or its split and frames."""
    labels = [info.label for info in protocol.info.values()]
    metrics = ", ".join(labels[:4]) + (" and more" if len(labels) > 4 else "")
    joints = f"; {len(protocol.joints)} joints" if len(protocol.joints) > 1 else ""
    return f"  {protocol.id:<{_NAME}}{metrics}{joints}; {protocol.aka or f'{protocol.split}; {protocol.frames}'}"
