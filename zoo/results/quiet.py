"""Lightning without what is no news on a normal run."""

from __future__ import annotations

import logging


def quiet_lightning() -> None:
    """No tips, and no lines about a GPU or TPU that is not there; warnings stay."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.WARNING)
