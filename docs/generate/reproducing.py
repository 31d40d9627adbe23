"""The pages on reproducing the papers: every row of every table with its commands, from what `zoo reproduce` knows."""

from __future__ import annotations

from zoo.reproduction.needs import needs_of
from zoo.reproduction.plan import Mode, Plan, plan_row
from zoo.reproduction.show import command_of, cost_of, numbers_of
from zoo.results.reported import ReportedPaper, ReportedTable, read_reported

_START = """# Reproducing the papers

Each row of each table in the papers is data here: what it reports, the trainings that lead to it, the test that
measures it. These pages are made from that data; `zoo reproduce` prints the same and runs it:

```bash
zoo reproduce i2l_meshnet --table 6                    # rows, commands, what they need and what of it is here
zoo reproduce i2l_meshnet --table 6 --run              # run what can be run; reported beside measured
zoo reproduce i2l_meshnet --table 6 --official --run   # the authors' weights, once converted, instead of a training
zoo reproduce hemlets --table 4 --open --run           # the same ablation at small size on the open benchmark
```

A number counts as reproduced within the tolerance that stands beside it. What was measured so far is on the
[leaderboard](../leaderboard/index.md), in columns of its own; the trainings of the papers need their benchmarks and
GPUs, and none was run in full by us.

| paper | tables | rows with commands | rows with a reason against |
|---|---|---|---|
"""


def reproducing() -> dict[str, str]:
    """An overview, and a page of each paper."""
    papers = [paper for paper in read_reported() if paper.tables]
    plans = {paper.method: _plans(paper) for paper in papers}
    rows = "".join(_overview(paper, plans[paper.method]) for paper in papers)
    pages = {f"reproducing/{paper.method}.md": _page(paper, plans[paper.method]) for paper in papers}
    return {"reproducing/index.md": _START + rows, **pages}


def _plans(paper: ReportedPaper) -> list[tuple[ReportedTable, list[Plan]]]:
    return [
        (table, [plan for row in table.rows for plan in plan_row(paper, table, row, Mode())]) for table in paper.tables
    ]


def _overview(paper: ReportedPaper, plans: list[tuple[ReportedTable, list[Plan]]]) -> str:
    runnable = sum(bool(plan.stages) for _, of_table in plans for plan in of_table)
    quoted = sum(not plan.stages for _, of_table in plans for plan in of_table)
    numbers = ", ".join(dict.fromkeys(table.table for table, _ in plans))
    return f"| [{paper.name}]({paper.method}.md) | {numbers} | {runnable} | {quoted} |\n"


def _page(paper: ReportedPaper, plans: list[tuple[ReportedTable, list[Plan]]]) -> str:
    parts = [f"# {paper.name}\n\nThe method: [`{paper.method}`](../methods/{paper.method}.md).\n"]
    parts.extend(_table(table, of_table) for table, of_table in plans)
    return "\n".join((*parts, _needs(plans)))


def _table(table: ReportedTable, plans: list[Plan]) -> str:
    parts = [f"## {table.heading}\n"]
    parts.extend(_row(table, plan) for plan in plans if plan.stages)
    for reason in dict.fromkeys(plan.reason for plan in plans if not plan.stages):
        labels = ", ".join(dict.fromkeys(plan.label for plan in plans if plan.reason == reason and not plan.stages))
        parts.append(f"Not run: {labels}: {reason}.\n")
    return "\n".join(parts)


def _needs(plans: list[tuple[ReportedTable, list[Plan]]]) -> str:
    needs = needs_of(stage for _, of_table in plans for plan in of_table for stage in plan.stages)
    named = (f"{need.name}{f': {need.how_to_get}' if need.how_to_get else ''}" for need in needs)
    return "## What the rows need\n\n" + "\n".join(f"- {text}" for text in named) + "\n"


def _row(table: ReportedTable, plan: Plan) -> str:
    trainings = (f"{command_of(stage)}  # {cost_of(stage)}" for stage in plan.stages[:-1])
    commands = "\n".join((*trainings, command_of(plan.stages[-1])))
    note = f"\n    {plan.note}\n" if plan.note else ""
    indented = "\n".join(f"    {line}" for line in commands.splitlines())
    title = f"{plan.label}: {numbers_of(table, plan, small=False)}".replace('"', "'")
    return f'??? note "{title}"\n{note}\n    ```bash\n{indented}\n    ```\n'
