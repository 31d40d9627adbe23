"""The open benchmark `open-v1`: images of people that nobody has to ask for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datamodules.synthetic.datamodule import SyntheticDataModule as SyntheticDataModule

__all__ = ["SyntheticDataModule"]


def __getattr__(name: str) -> Any:
    """Import Lightning only when the datamodule is asked for: the processes that make samples do without."""
    if name == "SyntheticDataModule":
        from datamodules.synthetic.datamodule import SyntheticDataModule

        return SyntheticDataModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
