"""Small files that would take long to decode are refused at once, and sound ones are read."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image

from mmt2ireid.io.image_files import BadImageError, ImageLimits
from mmt2ireid.io.images import read_image
from mmt2ireid.io.jpeg_scans import count_scans


def jpeg(size=(400, 300), **options):
    stream = io.BytesIO()
    Image.new('RGB', size, (120, 100, 90)).save(stream, 'JPEG', **options)
    return stream.getvalue()


def with_scans(content, more):
    """A progressive JPEG whose last scan is repeated."""
    start, end = content.rindex(b'\xff\xda'), content.rindex(b'\xff\xd9')
    return content[:end] + content[start:end] * more + content[end:]


def with_pages(count):
    """A TIFF with many pages that are all the first one."""
    stream = io.BytesIO()
    Image.new('L', (8, 8)).save(stream, 'TIFF')
    content = bytearray(stream.getvalue())
    (start,) = struct.unpack_from('<I', content, 4)
    end = start + 2 + 12 * struct.unpack_from('<H', content, start)[0]
    page = bytes(content[start:end])
    struct.pack_into('<I', content, end, end + 4)
    del content[end + 4 :]
    for number in range(count):
        content += page + struct.pack('<I', len(content) + len(page) + 4 if number < count - 1 else 0)
    return bytes(content)


def test_scans_are_counted():
    assert count_scans(jpeg(), 100) == 1
    usual = count_scans(jpeg(progressive=True), 100)
    assert 6 <= usual <= 12
    assert count_scans(with_scans(jpeg(progressive=True), 30), 100) == usual + 30
    assert count_scans(with_scans(jpeg(progressive=True), 30), 20) == 21, 'no further than asked for'
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, 'JPEG', restart_marker_blocks=3)
    assert count_scans(stream.getvalue(), 100) == 1
    for strange in (b'', b'\xff', b'\xff\xd8\xff\xda', b'\xff\xd8\xff\xfe\x00\x00' * 3, b'\xff' * 1000):
        assert count_scans(strange, 100) <= 1


def test_what_looks_like_a_scan_in_a_comment_or_behind_the_end_is_none():
    content = jpeg(comment=b'\xff\xda\x00\x02' * 500) + b'\xff\xda\x00\x02' * 500
    assert count_scans(content, 5000) == 1


def test_hundreds_of_scans_are_refused_before_they_are_decoded():
    content = with_scans(jpeg((3000, 3000), progressive=True, quality=30), 600)
    assert len(content) < 130_000
    start = time.process_time()
    with pytest.raises(BadImageError, match='in more than 111 scans, the most that are read at its size'):
        read_image(content)
    assert time.process_time() - start < 1
    assert read_image(jpeg((3000, 3000), progressive=True)).shape == (3000, 3000, 3)
    small = ImageLimits(max_scanned=400 * 300 * 12)
    assert read_image(jpeg(progressive=True), small).shape == (300, 400, 3)
    with pytest.raises(BadImageError, match='more than 12 scans'):
        read_image(with_scans(jpeg(progressive=True), 12), small)


def test_pages_of_a_tiff_are_not_counted():
    content = with_pages(10_000)
    start = time.process_time()
    assert read_image(content).shape == (8, 8, 3)
    assert time.process_time() - start < 1
