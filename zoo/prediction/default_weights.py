"""The weights of `zoo predict`, `zoo demo` and `zoo app` where the user names none."""

from __future__ import annotations

NAME = "hemlets"
"""Of the bundled ones: the smallest error of meshes on `open-v2`, and none is better on LSP."""
