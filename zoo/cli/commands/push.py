"""Publish weights on the Hugging Face Hub, with their configuration and a model card."""

from __future__ import annotations

import argparse
import dataclasses

from zoo.cli.json_output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo push`."""
    parser.add_argument("name", help="weights of the zoo (see zoo list), a .safetensors file, or a folder with one")
    parser.add_argument("--repo", required=True, help="user/name; created when it does not exist")
    parser.add_argument("--revision", help="branch to commit to (default: main)")
    parser.add_argument("--private", action="store_true", help="when the repository is created")
    parser.add_argument("--licence", help="for a file that is not listed, such as Apache-2.0")
    parser.add_argument("--data", help="for a file that is not listed: training data and their licence")
    parser.add_argument("--dry-run", action="store_true", help="print what would be published, send no request")


def run(arguments: argparse.Namespace) -> int:
    """Publish and print how to load it, or print the files and the card."""
    from zoo.checkpoints.publish import push

    done = push(
        arguments.name,
        arguments.repo,
        revision=arguments.revision,
        private=arguments.private,
        licence=arguments.licence,
        data=arguments.data,
        dry_run=arguments.dry_run,
    )
    if arguments.json:
        print_json(dataclasses.asdict(done))
        return 0
    if arguments.dry_run:
        for name, size in done.files.items():
            print(f"{name}: {size:,} bytes")
        print(f"\n{done.card}", end="")
        return 0
    print(done.url)
    print(f'zoo.load("{done.repo}", revision="{done.commit}")')
    return 0
