"""The cache: same bytes for any number of workers, nothing left after an interruption, safe beside another process."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from datamodules.synthetic import cache, checksums
from datamodules.synthetic.cache import Split, cache_root, ensure
from datamodules.synthetic.cached_split import CachedSplit
from datamodules.synthetic.generator import Generator

TINY = Split("val", 3, 48, 0)


def test_worker_count_does_not_change_a_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_CHUNK", 4)
    split = Split("val", 6, 48, 0)  # two chunks
    one = ensure(split, tmp_path / "one", workers=1)
    two = ensure(split, tmp_path / "two", workers=2)
    assert one.name == two.name
    for name in ("images.bin", "surfaces.bin", "facts.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    first, second = CachedSplit(one), CachedSplit(two)
    for key, values in first.labels.items():
        np.testing.assert_array_equal(values, second.labels[key])


def test_cached_samples_are_the_generated_ones(tmp_path):
    stored = CachedSplit(ensure(TINY, tmp_path, workers=1))
    generator = Generator(48, 0)
    assert len(stored) == 3
    for index in range(3):
        sample = generator.make("val", index)
        np.testing.assert_array_equal(stored.surface(index), sample.iuv)
        assert np.abs(stored.image(index).astype(int) - sample.image).mean() < 3  # JPEG
        np.testing.assert_allclose(stored.labels["pose"][index], sample.pose, atol=1e-6)
        assert stored.actions[stored.labels["action"][index]] == sample.action


def test_second_call_reads_what_is_there(tmp_path, monkeypatch):
    folder = ensure(TINY, tmp_path, workers=1)
    monkeypatch.setattr(cache, "_write", lambda *_: pytest.fail("made again"))
    assert ensure(TINY, tmp_path, workers=1) == folder


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError("disk full")])
def test_interrupted_run_leaves_nothing(tmp_path, monkeypatch, interruption):
    record, made = cache._record, []

    def fail_on_third(*arguments):
        made.append(arguments)
        if len(made) == 3:
            raise interruption
        return record(*arguments)

    monkeypatch.setattr(cache, "_record", fail_on_third)
    with pytest.raises((KeyboardInterrupt, OSError)):
        ensure(TINY, tmp_path, workers=1)
    assert list((tmp_path / "synthetic").iterdir()) == []


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    final = TINY.folder(tmp_path)
    dead, own = (final.parent / f".{final.name}.{pid}.x" for pid in (finished.pid, os.getpid()))
    dead.mkdir(parents=True)
    own.mkdir()
    ensure(TINY, tmp_path, workers=1)
    assert not dead.exists()
    assert own.exists()  # a living process may still be writing there


def test_slower_of_two_processes_keeps_the_other_result(tmp_path, monkeypatch):
    final = TINY.folder(tmp_path)
    write = cache._write

    def overtaken(split, folder, workers):
        write(split, folder, workers)
        final.mkdir()
        (final / "images.bin").write_text("of the faster process")

    monkeypatch.setattr(cache, "_write", overtaken)
    assert ensure(TINY, tmp_path, workers=1) == final
    assert (final / "images.bin").read_text() == "of the faster process"
    assert [path.name for path in final.parent.iterdir()] == [final.name]


def test_damaged_cache_is_named(tmp_path):
    folder = ensure(TINY, tmp_path, workers=1)
    size = (folder / "images.bin").stat().st_size
    (folder / "images.bin").write_bytes(b"\0" * size)
    with pytest.raises(ValueError, match="is damaged; delete"):
        CachedSplit(folder).image(0)


def test_cache_root(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    assert cache_root("/elsewhere").as_posix() == "/elsewhere"
    monkeypatch.delenv("ZOO_CACHE")
    assert cache_root().parts[-2:] == (".cache", "human-mesh-zoo")


def _flip(folder):
    data = bytearray((folder / "images.bin").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "images.bin").write_bytes(data)


def _shift_labels(folder):
    with np.load(folder / "labels.npz") as stored:
        arrays = dict(stored)
    np.savez(folder / "labels.npz", **arrays | {"joints": arrays["joints"] + 0.1})


def _facts(**changes):
    def change(folder):
        path = folder / "facts.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


DAMAGE = {
    "bit": (_flip, "images.bin changed on disk"),
    "labels": (_shift_labels, "labels.npz changed on disk"),
    "cut": (lambda folder: (folder / "surfaces.bin").write_bytes(b""), "surfaces.bin changed on disk"),
    "gone": (lambda folder: (folder / "labels.npz").unlink(), "it cannot be read"),
    "no facts": (lambda folder: (folder / "facts.json").unlink(), "it cannot be read"),
    "half facts": (lambda folder: (folder / "facts.json").write_text("{"), "it cannot be read"),
    "list": (lambda folder: (folder / "facts.json").write_text("[]"), "it cannot be read"),
    "version": (_facts(version="open-v0"), "facts.json says another version"),
    "fingerprint": (_facts(fingerprint="0" * 64), "facts.json says another fingerprint"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_damaged_is_made_anew(tmp_path, monkeypatch, kind):
    damage, says = DAMAGE[kind]
    folder = ensure(TINY, tmp_path, workers=1)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    damage(folder)
    monkeypatch.setattr(checksums, "_intact", set())  # as a new process would
    with pytest.warns(UserWarning, match=f"made anew: {says}"):
        assert ensure(TINY, tmp_path, workers=1) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_killed_generator_process_is_an_error_and_no_hang(tmp_path):
    with pytest.raises(ChildProcessError, match="set fewer generator_workers"):
        ensure(Killed("val", 40, 48, 0), tmp_path, workers=2)
    assert list((tmp_path / "synthetic").iterdir()) == []


class Killed(Split):
    """Samples whose process is killed, as for want of memory."""

    def generator(self):
        os.kill(os.getpid(), signal.SIGKILL)
