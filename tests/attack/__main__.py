"""`python -m tests.attack [COUNT]`: inputs tried, answered and refused by class; ends with 1 if anything else happened.

An input is survived when it is answered, or refused with the error that users are meant to read, within seconds.
"""

import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.attack.classes import CLASSES, REFUSALS

SECONDS, MEMORY = 20.0, 6 * 2**30


def attack(name: str, count: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """How many inputs of a class were answered, refused, or broke something, and what broke."""
    outcomes, broken = Counter[str](), []
    for number, (label, work) in enumerate(CLASSES[name](count, folder)):
        start = time.monotonic()
        try:
            work()
            outcome = "answered"
        except REFUSALS:
            outcome = "refused"
        except Exception as error:
            outcome = "broke"
            broken.append(f"{name} {number} ({label}): {type(error).__name__}: {str(error)[:150]}")
        if time.monotonic() - start > SECONDS:
            outcome = "broke"
            broken.append(f"{name} {number} ({label}): took {time.monotonic() - start:.0f} s")
        outcomes[outcome] += 1
    return outcomes, broken


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    table, everything = Table("class", "tried", "answered", "refused", "broke", "seconds"), []
    with tempfile.TemporaryDirectory() as folder:
        for name in CLASSES:
            start = time.monotonic()
            outcomes, broken = attack(name, count, Path(folder))
            numbers = [sum(outcomes.values()), *(outcomes[one] for one in ("answered", "refused", "broke"))]
            table.add_row(name, *map(str, numbers), f"{time.monotonic() - start:.1f}")
            everything += broken
    Console().print(table)
    for line in everything:
        print(line)
    return int(bool(everything))


if __name__ == "__main__":
    sys.exit(main())
