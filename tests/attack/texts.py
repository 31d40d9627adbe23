"""Attacks by texts: names in a page that a browser opens, configurations that somebody shares."""

import json
import random
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import yaml

from body.skeleton import get_skeleton
from tests.attack.mutations import Attack, mutations, read_as
from zoo.cli.lightning_arguments import parse_run_options
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config
from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.viewer import viewer_html

_HTML = [
    *("<script>", "</script>", "</title>", "<!--", "-->", "--!>", "]]>", "<![CDATA[", "<svg/onload=alert(1)>", "<"),
    *('"', "'", "&", "&lt;", "&#x3c;", "`", "${1}", "\\1", "\\u003c", "\\", "{{", "__TITLE__", "__DATA__", " ", "="),
    *("\u2028", "\u202e", "\x07", "\x1b[2J", "\udce9", "javascript:", "style=", "onerror=", "\ufeff", "é", "\n"),
]


class _Page(HTMLParser):
    """Tags with their attributes, and the text in each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[object] = []
        self.texts: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        tag = str(self.tags[-1][0]) if self.tags else ""  # type: ignore[index]
        self.texts[tag] = self.texts.get(tag, "") + data

    def handle_comment(self, data: str) -> None:
        self.tags.append(data)


def pages(count: int, folder: Path) -> Attack:
    """Names of files and models in the viewer: the page keeps its elements, and the name is in it as text."""
    rng = random.Random(0)
    points = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
    person = Person(
        points, points[:, :2], get_skeleton("smpl24"), points, np.zeros((1, 3), int), (0.0, 0.0, 9.0, 9.0), "box"
    )
    source = SourceImage(np.zeros((8, 8, 3), np.uint8), np.diag([9.0, 9.0, 1.0]), "x")

    def parse(title: str) -> _Page:
        return _Page(viewer_html([person], source, title).encode(errors="replace").decode())

    plain = parse("name")

    def attempt(name: str) -> None:
        page, readable = parse(name), name.encode(errors="replace").decode()
        if page.tags != plain.tags or page.texts["title"].strip() != readable.strip():
            raise AssertionError("the name became markup, or other text")
        if page.texts["script"] != plain.texts["script"]:
            raise AssertionError("the name became a script, or data")

    for _ in range(count):
        name = "".join(rng.choices(_HTML, k=rng.randrange(1, 9))) or "x"
        yield f"name {name!a}", lambda name=name: attempt(f"x{name}x")


def configurations(count: int, folder: Path) -> Attack:
    """Mutated and hostile YAML, up to where a run would be built: nothing is run, and only our classes are named."""
    good = yaml.safe_dump(read_config(find_config("hemlets/open_tiny")))
    marker = folder / "marker"

    def parse(path: Path) -> None:
        options = parse_run_options(["fit", "--config", str(path)])
        text = next(word for word in options.arguments if word.startswith("--config="))
        named = [line.split(":")[1].strip() for line in text.splitlines() if line.strip().startswith("class_path:")]
        if any("." in name and name.split(".")[0] not in _OURS for name in named):
            raise AssertionError(f"it may name {named}")
        if marker.exists():
            raise AssertionError("code ran")

    for label, data in mutations(good.encode(), count):
        yield label, lambda data=data: read_as(folder, "a.yaml", data, parse)
    for label, make in _HOSTILE.items():
        yield label, lambda make=make: read_as(folder, "a.yaml", make(good, str(marker)).encode(), parse)


_OURS = ("lightning_modules", "datamodules", "pytorch_lightning", "lightning_fabric", "torch")
_HOSTILE: dict[str, Callable[[str, str], str]] = {
    "nested lists": lambda good, _: good + "x: " + "[" * 20_000,
    "nested mappings": lambda good, _: good + "x: " + "{a: " * 20_000,
    "alias bomb": lambda good, _: (
        good + "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    ),
    "itself": lambda good, _: good + "x: &x [*x]\n",
    "merges": lambda good, _: good + "m: &m {a: 1}\n" + "".join(f"m{n}: {{<<: *m}}\n" for n in range(5_000)),
    "merges of merges": lambda good, _: (
        good + "m0: &m0 {a: 1}\n" + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 60))
    ),
    "date": lambda good, _: good + "x: 2026-02-31\n",
    "time": lambda good, _: good + "x: 2026-02-01 99:99:99\n",
    "object tag": lambda good, marker: good + f"x: !!python/object/apply:os.system ['touch {marker}']\n",
    "class in a list": lambda good, marker: (
        good + json.dumps({"x": [[{"class_path": "subprocess.Popen", "init_args": {"args": f"touch {marker}"}}]]})
    ),
    "class": lambda good, marker: good.replace("lightning_modules.", "os.") + f"# {marker}",
    "relative class": lambda good, _: good.replace("lightning_modules.hemlets", "lightning_modules..os"),
    "base of itself": lambda good, _: good + "base: a.yaml\n",
    "base elsewhere": lambda good, _: good + "base: /etc/passwd\n",
    "base device": lambda good, _: good + "base: /dev/zero\n",
    "huge number": lambda good, _: good + "x: " + "9" * 100_000 + "\n",
    "huge base 60": lambda good, _: good + "x: 1" + ":59" * 10_000 + "\n",
    "huge exponent": lambda good, _: good + "x: 1.0e+999999999\n",
    "binary": lambda good, _: good + "x: !!binary ////=\n",
    "set and pairs": lambda good, _: good + "x: !!set {a, b}\ny: !!omap [a: 1]\nz: !!pairs [a: 1]\n",
    "keys of any kind": lambda good, _: good + "? [a, b]\n: 1\n",
    "null keys": lambda good, _: good + "? \n: 1\n1: 2\ntrue: 3\n",
    "long": lambda good, _: good + "#" * 10_000_000,
    "zero bytes": lambda good, _: good + "\0" * 1000,
}
