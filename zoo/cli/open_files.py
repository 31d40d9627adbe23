"""How many files a run may have open: a loader's workers that may not open another one wait for ever."""

from __future__ import annotations

from zoo.errors import ZooError

FEWEST, USUAL = 256, 1024


def allow_open_files() -> None:
    """Raise the process's limit where it is lower than usual, as far as the system lets it.

    Raises:
        ZooError: it stays too low for a run with worker processes.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= USUAL:
        return
    most = USUAL if hard == unlimited else min(USUAL, hard)
    if most < FEWEST:
        raise ZooError(f"at most {most} files may be open at once, too few for a run; set ulimit -n {USUAL}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
