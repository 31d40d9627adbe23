"""The leaderboard as a page and its plots."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from zoo.results.leaderboard import leaderboard
from zoo.results.leaderboard.page import as_html
from zoo.results.leaderboard.plots import LEFT, dot_plot, nice_ticks

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Notes tags, and that each is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    return as_html(leaderboard())


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(page):
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not {"script", "link", "img", "iframe"} & set(parser.seen)
    assert "http" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert {link.removeprefix("#") for link in parser.links} <= set(parser.ids)
    assert len(set(parser.ids)) == len(parser.ids)


def test_light_and_dark(page):
    assert "prefers-color-scheme: dark" in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert set(re.findall(r"var\((--\w+)\)", style)) <= set(re.findall(r"(--\w+):", style))


def test_the_page_has_every_row_and_links_the_methods(page):
    assert page.count("<svg") >= 10
    assert '<a href="#method-hemlets">HEMlets PoSh</a>' in page
    for text in ("39.9", "Simo-Serra et al. 2013", "GPU memory GB", "two variants of the cited paper"):
        assert text in page


def test_marks_stand_where_their_values_are():
    rows = leaderboard("h36m-p1-17j")
    plot = ElementTree.fromstring(dot_plot(rows, "mpjpe"))
    places = [float(mark.get("cx")) - LEFT for mark in plot.iter("circle")]
    values = [row.values["mpjpe"] for row in rows]
    assert len(places) == len(values)
    scale = places[0] / values[0]
    assert places == pytest.approx([value * scale for value in values], abs=0.2)
    assert dot_plot(rows, "pve") == ""


@pytest.mark.parametrize("largest", [0.3, 1.0, 7.0, 83.3, 100.0, 162.1, 12345.0])
def test_ticks_are_round_and_few(largest):
    ticks = nice_ticks(largest)
    assert ticks[0] == 0
    assert ticks[-2] < largest <= ticks[-1] * (1 + 1e-9)
    assert 4 <= len(ticks) <= 8
    assert nice_ticks(0.0) == [0.0, 1.0]
