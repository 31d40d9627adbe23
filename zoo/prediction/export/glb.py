"""Writing of binary glTF 2.0: arrays in one buffer, and the JSON that describes them."""

from __future__ import annotations

import json
import struct
from typing import Any, Literal

import numpy as np

_MAGIC, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942
_COMPONENTS = {np.dtype("u1"): 5121, np.dtype("<u2"): 5123, np.dtype("<u4"): 5125, np.dtype("<f4"): 5126}
_TARGETS = {"vertices": 34962, "indices": 34963}
Kind = Literal["SCALAR", "VEC3", "VEC4", "MAT4"]


class GlbWriter:
    """Collects arrays and objects of a glTF document.

    Attributes:
        document: the JSON; lists of objects are made by `add`.
    """

    def __init__(self, asset: dict[str, Any]) -> None:
        self.document: dict[str, Any] = {"asset": {"version": "2.0", **asset}}
        self._binary = bytearray()

    def add(self, kind: str, **values: Any) -> int:
        """Append an object to a list of the document, such as `nodes`, and give its number."""
        objects = self.document.setdefault(kind, [])
        objects.append(values)
        return len(objects) - 1

    def array(self, values: np.ndarray, kind: Kind, use: str = "", bounds: bool = False) -> int:
        """Append an array; gives the number of its accessor.

        Args:
            values: one row per element, of a type in little-endian order that glTF knows.
            kind: of the elements.
            use: `vertices` or `indices` for those of a mesh.
            bounds: whether to state minimum and maximum, as positions and times must.
        """
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": values.nbytes}
        if use:
            view["target"] = _TARGETS[use]
        self._binary += np.ascontiguousarray(values).tobytes()
        self._binary += bytes(-len(self._binary) % 4)
        accessor: dict[str, Any] = {"componentType": _COMPONENTS[values.dtype], "count": len(values), "type": kind}
        if bounds:
            rows = values.reshape(len(values), -1)
            accessor |= {"min": rows.min(0).tolist(), "max": rows.max(0).tolist()}
        return self.add("accessors", bufferView=self.add("bufferViews", **view), **accessor)

    def data(self) -> bytes:
        """The file."""
        document = {**self.document, "buffers": [{"byteLength": len(self._binary)}]}
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), _JSON) + text
        chunks += struct.pack("<II", len(self._binary), _BINARY) + bytes(self._binary)
        return struct.pack("<III", _MAGIC, 2, 12 + len(chunks)) + chunks
