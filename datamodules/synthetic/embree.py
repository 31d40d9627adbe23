"""Embree's own interface, through ctypes, to the library that the embreex wheel brings.

embreex copies meshes number by number and builds for very many rays, which takes longer than all rays of a picture.
Here embree reads numpy's memory and builds for few rays. Rays go in packets of 16, as embree stores them.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

_Pointer = ctypes.c_void_p
_TRIANGLES, _LOW_QUALITY, _ROBUST = 0, 0, 4  # RTC_GEOMETRY_TYPE_TRIANGLE, RTC_BUILD_QUALITY_LOW, RTC_SCENE_FLAG_ROBUST
_INDEX, _VERTEX, _UINT3, _FLOAT3 = 0, 1, 0x5003, 0x9003  # RTCBufferType, RTCFormat
LANES = 16
"""Rays of a packet."""
_ROWS = 21  # of RTCRayHit16: 12 of the ray, 9 of the hit, each of 16 numbers of 4 bytes
_TFAR, _MASK, _U, _V, _FACE = 8, 9, 15, 16, 17
_FOLDERS = ("embreex.libs", ".dylibs")  # where wheels for Linux and Windows, and for macOS, have their libraries
_memory = threading.local()


class _Arguments(ctypes.Structure):
    """RTCIntersectArguments and RTCOccludedArguments."""

    _fields_ = (("flags", ctypes.c_uint), ("features", ctypes.c_uint), ("nothing", ctypes.c_void_p * 5))


_ALIKE, _ANYHOW = _Arguments(1 << 16, 0xFFFFFFFF), _Arguments(0, 0xFFFFFFFF)  # rays of a packet; all features


@cache
def _library() -> ctypes.CDLL:
    """The library, with the types of what is called.

    Raises:
        ImportError: embreex is missing or brings no embree 4.
    """
    package = find_spec("embreex")
    beside = [] if package is None or package.origin is None else [Path(package.origin).parents[k] for k in (0, 1)]
    found = [file for folder in beside for file in folder.glob("*/*embree4*") if file.parent.name in _FOLDERS]
    if not found:
        raise ImportError("open-v2 renders with embree 4, which comes with pip install 'embreex>=4.4'")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rtcNewDevice", "rtcNewScene", "rtcNewGeometry"):
        getattr(library, name).restype = _Pointer
    library.rtcNewDevice.argtypes = [ctypes.c_char_p]
    library.rtcNewScene.argtypes = [_Pointer]
    library.rtcNewGeometry.argtypes = [_Pointer, ctypes.c_int]
    library.rtcSetSceneBuildQuality.argtypes = [_Pointer, ctypes.c_int]
    library.rtcSetGeometryBuildQuality.argtypes = [_Pointer, ctypes.c_int]
    library.rtcSetSceneFlags.argtypes = [_Pointer, ctypes.c_int]
    library.rtcSetSharedGeometryBuffer.argtypes = [
        _Pointer, ctypes.c_int, ctypes.c_uint, ctypes.c_int, _Pointer, *[ctypes.c_size_t] * 3
    ]  # fmt: skip
    library.rtcAttachGeometry.argtypes = [_Pointer, _Pointer]
    for name in ("rtcCommitGeometry", "rtcReleaseGeometry", "rtcCommitScene", "rtcReleaseScene"):
        getattr(library, name).argtypes = [_Pointer]
        getattr(library, name).restype = None
    for name in ("rtcIntersect16", "rtcOccluded16"):
        getattr(library, name).argtypes = [_Pointer] * 4
        getattr(library, name).restype = None
    return library


@cache
def _device() -> int:
    """One for the process, without threads of its own: whoever renders much has a process for each core."""
    return int(_library().rtcNewDevice(b"threads=1,set_affinity=0"))


class TriangleScene:
    """Triangles that rays can be cast against.

    Args:
        vertices: points.
        faces: their triangles; at least one.
        robust: no ray may slip between two triangles, as `body.raycast.RayScene`.
    """

    def __init__(
        self, vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], robust: bool = False
    ) -> None:
        library = _library()
        self._vertices = np.zeros((len(vertices) + 1, 3), np.float32)  # embree reads 16 bytes at once
        self._vertices[:-1] = vertices
        self._faces = np.ascontiguousarray(faces, np.int32)
        self._scene = library.rtcNewScene(_device())
        library.rtcSetSceneBuildQuality(self._scene, _LOW_QUALITY)
        library.rtcSetSceneFlags(self._scene, _ROBUST if robust else 0)
        geometry = library.rtcNewGeometry(_device(), _TRIANGLES)
        library.rtcSetGeometryBuildQuality(geometry, _LOW_QUALITY)
        share = library.rtcSetSharedGeometryBuffer
        share(geometry, _INDEX, 0, _UINT3, self._faces.ctypes.data, 0, 12, len(self._faces))
        share(geometry, _VERTEX, 0, _FLOAT3, self._vertices.ctypes.data, 0, 12, len(vertices))
        library.rtcCommitGeometry(geometry)
        library.rtcAttachGeometry(self._scene, geometry)
        library.rtcReleaseGeometry(geometry)
        library.rtcCommitScene(self._scene)

    def __del__(self) -> None:
        if getattr(self, "_scene", None):
            _library().rtcReleaseScene(self._scene)

    def intersect(
        self, origins: Float[np.ndarray, "#rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[
        Int[np.ndarray, " rays"], Float[np.ndarray, " rays"], Float[np.ndarray, " rays"], Float[np.ndarray, " rays"]
    ]:
        """First hit of every ray: face (-1 for none), weights of its second and third corner, and distance."""
        packets = self._cast("rtcIntersect16", _ALIKE, origins, directions)
        rows = (packets.view(np.int32)[:, _FACE], packets[:, _U], packets[:, _V], packets[:, _TFAR])
        face, u, v, distance = (row.reshape(-1)[: len(directions)] for row in rows)
        return face, u, v, distance

    def occluded(
        self, origins: Float[np.ndarray, "#rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Bool[np.ndarray, " rays"]:
        """Whether anything lies along every ray."""
        packets = self._cast("rtcOccluded16", _ANYHOW, origins, directions)
        return packets[:, _TFAR].reshape(-1)[: len(directions)] < 0

    def _cast(
        self,
        query: str,
        rays: _Arguments,
        origins: Float[np.ndarray, "#rays 3"],
        directions: Float[np.ndarray, "rays 3"],
    ) -> Float[np.ndarray, "packets 21 16"]:
        """Packets with what embree wrote; they stay valid until the next call."""
        count = -(-len(directions) // LANES)
        packets, valid = _packets(count)
        _fill(packets[:, 0:3], origins, count)
        _fill(packets[:, 4:7], directions, count)
        packets[:, _TFAR] = np.inf
        packets.view(np.uint32)[:, _FACE : _FACE + 2] = 0xFFFFFFFF
        cast, start, step = getattr(_library(), query), packets.ctypes.data, packets.strides[0]
        # converted once, not for every packet
        scene, mask, arguments = _Pointer(self._scene), _Pointer(valid.ctypes.data), _Pointer(ctypes.addressof(rays))
        for address in range(start, start + count * step, step):
            cast(mask, scene, address, arguments)
        return packets


def _fill(rows: Float[np.ndarray, "packets 3 16"], rays: Float[np.ndarray, "rays 3"], count: int) -> None:
    """Numbers of rays into packets; lanes that are left over repeat the last ray, a single one is for all."""
    if len(rays) == 1:
        rows[:] = rays.reshape(3, 1)
        return
    whole = len(rays) // LANES
    for axis in range(3):
        rows[:whole, axis] = rays[: whole * LANES, axis].reshape(whole, LANES)
    if count > whole:
        rest = rays[whole * LANES :]
        rows[whole, :, : len(rest)] = rest.T
        rows[whole, :, len(rest) :] = rest[-1:].T


def _packets(count: int) -> tuple[Float[np.ndarray, "packets 21 16"], Int[np.ndarray, " 16"]]:
    """Memory for packets and the mask of lanes, both at multiples of 64 bytes; used again by every call of a thread."""
    size = _ROWS * LANES
    if getattr(_memory, "count", 0) < count:
        memory = np.zeros(count * size + 2 * LANES + LANES, np.float32)
        first = -(memory.ctypes.data // 4) % LANES
        _memory.mask = memory[first : first + LANES].view(np.int32)
        _memory.mask[:] = -1
        _memory.packets = memory[first + LANES : first + LANES + count * size].reshape(count, _ROWS, LANES)
        numbers = _memory.packets.view(np.uint32)  # rays start at 0 and at time 0, without flags: what embree leaves
        numbers[:, [_MASK, *range(_FACE, _ROWS)]] = 0xFFFFFFFF
        _memory.count = count
    return _memory.packets[:count], _memory.mask
