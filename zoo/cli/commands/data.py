"""Benchmarks on disk: check them (exit status 1 if not whole), prepare images, write shards, score their SMPL fits."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules import BENCHMARKS, get_benchmark, get_preparation
from zoo.cli.json_output import print_json
from zoo.errors import ZooError, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from datamodules.files import FileDataModule
    from zoo.environment.data_check import SplitCheck

_RESERVED = ("root", "protocol", "crops", "batch_size", "num_workers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo data`."""
    parser.add_argument("action", choices=("check", "prepare", "shard", "fits"))
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, metavar="NAME", help="; ".join(BENCHMARKS))
    parser.add_argument("--root", type=Path, help="its folder (default: $ZOO_ASSETS/benchmarks/NAME)")
    parser.add_argument("--protocol", help="whose splits are checked (default: the benchmark's first)")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="such as layout=3dmppe")
    parser.add_argument("--read", type=int, default=32, help="samples per split that check reads (default: 32)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write an image of samples with labels, PNG or JPEG")
    parser.add_argument("--out", type=Path, help="new folder that shard writes tar files to")
    parser.add_argument("--split", default="train", help="that shard writes (default: train)")
    parser.add_argument("--shard-samples", type=int, default=1000, help="samples of a tar file (default: 1000)")
    parser.add_argument(
        "--results", type=Path, metavar="FOLDER", help="where fits stores its result (default: nowhere)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of prepare (default: 2)")


def run(arguments: argparse.Namespace) -> int:
    """Check, prepare or shard a benchmark, or score its SMPL fits as predictions; without a name, list them."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if arguments.name is None:
        return _list(console, arguments.json)
    actions = {"check": _check, "prepare": _prepare, "shard": _shard, "fits": _fits}
    return actions[arguments.action](arguments, console)


def _list(console: Console, as_json: bool) -> int:
    """The benchmarks and their folders."""
    if as_json:
        found = {name: _folder_and_protocols(name) for name in BENCHMARKS}
        print_json({name: {"folder": str(text), "protocols": protocols} for name, (text, protocols) in found.items()})
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("benchmark", "folder", "protocols"):
        table.add_column(column, overflow="fold", no_wrap=column == "benchmark")
    for name in BENCHMARKS:
        table.add_row(name, *_folder_and_protocols(name))
    console.print(table)
    return 0


def _folder_and_protocols(name: str) -> tuple[Text, str]:
    from rich.text import Text

    try:
        data = get_benchmark(name)()
    except ValueError as error:  # of an installed package
        return Text(one_line(error), "red"), ""
    try:
        folder = Text(str(data.root), "green")
    except FileNotFoundError:
        folder = Text("missing")
    return folder, ", ".join(data.protocols) or "for training"


def _make_datamodule(arguments: argparse.Namespace) -> FileDataModule:
    from zoo.cli.options import parse_options

    kind = get_benchmark(arguments.name)
    options: dict[str, Any] = parse_options(arguments.option, kind, _RESERVED)
    try:
        root = None if arguments.root is None else str(arguments.root)
        data = kind(root=root, protocol=arguments.protocol, num_workers=0, **options)
        _ = data.root  # raises when there is none
    except (OSError, ValueError, TypeError) as error:
        raise ZooError(one_line(error)) from None
    return data


def _fits(arguments: argparse.Namespace, console: Console) -> int:
    """Score the fits of the test split under the protocol."""
    import dataclasses

    from datamodules.settings import CropSettings
    from metrics import get_protocol
    from zoo.results.evaluation import result_table
    from zoo.results.files import write_result
    from zoo.results.fits import measure_fits

    data = _make_datamodule(arguments)
    if not data.protocol:
        raise ZooError(f"{arguments.name} is for training: no protocol compares its fits with anything")
    try:
        data.use_crops(CropSettings(get_protocol(data.protocol).skeleton, body="smpl", size=32, augmentation=None))
        result = measure_fits(data, data.protocol)
    except (OSError, ValueError) as error:
        raise ZooError(one_line(error)) from None
    if arguments.json:
        print_json(dataclasses.asdict(result))
        return 0
    console.print(result_table(result))
    if arguments.results is not None:
        console.print(f"Stored {write_result(result, arguments.results)}", soft_wrap=True)
    return 0


def _check(arguments: argparse.Namespace, console: Console) -> int:
    from rich.table import Table
    from rich.text import Text

    from zoo.environment.data_check import check_split

    data = _make_datamodule(arguments)
    console.print(f"{arguments.name} in {data.root}", soft_wrap=True)
    if data.protocol:
        console.print(f"protocol {data.protocol}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    checks = []
    for split in data.splits:
        with console.status(f"Reading {split}"):
            checks.append(check_split(data, split, arguments.read))
        table.add_row(split, Text.assemble(*_lines(checks[-1])))
    console.print(table)
    if arguments.plot is not None:
        _plot(data, tuple(check.split for check in checks if check.samples), arguments.plot, console)
    if arguments.json:
        facts = {"benchmark": arguments.name, "root": data.root, "protocol": data.protocol}
        print_json({**facts, "splits": [dataclasses.asdict(check) for check in checks]})
    return int(any(check.problems for check in checks))


def _lines(check: SplitCheck) -> list[Any]:
    """Report on a split: count, labels, notes, problems."""
    total = "" if check.expected is None else f" of {check.expected:,}"
    lines: list[Any] = [f"{check.samples:,}{total} samples" if check.samples is not None else "cannot be read"]
    lines += [f"\n{check.labels}"] if check.labels else []
    lines += [(f"\nnote: {note}", "dim") for note in check.notes]
    return lines + [(f"\nproblem: {problem}", "red") for problem in check.problems]


def _plot(data: FileDataModule, splits: tuple[str, ...], target: Path, console: Console) -> None:
    from body.atomic import atomic_file
    from zoo.environment.contact_sheet import draw_contact_sheet

    if target.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ZooError(f"--plot {target}: the name must end in .png or .jpg")
    try:
        sheet = draw_contact_sheet(data, splits)
    except ValueError as error:
        console.print(f"no image written: {error}")
        return
    import cv2

    success, content = cv2.imencode(target.suffix, sheet[..., ::-1])
    if not success:
        raise ZooError(f"--plot {target}: the image cannot be encoded")
    with atomic_file(target) as partial:
        partial.write_bytes(content.tobytes())
    console.print(target, soft_wrap=True)


def _prepare(arguments: argparse.Namespace, console: Console) -> int:
    from datamodules.jobs import run_jobs
    from zoo.cli.options import parse_options

    preparation = get_preparation(arguments.name)
    if preparation is None:
        console.print(f"{arguments.name} needs no preparation: its files are read as distributed")
        if arguments.json:
            print_json({"done": 0, "skipped": 0, "failed": {}})
        return 0
    if arguments.workers < 1:
        raise ZooError(f"--workers must be at least 1, not {arguments.workers}")
    options = parse_options(arguments.option, preparation, ("root",))
    try:
        root = get_benchmark(arguments.name)(root=arguments.root and str(arguments.root)).root
        jobs = preparation(root, **options)
    except (OSError, ValueError) as error:
        raise ZooError(one_line(error)) from None
    outcome = run_jobs(jobs, arguments.workers, f"Preparing {arguments.name}")
    if arguments.json:
        print_json(dataclasses.asdict(outcome))
    console.print(f"{outcome.done} done, {outcome.skipped} done earlier, {len(outcome.failed)} failed")
    for name, reason in outcome.failed.items():
        console.print(reason if name in reason else f"{name}: {reason}", soft_wrap=True)
    return int(bool(outcome.failed))


def _shard(arguments: argparse.Namespace, console: Console) -> int:
    """Write a split as tar files, its samples in random order: neighbours in videos are alike."""
    import numpy as np
    from rich.progress import track

    from datamodules.shards.write import write_shards

    if arguments.out is None:
        raise ZooError("zoo data shard needs --out, a new folder")
    data = _make_datamodule(arguments)
    try:
        source = data.source(arguments.split)
        order = np.random.default_rng(0).permutation(len(source)).tolist()
        samples = (
            source[number] for number in track(order, f"Writing {arguments.out}", console=console, transient=True)
        )
        index = write_shards(samples, arguments.out, arguments.shard_samples)
    except (OSError, ValueError, KeyError) as error:
        raise ZooError(one_line(error)) from None
    console.print(f"{index.samples:,} samples in {len(index.shards)} shards in {arguments.out}", soft_wrap=True)
    if arguments.json:
        print_json({"samples": index.samples, "shards": len(index.shards), "folder": str(arguments.out)})
    return 0
