"""`read_image`: every kind of file gives the right pixels or one line that says what is wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from zoo.errors import ZooError
from zoo.prediction.images import read_image


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:96, 100:228]


def save(image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


def test_rgb_file_array_and_pillow_image_agree(photo, tmp_path):
    path = save(Image.fromarray(photo), tmp_path / "a.png")
    for source in (path, str(path), photo, Image.fromarray(photo), photo / 255.0, photo.astype(np.uint16) * 257):
        np.testing.assert_array_equal(read_image(source), photo)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(photo, tmp_path, orientation):
    # what a camera held that way stores: the inverse of each operation of the EXIF standard, written with numpy
    stored = {
        1: photo,
        2: photo[:, ::-1],
        3: photo[::-1, ::-1],
        4: photo[::-1],
        5: photo.transpose(1, 0, 2),
        6: np.rot90(photo, 1),
        7: photo[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(photo, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(path), photo)


def test_greyscale_one_bit_palette_and_cmyk(photo, tmp_path):
    grey = photo[..., 1]
    np.testing.assert_array_equal(
        read_image(save(Image.fromarray(grey), tmp_path / "g.png")), np.repeat(grey[..., None], 3, 2)
    )
    bits = read_image(save(Image.fromarray(grey).convert("1"), tmp_path / "b.png"))
    assert set(np.unique(bits)) == {0, 255}
    palette = Image.fromarray(photo).convert("P", palette=Image.Palette.ADAPTIVE)
    np.testing.assert_array_equal(read_image(save(palette, tmp_path / "p.png")), np.asarray(palette.convert("RGB")))
    cmyk = read_image(save(Image.fromarray(photo).convert("CMYK"), tmp_path / "c.jpg", quality=95))
    assert np.abs(cmyk.astype(float) - photo).mean() < 6


def test_sixteen_bits_keep_the_high_byte(photo, tmp_path):
    grey = photo[..., 1].astype(np.uint16) * 257
    for name in ("a.png", "a.tiff"):
        out = read_image(save(Image.fromarray(grey), tmp_path / name))
        np.testing.assert_array_equal(out, np.repeat(photo[..., 1:2], 3, 2))


def test_transparency_becomes_white(photo, tmp_path):
    rgba = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    rgba[:40, :, 3] = 0
    rgba[40:60, :, 3] = 51  # a fifth
    out = read_image(save(Image.fromarray(rgba), tmp_path / "a.png"))
    assert (out[:40] == 255).all()
    np.testing.assert_allclose(out[40:60], 0.2 * photo[40:60] + 0.8 * 255, atol=1)
    np.testing.assert_array_equal(out[60:], photo[60:])
    np.testing.assert_allclose(read_image(rgba), out, atol=1)


def test_first_frame_of_an_animation(photo, tmp_path):
    frames = [Image.fromarray(photo), Image.fromarray(255 - photo)]
    path = save(frames[0], tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(read_image(path), photo)


def bad_files(folder: Path, photo) -> dict[str, tuple[Path, str]]:
    text = folder / "text.jpg"
    text.write_text("not a picture")
    whole = save(Image.fromarray(photo), folder / "whole.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    png = save(Image.fromarray(photo), folder / "whole.png").read_bytes()
    (folder / "half.png").write_bytes(png[: len(png) // 2])
    (folder / "empty.png").write_bytes(b"")
    pixel = save(Image.new("RGB", (1, 1)), folder / "pixel.png")
    return {
        "missing": (folder / "missing.jpg", "no such file"),
        "folder": (folder, "is a folder"),
        "text": (text, "not an image"),
        "truncated jpeg": (folder / "half.jpg", "damaged"),
        "truncated png": (folder / "half.png", "damaged"),
        "empty": (folder / "empty.png", "not an image"),
        "one pixel": (pixel, "1 x 1 pixels"),
    }


@pytest.mark.parametrize("case", ["missing", "folder", "text", "truncated jpeg", "truncated png", "empty", "one pixel"])
def test_bad_files_say_what_is_wrong_in_one_line(case, photo, tmp_path):
    path, expected = bad_files(tmp_path, photo)[case]
    with pytest.raises(ZooError, match=expected) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_bad_arrays(photo):
    for array in (photo.astype(np.int64), photo[None], photo[..., :2], photo.astype(float), np.zeros((0, 5, 3))):
        with pytest.raises(ZooError):
            read_image(array)


def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    path = save(Image.new("L", (300, 200)), tmp_path / "a.png")
    monkeypatch.setattr("zoo.prediction.images.MAX_PIXELS", 300 * 200 - 1)
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ZooError, match="too many"):
        read_image(path)
