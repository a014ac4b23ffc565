import io
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from twins import save_picture

from gapcam.data.decode import read_fast, read_rgb, read_size
from gapcam.errors import UserError


def _sixteen_bits(path: Path) -> None:
    grey = np.full((20, 30), 128 * 256, np.uint16)
    grey[:, 15:] = 255 * 256 + 255
    Image.fromarray(grey).save(path, format="PNG")


def _palette(path: Path) -> None:
    picture = Image.new("RGB", (30, 20), (128, 128, 128))
    picture.paste((255, 255, 255), (15, 0, 30, 20))
    picture.quantize(4).save(path, format="PNG", transparency=b"\x00\xff")


def _mode(mode: str, form: str) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        picture = Image.new("RGB", (30, 20), (128, 128, 128))
        picture.paste((255, 255, 255), (15, 0, 30, 20))
        picture.convert(mode).save(path, format=form)

    return save


def _rotated(path: Path) -> None:
    picture = Image.new("RGB", (30, 20), (128, 128, 128))
    picture.paste((255, 255, 255), (15, 0, 30, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter when shown
    picture.save(path, format="JPEG", exif=exif)


@pytest.mark.parametrize(
    ("save", "suffix"),
    [
        (_mode("RGB", "JPEG"), ".JPEG"),
        (_mode("L", "JPEG"), ".jpg"),
        (_mode("CMYK", "JPEG"), ".JPEG"),
        (_mode("RGB", "PNG"), ".JPEG"),  # ILSVRC has one
        (_mode("RGBA", "PNG"), ".png"),
        (_mode("LA", "PNG"), ".png"),
        (_mode("RGB", "GIF"), ".jpg"),  # MIT Indoor has some
        (_mode("RGB", "BMP"), ".bmp"),
        (_sixteen_bits, ".png"),
        (_palette, ".png"),
        (_rotated, ".jpg"),
    ],
)
def test_odd_pictures_become_rgb(tmp_path: Path, save: Callable[[Path], None], suffix: str) -> None:
    """All show grey on the left, white on the right; a rotation in EXIF is not applied."""
    path = tmp_path / f"bild ä{suffix}"
    save(path)
    exact = np.asarray(read_rgb(path)).astype(int)
    assert exact.shape == (20, 30, 3)
    assert read_size(path) == (20, 30)
    assert np.abs(exact[4:-4, 2:12] - 128).max() <= 4
    assert np.abs(exact[4:-4, 18:28] - 255).max() <= 4
    fast, size = read_fast(path, (20, 30))
    assert size == (20, 30)
    assert np.array_equal(fast, exact)


def test_numbers_that_are_no_grey_are_refused(tmp_path: Path) -> None:
    for name, pixels, message in (
        ("float.tif", np.full((4, 4), 0.8, np.float32), "floating point values"),
        ("wide.tif", np.full((4, 4), 70000, np.int32), "I values from 70000 to 70000 are no grey"),
    ):
        Image.fromarray(pixels).save(tmp_path / name)
        with pytest.raises(UserError, match=f"{name}: {message}"):
            read_rgb(tmp_path / name)
    Image.fromarray(np.full((4, 4), 200, np.int32)).save(tmp_path / "narrow.tif")
    assert read_rgb(tmp_path / "narrow.tif").getpixel((0, 0)) == (200, 200, 200)


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        ((60, 80), (60, 80)),  # as it is
        ((59, 79), (60, 80)),  # less than a half is not asked for
        ((30, 40), (30, 40)),
        ((30, 41), (60, 80)),
        ((1, 1), (8, 10)),  # an eighth at most
        (None, (60, 80)),
    ],
)
def test_large_jpegs_are_decoded_at_a_reduced_scale(
    tmp_path: Path, least: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    path = save_picture(tmp_path / "a.jpg", size=(60, 80))
    pixels, size = read_fast(path, least)
    assert size == (60, 80)
    assert pixels.shape[:2] == expected
    # The same picture: its mean hardly changes.
    assert abs(pixels.mean() - np.asarray(read_rgb(path)).mean()) < 3


@pytest.mark.parametrize("read", [read_rgb, lambda path: read_fast(path, (4, 4))])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a.jpg: the file is empty"),
        (b"not a picture", r"a.jpg: no picture that Pillow knows"),
        (b"\xff\xd8\xff\xe0 cut short", r"a.jpg: Truncated File Read"),
        (None, r"a.jpg: there is no such file"),
    ],
)
def test_unreadable_files_are_named(
    tmp_path: Path, read: Callable[[Path], object], content: bytes | None, message: str
) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(path)


@pytest.mark.parametrize("read", [read_rgb, lambda path: read_fast(path, (4, 4))])
def test_a_truncated_picture_is_not_padded_with_grey(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    path = save_picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(UserError, match=r"a.jpg: .*truncated"):
        read(path)


@pytest.mark.parametrize("read", [read_rgb, read_size, lambda path: read_fast(path, (4, 4))])
@pytest.mark.parametrize("side", [10_000, 32_000])
def test_a_picture_of_a_billion_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, read: Callable[[Path], object], side: int
) -> None:
    """The header alone says how large it is; there is nothing behind it."""
    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, format="PNG")
    header = bytearray(content.getvalue())
    header[16:24] = side.to_bytes(4, "big") * 2
    path = tmp_path / "bomb.png"
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    path.write_bytes(header)
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as a user has it
        with pytest.raises(UserError, match=r"bomb.png: .*decompression bomb.* Remove it"):
            read(path)
