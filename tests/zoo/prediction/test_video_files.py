"""Reading and writing of videos, against PyAV used directly."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import picture, square_at, turn_by_tag, write_clip

from zoo.errors import ZooError
from zoo.prediction.ahead import read_ahead
from zoo.prediction.video.reader import VideoReader
from zoo.prediction.video.source import VideoSource, camera_source, file_source
from zoo.prediction.video.writer import VideoWriter


def frames_of(path, **options):
    with VideoReader(file_source(path), **options) as reader:
        return list(reader), reader.problem


def test_frames_and_their_times(tmp_path):
    frames, problem = frames_of(write_clip(tmp_path / "a.mp4"))
    assert problem is None
    assert [frame.index for frame in frames] == list(range(10))
    assert [round(frame.time, 3) for frame in frames] == [k / 10 for k in range(10)]
    for frame in frames:
        assert np.abs(frame.pixels.astype(int) - picture(frame.index)).mean() < 6
    irregular = [0, 40, 50, 400, 420, 1000]
    frames, _ = frames_of(write_clip(tmp_path / "b.mkv", 6, times=irregular))
    assert [round(frame.time * 1000) for frame in frames] == irregular
    assert len(frames_of(tmp_path / "b.mkv", seconds=0.3)[0]) == 3


@pytest.mark.parametrize(("matrix", "turns"), [((0, 1, -1, 0), 3), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)])
def test_rotation_by_the_display_matrix(tmp_path, matrix, turns):
    """(0, 1, -1, 0) takes x to y and y to -x: a quarter clockwise, what a phone held upright writes."""
    path = write_clip(tmp_path / "a.mp4", 3)
    turn_by_tag(path, matrix)
    frames, _ = frames_of(path)
    expected = np.rot90(picture(1), turns)
    assert frames[1].pixels.shape == expected.shape
    assert np.abs(frames[1].pixels.astype(int) - expected).mean() < 6


def test_pixels_that_are_not_square(tmp_path):
    path = tmp_path / "wide.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), format="rgb24")))
        container.mux(stream.encode())
    frames, _ = frames_of(path)
    assert frames[0].pixels.shape == (48, 128, 3)


def test_what_can_be_read_of_a_truncated_video_is_kept(tmp_path):
    whole = write_clip(tmp_path / "a.mkv", 40, pictures=[noise(k) for k in range(40)])
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    frames, problem = frames_of(whole)
    assert 10 < len(frames) < 30
    assert "a.mkv" in problem
    with VideoWriter(tmp_path / "front.mp4", VideoReader(file_source(write_clip(tmp_path / "c.mp4", 40)))) as writer:
        for index in range(40):
            writer.write(noise(index), round(index / 10 / writer._reader.time_base))
    data = (tmp_path / "front.mp4").read_bytes()
    (tmp_path / "front.mp4").write_bytes(data[: len(data) // 2])
    frames, problem = frames_of(tmp_path / "front.mp4")
    assert 10 < len(frames) < 30
    assert f"{len(frames)} of 40 frames" in problem or "damaged" in problem


def noise(index):
    return np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)


def test_damaged_parts_are_left_out(tmp_path):
    path = write_clip(tmp_path / "a.avi", 30, codec="mpeg4", pictures=[noise(k) for k in range(30)])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    frames, _ = frames_of(path)
    assert len(frames) >= 15
    assert frames[-1].time > 2.5


def test_what_is_no_video_is_one_line(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        chunk = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        chunk.sample_rate = 8000
        container.mux(stream.encode(chunk))
    with pytest.raises(ZooError, match="is no video that can be read"):
        VideoReader(file_source(tmp_path / "text.mp4"))
    with pytest.raises(ZooError, match="has no images"):
        VideoReader(file_source(tmp_path / "sound.wav"))
    with pytest.raises(ZooError, match="no such file"):
        file_source(tmp_path / "none.mp4")
    with pytest.raises(ZooError, match="at least 16 x 16"):
        frames_of(write_clip(tmp_path / "tiny.mp4", 2, size=(64, 8), pictures=[picture(0)[:8]] * 2))
    with pytest.raises(ZooError, match="no camera 77"):
        camera_source(77)


def test_a_camera_counts_from_its_first_frame_and_can_be_stopped():
    """libavfilter's test picture instead of a device."""
    source = VideoSource("testsrc=size=64x48:rate=10,setpts=PTS+50/TB", "camera0", "lavfi")
    with VideoReader(source) as camera:
        frames = []
        for frame in camera:
            frames.append(frame)
            if len(frames) == 5:
                camera.stop()
    assert [round(frame.time, 3) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert source.is_live


@pytest.mark.parametrize(
    ("name", "sound", "kept"), [("a.mp4", "aac", "aac"), ("a.mkv", "pcm_s16le", "aac"), ("a.mkv", "", None)]
)
def test_written_videos(tmp_path, name, sound, kept):
    """Times, pictures and sound as an independent reader finds them; what browsers need; no half files."""
    times = [0, 100, 250, 260, 700, 800, 900, 1000, 1100, 1200]
    path = write_clip(tmp_path / name, 10, times=times, sound=sound)
    with VideoReader(file_source(path)) as reader, VideoWriter(tmp_path / "out.mp4", reader) as writer:
        for frame in reader:
            writer.write(frame.pixels, frame.pts)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "out.mp4")) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        decoded = list(container.decode(video))
        assert [round(float(frame.time) * 1000) for frame in decoded] == times
        for index, frame in enumerate(decoded):
            assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - picture(index)).mean() < 6
        assert [stream.codec_context.name for stream in container.streams.audio] == ([kept] if kept else [])
    if kept:
        got, given = packets(tmp_path / "out.mp4"), packets(path)
        assert got[1] == pytest.approx(1.0, abs=0.15)
        assert got[0] == given[0] or sound != kept  # copied, not encoded again


def packets(path):
    """All sound packets of a file as bytes, and the seconds that they last."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        found = [packet for packet in container.demux(stream) if packet.size]
        return [bytes(packet) for packet in found], float(sum(packet.duration for packet in found) * stream.time_base)


def test_odd_sizes_lose_a_row_and_a_column(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 2)
    with VideoReader(file_source(path)) as reader, VideoWriter(tmp_path / "out.mp4", reader) as writer:
        for frame in reader:
            writer.write(frame.pixels[:47, :61], frame.pts)
    frames, _ = frames_of(tmp_path / "out.mp4")
    assert frames[0].pixels.shape == (46, 60, 3)
    x, y = square_at(0)
    assert frames[0].pixels[y + 6, x + 6, 0] > 200


def test_reading_ahead_keeps_order_bounds_and_errors():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number
            if number == 50:
                raise ValueError("the end")

    ahead = read_ahead(items(), 3)
    assert [next(ahead) for _ in range(5)] == [0, 1, 2, 3, 4]
    ahead.close()
    assert len(made) <= 10
    with pytest.raises(ValueError, match="the end"):
        list(read_ahead(items(), 3))
    assert list(read_ahead(iter(range(20)), 2)) == list(range(20))
