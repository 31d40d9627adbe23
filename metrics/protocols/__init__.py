"""Evaluation protocols: named, frozen statements of what a number means. One small file per family of benchmarks."""

from body.choices import unknown_name
from metrics.distance import MedianMPJPE
from metrics.info import MetricInfo
from metrics.protocol import Protocol
from metrics.protocols.coco import COCO, DENSEPOSE
from metrics.protocols.freihand import FREIHAND
from metrics.protocols.human36m import HUMAN36M
from metrics.protocols.humaneva import HUMANEVA
from metrics.protocols.installed import Protocols
from metrics.protocols.lsp import LSP
from metrics.protocols.mpi_inf_3dhp import MPI_INF_3DHP, MUPOTS
from metrics.protocols.open_benchmark import OPEN, OPEN_V2
from metrics.protocols.own import OWN
from metrics.protocols.pw3d import PW3D
from metrics.protocols.surreal import SURREAL
from metrics.protocols.up3d import UP3D, UPI

__all__ = [
    "METRIC_INFO",
    "METRIC_UNITS",
    "PROTOCOLS",
    "Protocol",
    "get_protocol",
]

PROTOCOLS = Protocols(
    {
        protocol.id: protocol
        for family in (
            *(OPEN, OPEN_V2, HUMAN36M, HUMANEVA, MPI_INF_3DHP, MUPOTS, SURREAL, UP3D, UPI),
            *(PW3D, FREIHAND, COCO, DENSEPOSE, LSP, OWN),
        )
        for protocol in family
    }
)
"""Every protocol by its id, those of installed packages among them."""

METRIC_INFO: dict[str, MetricInfo] = {
    **{name: info for protocol in PROTOCOLS.own.values() for name, info in protocol.info.items()},
    MedianMPJPE.name: MedianMPJPE.info,
}
"""Unit, label and direction of every metric that a protocol of this project or a reported table names."""

METRIC_UNITS: dict[str, str] = {name: info.unit for name, info in METRIC_INFO.items()}
"""Unit of every metric."""


def get_protocol(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        KeyError: no such protocol; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise KeyError(unknown_name("protocol", name, PROTOCOLS))
    return PROTOCOLS[name]
