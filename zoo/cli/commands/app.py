"""A page in the browser: drop a picture or a clip, see and download its people."""

from __future__ import annotations

import argparse

from zoo.errors import ZooError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo app`."""
    parser.add_argument("--port", type=int, help="of the page (default: the first free one from 7860)")
    parser.add_argument("--open", action="store_true", help="in the browser at once")


def run(arguments: argparse.Namespace) -> int:
    """Serve the page on this computer until Ctrl-C."""
    from zoo.app.page import make_page

    if arguments.port is not None and not 0 < arguments.port < 65536:
        raise ZooError("--port is between 1 and 65535")
    page = make_page()
    try:
        page.launch(server_name="127.0.0.1", server_port=arguments.port, inbrowser=arguments.open, share=False)
    except OSError as error:
        raise ZooError(f"the page cannot be served ({error}); name another --port") from None
    return 0
