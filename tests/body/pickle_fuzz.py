"""Mutates a valid pickle and reads every mutation; run in a process of its own, with little memory.

`python pickle_fuzz.py FOLDER COUNT` prints how many were read and refused; anything else ends it with an error.
"""

import contextlib
import io
import json
import pickle
import random
import resource
import signal
import sys
import zipfile
from pathlib import Path

import numpy as np
from scipy import sparse

from body.safe_pickle import UnreadablePickle, read_object_array, read_pickle

GIGABYTE = 2**30
INTERESTING = [0, 1, 127, 128, 255, *b"(.0acdehijlopqrstu}]){Q\x80\x81\x82\x8a\x8b\x8d\x8e\x92\x93\x94\x95\x96\x97\x98"]


def valid():
    """Everything that data files hold, in all protocols."""
    rng = np.random.default_rng(0)
    matrix = sparse.random(6, 9, 0.4, random_state=0)
    objects = np.empty(2, object)
    objects[:] = [{"a": [1, 2.5]}, np.arange(3)]
    content = {
        "v_template": rng.normal(size=(5, 3)),
        "columns": np.asfortranarray(rng.normal(size=(4, 3))),
        "swapped": rng.normal(size=4).astype(">f8"),
        "f": rng.integers(0, 5, (4, 3)).astype(np.uint32),
        "csc": sparse.csc_matrix(matrix),
        "csr": sparse.csr_matrix(matrix),
        "coo": sparse.coo_matrix(matrix),
        "number": np.float64(0.25),
        "names": ["m", "f", b"bytes", None, True, 3, 2**80, 2.5],
        "nested": ({"a": [()]}, [[1], [2]]),
        "objects": objects,
    }
    return [pickle.dumps(content, protocol) for protocol in range(6)]


def mutated(content, other, rng):
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(len(made))
        kind = rng.randrange(6)
        if kind == 0:
            made[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            made[place] = rng.choice(INTERESTING)
        elif kind == 2:
            del made[place : place + rng.choice((1, 2, 4, 30))]
        elif kind == 3:
            made[place:place] = bytes(rng.choice(INTERESTING) for _ in range(rng.choice((1, 3, 8))))
        elif kind == 4:
            start = rng.randrange(len(other))
            made[place:place] = other[start : start + rng.choice((5, 40, 200))]
        else:
            made[place : place + 4] = rng.choice((b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80"))
        if not made:
            return b""
    return bytes(made)


def outcome(path):
    try:
        read_pickle(path)
    except UnreadablePickle as error:
        message = str(error)
    else:
        return "read"
    assert message.isprintable(), message
    return "refused" if "is refused" in message else "damaged"


def write_objects(archive, content):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.npy", head.getvalue() + content)


def main(folder, count):
    resource.setrlimit(resource.RLIMIT_AS, (2 * GIGABYTE, 2 * GIGABYTE))
    rng, contents = random.Random(0), valid()
    path, archive = folder / "a.pkl", folder / "a.npz"
    answers = {"read": 0, "damaged": 0, "refused": 0}
    for number in range(count):
        content = mutated(rng.choice(contents), rng.choice(contents), rng)
        path.write_bytes(content)
        signal.alarm(20)
        answer = outcome(path)
        answers[answer] += 1
        if number % 20 == 0:
            write_objects(archive, content)
            with contextlib.suppress(UnreadablePickle, ValueError):
                read_object_array(archive, "x")
        signal.alarm(0)
    for content in contents:  # nothing that the mutations asked for has changed anything
        path.write_bytes(content)
        assert read_pickle(path)["names"] == ["m", "f", b"bytes", None, True, 3, 2**80, 2.5]
        np.testing.assert_array_equal(read_pickle(path)["csr"], read_pickle(path)["csc"])
    print(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
