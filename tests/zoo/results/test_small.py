"""Ablations at small size: what is said of their order, and the files that ship."""

import pytest

from zoo.results.leaderboard import leaderboard, sections
from zoo.results.orders import order_sentence
from zoo.results.reported import read_reported
from zoo.results.reported.tables import ReportedRow, ReportedTable
from zoo.results.small import SmallRun, SmallTable, read_small_tables, write_small_table


def small(**values):
    """A table whose rows have these values of two seeds."""
    runs = [
        SmallRun(f"M, {name}", seed, {"mpjpe": value}, 600, "box", "0", (), "2026-01-01T00:00:00Z", "cpu")
        for name, pair in values.items()
        for seed, value in enumerate(pair)
    ]
    return SmallTable("m", "4", "Losses", tuple(runs))


PAPER = ReportedTable(
    "4", "Losses", "open-v1", {"mpjpe": "mm"},
    tuple(ReportedRow("M", own=True, settings=name, values={"mpjpe": value})
          for name, value in {"a": 40.0, "b": 50.0, "c": 60.0, "d": 60.0}.items()),
)  # fmt: skip


def test_orders_are_counted_seed_by_seed():
    """Rows a and b come in the paper's order with one seed of two, c before neither; c and d are printed alike."""
    found = order_sentence(small(a=(100.0, 90.0), b=(90.0, 100.0), c=(80.0, 85.0), d=(110.0, 120.0)), PAPER)
    assert found == (
        "of the paper's 5 orders of two rows by MPJPE mm 2 show with every seed, 1 with some ('a' ahead of 'b'), "
        "2 with none ('a' ahead of 'c'; 'b' ahead of 'c'); trainings of one row lie up to 10.0 apart"
    )
    assert order_sentence(small(a=(1.0, 2.0)), PAPER) == ""


def test_what_is_written_is_read_again(tmp_path):
    table = small(a=(1.0, 2.0), b=(3.0, 4.0))
    assert write_small_table(table, tmp_path).name == "m_table-4_losses.json"
    assert read_small_tables(tmp_path) == [table]


@pytest.mark.parametrize("table", read_small_tables(), ids=lambda table: f"{table.method} {table.table}")
def test_shipped_tables_have_every_row_with_two_seeds(table):
    paper = next(paper for paper in read_reported() if paper.method == table.method)
    printed = next(one for one in paper.tables if (one.table, one.title) == (table.table, table.title))
    labels = [", ".join(text for text in (row.method, row.settings) if text) for row in printed.rows if row.own]
    assert [(run.row, run.seed) for run in table.runs] == [(label, seed) for label in labels for seed in (0, 1)]
    assert all(run.samples == 600 and run.root_depth != "given" for run in table.runs)
    assert len({run.weights_sha256 for run in table.runs}) == len(table.runs)
    title = f"{paper.name}, table {table.table} at small size: {table.title}"
    (section,) = [part for part in sections(leaderboard("open-v1")) if part.title == title]
    assert order_sentence(table, printed)[1:] in section.text
    assert all(row.source.startswith("2 seeds: ") for row in section.rows)
