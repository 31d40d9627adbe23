"""Files that are there whole or not at all."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from body.atomic import atomic_file, atomic_folder


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with atomic_file(target) as partial:
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("before")

    def stopped():
        with atomic_file(target) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_two_writers_do_not_mix(tmp_path):
    """Of one process and of one name, as two containers with a folder in common are."""
    target = tmp_path / "file.txt"

    def write(letter):
        for _ in range(20):
            with atomic_file(target) as partial, partial.open("w") as stream:
                for _ in range(100):
                    stream.write(letter)
                    stream.flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    assert target.read_text() in {letter * 100 for letter in "abcd"}
    assert list(tmp_path.iterdir()) == [target]


def test_devices_pipes_and_folders_are_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for target in (Path(os.devnull), tmp_path / "pipe", tmp_path):
        before = target.stat().st_mode
        with pytest.raises(OSError, match="no regular file"), atomic_file(target):
            pass
        assert target.stat().st_mode == before


def test_what_safetensors_writes_has_the_permissions_of_other_files(tmp_path):
    """It puts a file of its own in place of the one it is given, readable by its owner alone."""
    (tmp_path / "other").touch()
    with atomic_file(tmp_path / "weights") as partial:
        save_file({"a": torch.zeros(1)}, partial)
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_links_and_permissions_stay(tmp_path):
    (tmp_path / "there").write_text("old")
    (tmp_path / "there").chmod(0o640)
    (tmp_path / "link").symlink_to("there")
    with atomic_file(tmp_path / "link") as partial:
        partial.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new"
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o640


def test_a_folder_takes_its_place_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "folder"
    with atomic_folder(target) as partial:
        (partial / "a").write_text("whole")
        assert not target.exists()
    (tmp_path / "other").mkdir()
    assert target.stat().st_mode == (tmp_path / "other").stat().st_mode
    with pytest.raises(FileExistsError, match="nothing in it is replaced"), atomic_folder(target):
        pass
    assert (target / "a").read_text() == "whole"

    def stopped():
        with atomic_folder(tmp_path / "second") as partial:
            (partial / "a").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert sorted(tmp_path.iterdir()) == [tmp_path / "new", tmp_path / "other"]
