"""Jobs: in parallel, once, and again after anything went wrong."""

import os
import signal
import threading
import time

import cv2
import numpy as np
import pytest
from fake.assets import write_video
from fake.work import die, write_number, write_slowly

from datamodules.jobs import Job, run_jobs
from datamodules.readers.video import extract_frames


def number_jobs(folder, numbers):
    return [Job(f"number {n}", (folder / f"{n}.txt",), write_number, (folder / f"{n}.txt", n)) for n in numbers]


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_run_once_and_failures_are_named(tmp_path, workers):
    jobs = number_jobs(tmp_path, [1, 13, 2])
    first = run_jobs(jobs, workers)
    assert (first.done, first.skipped) == (2, 0)
    assert first.failed == {"number 13": f"{tmp_path}/13.txt: an unlucky number"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.txt", "2.txt"]
    (tmp_path / "2.txt").unlink()
    (tmp_path / "1.txt").write_text("kept")
    again = run_jobs(jobs, workers)
    assert (again.done, again.skipped, len(again.failed)) == (1, 1, 1)
    assert (tmp_path / "1.txt").read_text() == "kept"


def test_a_job_without_files_always_runs(tmp_path):
    job = Job("touch", (), (tmp_path / "there").touch)
    assert [run_jobs([job]).done for _ in range(2)] == [1, 1]


def test_ctrl_c_stops_the_work_and_leaves_no_half_file(tmp_path):
    slow, later = tmp_path / "slow.txt", number_jobs(tmp_path, [1, 2, 3, 4])
    jobs = [Job("slow", (slow,), write_slowly, (slow,)), *later]

    def interrupt():
        while not (tmp_path / "slow.txt.begun").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    killer, start = threading.Thread(target=interrupt), time.monotonic()
    killer.start()
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, 2)
    killer.join()
    assert time.monotonic() - start < 55
    assert not slow.exists()
    assert not list(tmp_path.glob(".*"))
    assert run_jobs(later, 1).failed == {}


def test_a_killed_worker_is_reported(tmp_path):
    failed = run_jobs([Job("a", (), die), Job("b", (), die)], 2).failed
    assert set(failed) == {"a", "b"}
    assert "was killed" in failed["a"]


@pytest.fixture
def video(tmp_path):
    frames = [np.full((48, 64, 3), (10 + 20 * n, 0, 255 - 20 * n), np.uint8) for n in range(8)]
    write_video(tmp_path / "v.avi", frames)
    return tmp_path / "v.avi", frames


def test_frames_are_those_that_were_asked_for(video, tmp_path):
    path, frames = video
    wanted = {n: tmp_path / "frames" / f"{n:03d}.png" for n in (0, 3, 7)}
    assert extract_frames(path, wanted) == 3
    for number, file in wanted.items():
        image = cv2.imread(str(file))[..., ::-1].astype(int)
        np.testing.assert_allclose(image, frames[number], atol=6)  # JPEG inside the video
    wanted[3].unlink()
    before = wanted[0].stat().st_mtime_ns
    assert extract_frames(path, wanted) == 1
    assert wanted[0].stat().st_mtime_ns == before


def test_a_short_or_broken_video_is_named(video, tmp_path):
    path, _ = video
    with pytest.raises(ValueError, match=r"v\.avi ends after 8 frames"):
        extract_frames(path, {8: tmp_path / "8.png"})
    content = path.read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[:100])
    with pytest.raises(ValueError, match=r"cut\.avi is no video"):
        extract_frames(tmp_path / "cut.avi", {0: tmp_path / "0.png"})
    with pytest.raises(FileNotFoundError, match="none"):
        extract_frames(tmp_path / "none.avi", {0: tmp_path / "0.png"})
    assert not list(tmp_path.glob("*.png"))
