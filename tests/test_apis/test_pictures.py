"""Pictures of all kinds, and what only claims to be one."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmt2ireid.apis.search import BadPictureError, PictureLimits, read_picture
from mmt2ireid.datasets.transforms import LoadPersonImage


def draw(height=24, width=12, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encoded(image, file_format='PNG', **options):
    stream = io.BytesIO()
    image.save(stream, format=file_format, **options)
    return stream.getvalue()


def png_with_size(width, height):
    """A PNG whose header promises a size and whose data is next to nothing."""

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'\0' * 64)) + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('file_format', ['PNG', 'BMP', 'TIFF', 'WEBP', 'GIF'])
def test_lossless_pictures_come_back(file_format):
    array = draw()
    if file_format == 'GIF':
        array = np.repeat(array[..., :1], 3, axis=2)
    content = encoded(Image.fromarray(array), file_format, **({'lossless': True} if file_format == 'WEBP' else {}))
    found = read_picture(content)
    assert found.dtype == np.uint8 and found.flags.writeable
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize('kind', ['rgb', 'grey', 'palette', 'bits', 'grey16', 'rgb16'])
def test_opaque_pngs_are_read_as_in_training(kind, tmp_path):
    """OpenCV reads crops in training and evaluation; features must not depend on who read them."""
    path = tmp_path / 'crop.png'
    if kind == 'grey16':
        cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 2**16, (20, 10), dtype=np.uint16))
    elif kind == 'rgb16':
        cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 2**16, (20, 10, 3), dtype=np.uint16))
    else:
        image = Image.fromarray(draw())
        modes = dict(rgb='RGB', grey='L', palette='P', bits='1')
        image.convert(modes[kind]).save(path)
    expected = LoadPersonImage().transform(dict(img_path=str(path)))['img'][..., ::-1]
    np.testing.assert_array_equal(read_picture(path), expected)


def test_jpegs_are_read_as_in_training_but_for_rounding(tmp_path):
    path = tmp_path / 'crop.jpg'
    cv2.imwrite(str(path), cv2.resize(draw(), (60, 120)))
    expected = LoadPersonImage().transform(dict(img_path=str(path)))['img'][..., ::-1]
    assert np.abs(read_picture(path).astype(int) - expected).max() <= 3


def test_cmyk_jpeg_has_the_colours_of_the_rgb_one():
    colour = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    found = read_picture(encoded(Image.fromarray(colour).convert('CMYK'), 'JPEG', quality=100))
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - colour).max() < 12


def test_transparent_places_are_white():
    array = np.dstack([draw(), np.zeros((24, 12), np.uint8)])
    array[:12, :, 3] = 255
    array[12, 0] = 0, 0, 0, 128
    found = read_picture(encoded(Image.fromarray(array, 'RGBA')))
    np.testing.assert_array_equal(found[:12], array[:12, :, :3])
    assert (found[13:] == 255).all()
    assert np.abs(found[12, 0].astype(int) - 127).max() <= 1


def test_transparency_of_palettes_and_grey():
    grey = Image.fromarray(np.dstack([draw(channels=1)[..., 0], np.zeros((24, 12), np.uint8)]), 'LA')
    assert (read_picture(encoded(grey)) == 255).all()
    palette = Image.new('P', (4, 4), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((0, 0), 1)
    found = read_picture(encoded(palette, 'PNG', transparency=0))
    assert found[0, 0].tolist() == [40, 50, 60] and found[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize('file_format', ['GIF', 'WEBP', 'PNG'])
def test_of_an_animation_the_first_frame(file_format):
    frames = [Image.new('RGB', (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = dict(lossless=True) if file_format == 'WEBP' else {}
    content = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=50, **options)
    assert getattr(Image.open(io.BytesIO(content)), 'n_frames', 1) == 3
    found = read_picture(content)
    assert found.shape == (6, 8, 3) and (found == (255, 0, 0)).all()


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'I;16'])
def test_exif_orientation_is_followed(orientation, mode):
    array = draw(6, 4)
    if mode == 'RGBA':
        image = Image.fromarray(np.dstack([array, np.full((6, 4), 255, np.uint8)]), 'RGBA')
    elif mode == 'I;16':
        array = np.repeat(array[..., :1], 3, axis=2)
        image = Image.fromarray(array[..., 0].astype(np.uint16) << 8)
    else:
        image = Image.fromarray(array)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_picture(encoded(image, 'PNG', exif=exif))
    turned = {
        1: array,
        2: array[:, ::-1],
        3: array[::-1, ::-1],
        4: array[::-1],
        5: array.transpose(1, 0, 2),
        6: np.rot90(array, -1),
        7: np.rot90(array, -1)[:, ::-1][::-1, ::-1],
        8: np.rot90(array),
    }
    np.testing.assert_array_equal(found, turned[orientation])


def test_a_damaged_exif_is_no_reason_to_refuse():
    content = encoded(Image.fromarray(draw()), 'PNG', exif=b'Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\1')
    np.testing.assert_array_equal(read_picture(content), draw())


def test_one_pixel():
    assert read_picture(encoded(Image.new('RGB', (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'the picture is empty'),
        (b'<!DOCTYPE html><html>Sign in</html>', 'is a web page or other text'),
        (b'\xef\xbb\xbf  <svg xmlns="http://www.w3.org/2000/svg"/>', 'is a web page or other text'),
        (b'%PDF-1.7 ...', 'is a PDF document'),
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', 'is no picture that can be read'),
        (b'\0\0\0\x18ftypheic\0\0\0\0', 'is a HEIC or AVIF picture'),
        (b'\0\0\0\x18ftypmp42\0\0\0\0', 'is a video'),
        (b'name,age\nx,3\n', 'is no picture that can be read: JPEG, PNG'),
        (bytes(1000), 'is no picture that can be read'),
    ],
)
def test_what_is_no_picture_is_told(content, reason):
    with pytest.raises(BadPictureError, match=reason):
        read_picture(content)


@pytest.mark.parametrize('file_format', ['PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF'])
@pytest.mark.parametrize('share', [0.3, 0.7, 0.95])
def test_truncated_pictures_are_refused(file_format, share):
    content = encoded(Image.fromarray(draw(80, 60)), file_format)
    with pytest.raises(BadPictureError, match=r'damaged or cut short|no picture'):
        read_picture(content[: int(share * len(content))])


def test_damaged_bytes_are_an_answer_or_a_refusal():
    """Whatever is in the bytes: an array or a BadPictureError."""
    random = np.random.default_rng(0)
    refused = 0
    for file_format in ('PNG', 'JPEG', 'WEBP', 'GIF', 'TIFF'):
        good = np.frombuffer(encoded(Image.fromarray(draw(40, 30)), file_format), np.uint8)
        for _ in range(40):
            bad = good.copy()
            places = random.integers(0, len(bad), 12)
            bad[places] = random.integers(0, 256, 12)
            try:
                assert read_picture(bad.tobytes()).ndim == 3
            except BadPictureError:
                refused += 1
    assert refused > 20


def test_huge_ones_are_refused_by_their_header():
    with pytest.raises(BadPictureError, match=r'has 8000 x 7000 pixels; at most 50 million are read'):
        read_picture(png_with_size(8000, 7000))
    with pytest.raises(BadPictureError, match='has far more pixels'):
        read_picture(png_with_size(60000, 60000))
    with pytest.raises(BadPictureError, match='has 24 x 12 pixels'):
        read_picture(encoded(Image.new('RGB', (24, 12))), PictureLimits(max_pixels=287))
    assert read_picture(encoded(Image.new('RGB', (24, 12))), PictureLimits(max_pixels=288)).shape == (12, 24, 3)


@pytest.mark.parametrize('kind', ['path', 'bytes', 'file'])
def test_large_files_are_not_read(kind, tmp_path):
    content = encoded(Image.fromarray(draw()), 'BMP')
    path = tmp_path / 'crop.bmp'
    path.write_bytes(content)
    source = dict(path=path, bytes=content, file=io.BytesIO(content))[kind]
    with pytest.raises(BadPictureError, match='is larger than'):
        read_picture(source, PictureLimits(max_bytes=len(content) - 1))
    if kind == 'file':
        assert source.tell() == len(content)
    source = io.BytesIO(content) if kind == 'file' else source
    assert read_picture(source, PictureLimits(max_bytes=len(content))).shape == (24, 12, 3)


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(BadPictureError, match=r'^crop\.jpg is not there$'):
        read_picture(tmp_path / 'crop.jpg')
    folder = tmp_path / 'folder.jpg'
    folder.mkdir()
    with pytest.raises(BadPictureError, match=r'^folder\.jpg is a folder$'):
        read_picture(str(folder))
    with pytest.raises(BadPictureError, match='cannot be opened'):
        read_picture('a\0b.jpg')
    os.mkfifo(tmp_path / 'pipe.jpg')
    with pytest.raises(BadPictureError, match='no ordinary file'):
        read_picture(tmp_path / 'pipe.jpg')


def test_the_name_can_be_chosen_and_the_folder_is_not_told(tmp_path):
    path = tmp_path / 'upload.bin'
    path.write_bytes(b'')
    with pytest.raises(BadPictureError) as caught:
        read_picture(path, name='holiday.jpg')
    assert str(caught.value) == 'holiday.jpg is empty'
    assert (caught.value.name, caught.value.reason) == ('holiday.jpg', 'is empty')
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='must be positive'):
        PictureLimits(max_pixels=0)
    with pytest.raises(TypeError, match='source must be'):
        read_picture(3)


def test_wide_values_without_a_known_brightness_are_refused():
    stream = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(stream, format='TIFF')
    with pytest.raises(BadPictureError, match='more than 16 bits'):
        read_picture(stream.getvalue())


def test_reading_needs_no_torch():
    """The page and exported models read pictures where torch is not installed."""
    source = (Path(__file__).parents[2] / 'mmt2ireid/apis/search/pictures.py').read_text()
    assert 'torch' not in source and 'cv2' not in source
