"""Pages that are made from the code: one function each, Markdown."""

from __future__ import annotations

import re

from generate.command_line import command_line
from generate.figures import has_picture
from generate.figures.networks import NETWORKS
from generate.links import documents, relink
from generate.notebooks import tutorials
from generate.reproducing import reproducing
from metrics.protocols import PROTOCOLS
from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.model_card import model_card
from zoo.results.leaderboard import leaderboard as all_rows
from zoo.results.leaderboard.markdown import as_markdown
from zoo.results.leaderboard.sections import sections


def make_pages() -> dict[str, str]:
    """Page -> Markdown."""
    pages = documents()
    for method in NETWORKS:
        page = f"methods/{method}.md"
        title, _, rest = pages[page].partition("\n")
        pages[page] = f"{title}\n\n{_figures(method)}\n{rest}"
    return {
        **pages,
        "guide/command_line.md": command_line(),
        "guide/weights.md": weights(),
        "concepts/protocols.md": protocols(),
        **leaderboard(),
        **reproducing(),
        **tutorials(),
    }


def _figures(method: str) -> str:
    return (
        "<div class='figure' markdown>\n"
        f"[![The network of {method}: its parts with the shapes that they hand on](../figures/{method}_network.svg)]"
        f"(../figures/{method}_network.svg)\n"
        "*The network as released, with the shapes of one image; a click enlarges it.*\n\n"
        "</div>\n\n<div class='figure' markdown>\n"
        f"![An image, what the network makes of it on the way, and the result](../figures/{method}_example.jpg)\n"
        "*The bundled weights on a test image of open-v2. Both figures are drawn when this site is built.*\n"
        "</div>\n"
    )


def protocols() -> str:
    """Every named protocol in words."""
    parts = [
        "# Protocols\n\nTwo numbers compare only when they were measured in the same way. A protocol is that way, as "
        "an object with a name: `zoo protocols ID` prints one, and every result file names its own.\n"
    ]
    by_benchmark: dict[str, list[str]] = {}
    for protocol in PROTOCOLS.values():
        by_benchmark.setdefault(protocol.benchmark, []).append(
            f"### {protocol.id}\n\n{protocol.describe().partition(': ')[2]}\n"
        )
    parts.extend(f"## {benchmark}\n\n" + "\n".join(texts) for benchmark, texts in by_benchmark.items())
    return "\n".join(parts)


def weights() -> str:
    """Every entry of checkpoints.yaml: a table, then its model card."""
    entries = read_checkpoints()
    head = "| weights | availability | body | input | output |\n|---|---|---|---|---|\n"
    rows = "\n".join(
        f"| [`{name}`](#{_anchor(name)}) | {entry.availability} | {entry.body} | {entry.inputs} | {entry.outputs} |"
        for name, entry in entries.items()
    )
    cards = "\n\n".join(_card(name, entry) for name, entry in entries.items())
    return (
        "# Weights\n\n`bundled` weights come with the package, `hub` ones are downloaded when they are first loaded, "
        "`official` ones only their authors may distribute (`zoo fetch NAME` says where, `zoo convert` makes them "
        f"loadable), of `none` there are none.\n\n{head}{rows}\n\n{cards}\n"
    )


def _card(name: str, entry: Checkpoint) -> str:
    picture = f"../figures/{name}.jpg" if has_picture(entry) else None
    card = model_card(entry, name, picture).split("---\n", 2)[2]
    card = re.sub(r"^# .*$", "", card, count=1, flags=re.M)
    card = re.sub(r"^(#+) ", r"#\1 ", card, flags=re.M)
    return f"## {name} {{ #{_anchor(name)} }}\n\n{card.strip()}"


def _anchor(name: str) -> str:
    return name.replace(".", "-")


def leaderboard() -> dict[str, str]:
    """A page of results by protocol, what papers compare within themselves, and the same at small size."""
    parts = sections(all_rows())
    main = [part for part in parts if not part.rows[0].table]
    pages = {
        "leaderboard/index.md": (
            "# Leaderboard\n\n**Measured** numbers come from result files of this zoo, **reported** ones are from the "
            "papers; they never share a column, and numbers of different protocols do not compare.\n\n"
            + as_markdown(main)
        ),
        "leaderboard/unstated.md": (
            "# Numbers of unstated protocols\n\nNumbers that papers print without saying all that a protocol says.\n\n"
            + as_markdown([part for part in parts if part.rows[0].table and not part.ablation])
        ),
        "leaderboard/ablations.md": (
            "# Ablations\n\nVariants that the papers compare within themselves.\n\n"
            + as_markdown([part for part in parts if part.ablation and not part.measured])
        ),
        "leaderboard/open_ablations.md": (
            "# Ablations at small size\n\nThe papers' ablations with tiny networks, 200 steps and crops of 64 pixels "
            "on the open benchmark, which anyone can repeat: `zoo reproduce METHOD --table N --open --seeds 2 "
            "--run`. Values are means over seeds; the last column has each seed's. Numbers do not compare with the "
            "papers'; whether rows come in the same order is said with each table.\n\n"
            + as_markdown([part for part in parts if part.ablation and part.measured])
        ),
    }
    return {page: _own_links(text, page) for page, text in pages.items()}


def _own_links(text: str, page: str) -> str:
    text = re.sub(r"^### (.+)$", r"</div>\n\n## \1\n\n<div class='wide' markdown>", text, flags=re.M)
    return relink(text.replace("</div>\n\n", "", 1) + "\n</div>\n", "README.md", page)
