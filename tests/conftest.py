"""Shared test setup: shape annotations are checked at run time, and one thread per test process."""

from jaxtyping import install_import_hook

install_import_hook(["body", "metrics", "datamodules", "lightning_modules", "zoo"], "beartype.beartype")

import torch  # noqa: E402

torch.set_num_threads(1)
