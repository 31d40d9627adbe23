"""Files that are there whole or not at all."""

import pytest

from body.atomic import atomic_file


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
