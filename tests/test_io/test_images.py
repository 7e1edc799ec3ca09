"""Images of all kinds, and what only claims to be one: one reader, so one answer everywhere."""

from __future__ import annotations

import errno
import io
import os
import pickle
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmt2ireid.apis.search import read_picture
from mmt2ireid.datasets.transforms import LoadPersonImage
from mmt2ireid.io import images
from mmt2ireid.io.image_files import BadImageError, ImageLimits
from mmt2ireid.io.image_formats import FORMATS, HEAD_BYTES, sniff_format
from mmt2ireid.io.images import read_image
from mmt2ireid.pseudo_text.generation.loading import ImageDataset
from mmt2ireid.pseudo_text.sources.opening import open_source
from mmt2ireid.visualization.saved_features import open_picture


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


def by_opencv(content):
    """What training decoded before there was one reader."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def opaque_images():
    """Name and content of opaque JPEG, PNG and WebP files of all kinds."""
    image = Image.fromarray(cv2.resize(draw(16, 8), (61, 127)))
    wide = np.random.default_rng(0).integers(0, 2**16, (20, 10, 3), dtype=np.uint16)
    exif = Image.Exif()
    exif[0x0112] = 6
    for subsampling in (0, 1, 2):
        yield f'jpeg {subsampling}', encoded(image, 'JPEG', quality=85, subsampling=subsampling)
    yield 'progressive jpeg', encoded(image, 'JPEG', progressive=True)
    yield 'turned jpeg', encoded(image, 'JPEG', exif=exif)
    yield 'gray jpeg', encoded(image.convert('L'), 'JPEG')
    yield 'webp', encoded(image, 'WEBP', quality=80)
    for mode in ('RGB', 'L', 'P', '1'):
        yield f'png {mode}', encoded(image.convert(mode))
    yield 'turned png', encoded(image, exif=exif)
    yield 'png of 16 bits', cv2.imencode('.png', wide)[1].tobytes()
    yield 'gray png of 16 bits', cv2.imencode('.png', wide[..., 0])[1].tobytes()


@pytest.mark.parametrize(
    ('kind', 'content'), opaque_images(), ids=lambda value: value if isinstance(value, str) else ''
)
def test_opaque_images_are_what_training_has_always_read(kind, content, tmp_path):
    expected = by_opencv(content)
    found = LoadPersonImage()(dict(img_path='x', img_bytes=content))['img']
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous and found.flags.writeable
    np.testing.assert_array_equal(read_image(content), expected[..., ::-1])


@pytest.mark.parametrize(
    ('kind', 'content'), opaque_images(), ids=lambda value: value if isinstance(value, str) else ''
)
def test_both_decoders_give_the_same_pixels(kind, content, monkeypatch):
    """Which one reads an image is a matter of speed: galleries were filled through Pillow, weights by OpenCV."""
    found = read_image(content)
    monkeypatch.setattr(images, '_by_opencv', lambda image, content: None)
    np.testing.assert_array_equal(read_image(content), found)


@pytest.mark.parametrize('file_format', ['PNG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'PPM', 'JPEG2000'])
def test_lossless_images_come_back(file_format):
    array = draw()
    if file_format == 'GIF':
        array = np.repeat(array[..., :1], 3, axis=2)
    content = encoded(Image.fromarray(array), file_format, **({'lossless': True} if file_format == 'WEBP' else {}))
    found = read_image(content)
    assert found.dtype == np.uint8 and found.flags.writeable
    np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(read_image(content, channel_order='bgr'), array[..., ::-1])


@pytest.mark.parametrize('file_format', FORMATS)
def test_formats_are_told_by_the_content(file_format):
    content = encoded(Image.fromarray(draw()), file_format)
    assert sniff_format(content[:HEAD_BYTES]) == file_format
    assert read_image(content).shape == (24, 12, 3)


def test_what_is_no_image_has_no_format():
    for content in (b'', b'BM', b'P', b'BMW is a car', b'%!PS-Adobe', bytes(99), b'\0\0\0\x18ftypmp42'):
        assert sniff_format(content) == ''
    assert sniff_format(b'\0\0\0\x18ftypheic\0\0\0\0') == 'HEIC'


CUT_OUT = np.dstack([np.full((6, 4, 3), (200, 0, 0), np.uint8), np.zeros((6, 4), np.uint8)])


def test_a_transparent_png_is_white_for_all_that_read_images(tmp_path):
    """Training and captions saw [200 0 0] where searches saw white."""
    content = encoded(Image.fromarray(CUT_OUT))
    (tmp_path / 'crop.png').write_bytes(content)
    loaded = ImageDataset(open_source(tmp_path), np.asarray, keep_contents=False)[0]
    found = dict(
        training=LoadPersonImage()(dict(img_path=str(tmp_path / 'crop.png')))['img'],
        captioning=loaded.image,
        searching=read_picture(tmp_path / 'crop.png'),
        drawing=np.asarray(open_picture(tmp_path / 'crop.png')),
        pillow=read_image(Image.fromarray(CUT_OUT)),
    )
    for reader, pixels in found.items():
        assert (pixels == 255).all() and pixels.shape == (6, 4, 3), reader


def test_pillow_images_are_read_as_their_files_are():
    exif = Image.Exif()
    exif[0x0112] = 8
    for content in (encoded(Image.fromarray(draw()), exif=exif), encoded(Image.fromarray(CUT_OUT))):
        np.testing.assert_array_equal(read_image(Image.open(io.BytesIO(content))), read_image(content))
    with pytest.raises(BadImageError, match='the image has 12 x 24 pixels'):
        read_image(Image.fromarray(draw()), ImageLimits(max_pixels=287))


@pytest.mark.parametrize('default_image', [False, True])
def test_animated_png_in_training(default_image):
    frames = [Image.new('RGB', (8, 6), color) for color in ((255, 0, 0), (0, 255, 0))]
    content = encoded(frames[0], save_all=True, append_images=frames[1:], default_image=default_image)
    assert (read_image(content) == (255, 0, 0)).all()


def test_cmyk_jpeg_has_the_colours_of_the_rgb_one():
    colour = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    found = read_image(encoded(Image.fromarray(colour).convert('CMYK'), 'JPEG', quality=100))
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - colour).max() < 12


def test_transparent_places_are_white():
    array = np.dstack([draw(), np.zeros((24, 12), np.uint8)])
    array[:12, :, 3] = 255
    array[12, 0] = 0, 0, 0, 128
    found = read_image(encoded(Image.fromarray(array, 'RGBA')))
    np.testing.assert_array_equal(found[:12], array[:12, :, :3])
    assert (found[13:] == 255).all()
    assert np.abs(found[12, 0].astype(int) - 127).max() <= 1


def with_transparent_gray(values, transparent):
    """A PNG of 16-bit gray values, one of which is transparent."""
    content = cv2.imencode('.png', values)[1].tobytes()
    chunk = b'tRNS' + struct.pack('>H', transparent)
    place = content.index(b'IDAT') - 4
    return content[:place] + struct.pack('>I', 2) + chunk + struct.pack('>I', zlib.crc32(chunk)) + content[place:]


def test_transparency_of_palettes_and_grey():
    grey = Image.fromarray(np.dstack([draw(channels=1)[..., 0], np.zeros((24, 12), np.uint8)]), 'LA')
    assert (read_image(encoded(grey)) == 255).all()
    wide = np.dstack([np.full((4, 4), 300, np.uint16)] * 3)
    assert (read_image(with_transparent_gray(wide[..., 0], 300)) == 255).all()
    assert (read_image(with_transparent_gray(wide[..., 0], 301)) == 1).all()
    palette = Image.new('P', (4, 4), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((0, 0), 1)
    found = read_image(encoded(palette, 'PNG', transparency=0))
    assert found[0, 0].tolist() == [40, 50, 60] and found[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize('file_format', ['GIF', 'WEBP', 'PNG'])
def test_of_an_animation_the_first_frame(file_format):
    frames = [Image.new('RGB', (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = dict(lossless=True) if file_format == 'WEBP' else {}
    content = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=50, **options)
    assert getattr(Image.open(io.BytesIO(content)), 'n_frames', 1) == 3
    found = read_image(content)
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
    found = read_image(encoded(image, 'PNG', exif=exif))
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
    np.testing.assert_array_equal(read_image(content), draw())


def test_exif_behind_the_pixels_is_followed():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(Image.fromarray(draw()), exif=exif)
    start = content.index(b'eXIf') - 4
    end = start + 12 + struct.unpack_from('>I', content, start)[0]
    moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    np.testing.assert_array_equal(read_image(moved), np.rot90(draw(), -1))


def test_one_pixel():
    assert read_image(encoded(Image.new('RGB', (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'the image is empty'),
        (b'<!DOCTYPE html><html>Sign in</html>', 'is a web page or other text'),
        (b'\xef\xbb\xbf  <svg xmlns="http://www.w3.org/2000/svg"/>', 'is a web page or other text'),
        (b'%PDF-1.7 ...', 'is a PDF document'),
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', 'is no image that can be read'),
        (b'\0\0\0\x18ftypheic\0\0\0\0', 'is an image in the format HEIC'),
        (b'\0\0\0\x18ftypmp42\0\0\0\0', 'is a video'),
        (b'name,age\nx,3\n', 'is no image that can be read: JPEG, PNG'),
        (bytes(1000), 'is no image that can be read'),
    ],
)
def test_what_is_no_picture_is_told(content, reason):
    with pytest.raises(BadImageError, match=reason):
        read_image(content)


@pytest.mark.parametrize('file_format', ['PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF'])
@pytest.mark.parametrize('share', [0.3, 0.7, 0.95])
def test_truncated_pictures_are_refused(file_format, share):
    content = encoded(Image.fromarray(draw(80, 60)), file_format)
    with pytest.raises(BadImageError, match=r'damaged or cut short|no image'):
        read_image(content[: int(share * len(content))])


def test_damaged_bytes_are_an_answer_or_a_refusal():
    """Whatever is in the bytes: an array or a BadImageError."""
    random = np.random.default_rng(0)
    refused = 0
    for file_format in ('PNG', 'JPEG', 'WEBP', 'GIF', 'TIFF'):
        good = np.frombuffer(encoded(Image.fromarray(draw(40, 30)), file_format), np.uint8)
        for _ in range(40):
            bad = good.copy()
            places = random.integers(0, len(bad), 12)
            bad[places] = random.integers(0, 256, 12)
            try:
                assert read_image(bad.tobytes()).ndim == 3
            except BadImageError:
                refused += 1
    assert refused > 20


def test_huge_ones_are_refused_by_their_header():
    with pytest.raises(BadImageError, match=r'has 8000 x 7000 pixels; at most 50 million are read'):
        read_image(png_with_size(8000, 7000))
    with pytest.raises(BadImageError, match='has far more pixels'):
        read_image(png_with_size(60000, 60000))
    with pytest.raises(BadImageError, match='has 24 x 12 pixels'):
        read_image(encoded(Image.new('RGB', (24, 12))), ImageLimits(max_pixels=287))
    assert read_image(encoded(Image.new('RGB', (24, 12))), ImageLimits(max_pixels=288)).shape == (12, 24, 3)


@pytest.mark.parametrize('kind', ['path', 'bytes', 'file'])
def test_large_files_are_not_read(kind, tmp_path):
    content = encoded(Image.fromarray(draw()), 'BMP')
    path = tmp_path / 'crop.bmp'
    path.write_bytes(content)
    source = dict(path=path, bytes=content, file=io.BytesIO(content))[kind]
    with pytest.raises(BadImageError, match='is larger than'):
        read_image(source, ImageLimits(max_bytes=len(content) - 1))
    if kind == 'file':
        assert source.tell() == len(content)
    source = io.BytesIO(content) if kind == 'file' else source
    assert read_image(source, ImageLimits(max_bytes=len(content))).shape == (24, 12, 3)


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(BadImageError, match=r'^crop\.jpg is not there$'):
        read_image(tmp_path / 'crop.jpg')
    folder = tmp_path / 'folder.jpg'
    folder.mkdir()
    with pytest.raises(BadImageError, match=r'^folder\.jpg is a folder$'):
        read_image(str(folder))
    with pytest.raises(BadImageError, match='cannot be read'):
        read_image('a\0b.jpg')
    os.mkfifo(tmp_path / 'pipe.jpg')
    with pytest.raises(BadImageError, match='no ordinary file'):
        read_image(tmp_path / 'pipe.jpg')


def test_the_name_can_be_chosen_and_the_folder_is_not_told(tmp_path):
    path = tmp_path / 'upload.bin'
    path.write_bytes(b'')
    with pytest.raises(BadImageError) as caught:
        read_image(path, name='holiday.jpg')
    assert str(caught.value) == 'holiday.jpg is empty'
    assert (caught.value.name, caught.value.reason) == ('holiday.jpg', 'is empty')
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_errors_of_the_machine_are_not_the_images(monkeypatch, tmp_path):
    (tmp_path / 'crop.png').write_bytes(encoded(Image.fromarray(draw())))

    def fail(*args):
        raise OSError(errno.EMFILE, 'Too many open files')

    monkeypatch.setattr(os, 'open', fail)
    with pytest.raises(OSError, match='Too many open files') as caught:
        read_image(tmp_path / 'crop.png')
    assert not isinstance(caught.value, BadImageError)


@pytest.mark.parametrize('shape', [(201, 1), (1, 201)])
def test_thin_ones_are_refused(shape):
    with pytest.raises(BadImageError, match='thinner than 1 : 200'):
        read_image(encoded(Image.new('L', shape)))
    assert read_image(encoded(Image.new('L', shape)), ImageLimits(max_aspect=201)).shape[2] == 3


def test_wrong_arguments():
    with pytest.raises(ValueError, match='channel_order must be'):
        read_image(b'x', channel_order='gray')
    with pytest.raises(ValueError, match='must be positive'):
        ImageLimits(max_pixels=0)
    with pytest.raises(TypeError, match='source must be'):
        read_image(3)


def test_wide_values_without_a_known_brightness_are_refused():
    stream = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(stream, format='TIFF')
    with pytest.raises(BadImageError, match='more than 16 bits'):
        read_image(stream.getvalue())


def test_reading_needs_no_torch():
    """Exported models read images where torch is not installed."""
    heavy = "{'torch', 'mmcv', 'mmengine.runner'} & {*sys.modules}"
    code = f'import sys, mmt2ireid; before = {heavy}; import mmt2ireid.io.images; print(*({heavy} - before))'
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ''
