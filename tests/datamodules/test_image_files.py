"""Images as the world has them: damaged, oddly encoded, very wide; and what one of them does to a training."""

import io
import struct
import warnings

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from datamodules.base import MOST_DAMAGED, CropDataset, rest_root
from datamodules.crop import crop_image
from datamodules.images import UnreadableImageError
from datamodules.images import read_image as read_benchmark_image
from datamodules.settings import CropSettings
from zoo.errors import ZooError
from zoo.prediction.images import read_image

READERS = [read_image, read_benchmark_image]


def encoded(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture
def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_marker_has_every_pixel(tmp_path, noise, read, missing):
    data = encoded(noise, "JPEG")
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "cut.jpg").write_bytes(data[:-missing])
    np.testing.assert_array_equal(read(tmp_path / "cut.jpg"), read(tmp_path / "whole.jpg"))


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
def test_a_jpeg_that_lacks_pixels_is_refused(tmp_path, noise, read, kept):
    data = encoded(noise, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(data[: int(kept * len(data))])
    with pytest.raises((UnreadableImageError, ZooError), match=r"cut\.jpg"):
        read(tmp_path / "cut.jpg")


@pytest.mark.parametrize("read", READERS)
def test_a_png_with_large_texts_is_read(tmp_path, noise, read):
    info = PngInfo()
    info.add_text("parameters", "x" * 3_000_000, zip=True)
    (tmp_path / "a.png").write_bytes(encoded(noise, "PNG", pnginfo=info))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.asarray(noise))


@pytest.mark.parametrize("tag", [(0x011A, 2, 4, b"abc\0"), (0x0100, 8, 1, struct.pack("<hh", -6, 0)),
                                 (0xA005, 2, 4, b"abc\0")])  # fmt: skip
def test_only_the_orientation_of_exif_is_read(tmp_path, tag):
    entries = [(0x0112, 3, 1, struct.pack("<HH", 6, 0)), tag]
    packed = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + packed + struct.pack("<I", 0)
    data = encoded(Image.new("RGB", (64, 48), "gray"), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    assert read_image(tmp_path / "a.jpg").shape == (64, 48, 3)
    assert read_benchmark_image(tmp_path / "a.jpg").shape == (48, 64, 3)  # labels are of the stored pixels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_those_of_pillow(tmp_path, noise, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "a.png").write_bytes(encoded(noise, "PNG", exif=exif))
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_crop_of_a_panorama_is_that_of_its_part(axis):
    image = np.random.default_rng(1).integers(0, 256, (40, 40_000, 3), np.uint8)
    image = image if axis else image.swapaxes(0, 1)
    part = image[:, 36_000:36_400] if axis else image[36_000:36_400]
    linear, middle = np.array([[0.6, 0.1], [-0.1, 0.6]]), np.array([100.0, 10.0] if axis else [10.0, 100.0])
    start = np.array([36_000.0, 0.0] if axis else [0.0, 36_000.0])
    near, far = (np.c_[linear, 16 - linear @ centre] for centre in (middle, middle + start))
    wanted = cv2.warpAffine(np.ascontiguousarray(part), near, (32, 32), flags=cv2.INTER_LINEAR)
    assert np.abs(crop_image(image, far, 32).astype(int) - wanted).max() <= 2  # OpenCV counts in 1/32 pixels
    outside = np.array([[1.0, 0, 90_000.0], [0, 1.0, 90_000.0]])
    assert (crop_image(image, outside, 32) == 0).all()


class Source:
    """Samples of the open benchmark, some of whose images cannot be read."""

    def __init__(self, source, length, damaged):
        self.source, self.length, self.damaged = source, length, set(damaged)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index in self.damaged:
            raise UnreadableImageError(f"{index}.jpg is not a readable image")
        return self.source[index % len(self.source)]


def dataset(source, damaged, skip=True, length=300):
    from body.load import load_body

    rest = {"neutral": rest_root(load_body("open"))}
    return CropDataset(Source(source, length, damaged), CropSettings(size=32), None, rest, skip_damaged=skip)


def test_a_damaged_image_does_not_end_a_training(source):
    crops = dataset(source, [7, 8])
    with pytest.warns(UserWarning, match=r"left out of training \(1 so far\): 7.jpg is not a readable image"):
        row = crops[7]
    assert row["index"] == 9 % len(source)
    assert crops.damaged == {7, 8}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert crops[7]["index"] == row["index"]
    assert len(crops.damaged) == 2  # counted once each


def test_too_many_damaged_images_end_it(source):
    crops = dataset(source, range(100, 104))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(
            UnreadableImageError, match=rf"4 of 300 images cannot be read, more than {MOST_DAMAGED:.0%}"
        ):
            crops[100]
    with pytest.raises(UnreadableImageError, match=r"^5.jpg is not a readable image$"):
        dataset(source, [5], skip=False)[5]  # an evaluation never leaves anybody out
