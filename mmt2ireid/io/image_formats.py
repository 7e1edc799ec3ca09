"""Image formats: which are read, and how a file of each begins."""

from __future__ import annotations

import re

FORMATS = ('JPEG', 'PNG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'PPM', 'JPEG2000')
"""Pillow's names of the formats that are read, whatever a file is called. For others, such as EPS, Pillow would run
another program on the file."""
SUFFIXES = frozenset(
    ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.gif', '.bmp', '.tif', '.tiff', '.ppm', '.pgm', '.pbm', '.jp2']
)
"""Endings, in lower case, by which files are taken for images without a look into them."""
HEAD_BYTES = 32
"""Bytes at the beginning of a file that identify its format."""

_READ = 'JPEG, PNG, WebP, GIF, BMP, TIFF, PPM and JPEG 2000 are'
_SIGNATURES = (
    (b'\xff\xd8\xff', 'JPEG'),
    (b'\x89PNG\r\n\x1a\n', 'PNG'),
    (b'GIF87a', 'GIF'),
    (b'GIF89a', 'GIF'),
    (b'II*\0', 'TIFF'),
    (b'MM\0*', 'TIFF'),
    (b'II+\0', 'TIFF'),
    (b'MM\0+', 'TIFF'),
    (b'\0\0\0\x0cjP  \r\n\x87\n', 'JPEG2000'),
    (b'\xff\x4f\xff\x51', 'JPEG2000'),
)
_PPM = re.compile(rb'P[1-6]\s+[\d#]')
_HEIC = (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1')
_AVIF = (b'avif', b'avis')
_UNREAD = ('HEIC', 'AVIF')
# Files that are taken for images now and then.
_OTHERS = (
    (b'%PDF', 'a PDF document'),
    (b'PK\x03\x04', 'an archive or office document'),
    (b'\x1aE\xdf\xa3', 'a video'),
)


def sniff_format(head: bytes) -> str:
    """Identify an image by how its file begins.

    Args:
        head: the first bytes of the file, :data:`HEAD_BYTES` or more.

    Returns:
        A name of :data:`FORMATS`; 'HEIC' or 'AVIF', which are images that are not read; '' for everything else.
    """
    found = next((name for mark, name in _SIGNATURES if head.startswith(mark)), '')
    if found:
        return found
    if head[:4] == b'RIFF' and head[8:12] == b'WEBP':
        return 'WEBP'
    if head[4:8] == b'ftyp':
        return 'HEIC' if head[8:12] in _HEIC else 'AVIF' if head[8:12] in _AVIF else ''
    if head[:2] == b'BM' and head[6:10] == bytes(4):  # the size of a BMP lies between, then four reserved bytes
        return 'BMP'
    return 'PPM' if _PPM.match(head) else ''


def why_no_image(content: bytes) -> str:
    """Describe content that is not read as an image.

    Args:
        content: of a file, or its first bytes.

    Returns:
        The reason, to be read behind the name of the file: 'is a web page or other text: ...'.
    """
    kind = sniff_format(content)
    if kind in _UNREAD:
        return f'is an image in the format {kind}, which is not read: save it as JPEG or PNG'
    start = content[:256].lstrip(b'\xef\xbb\xbf \t\r\n')
    found = next((what for mark, what in _OTHERS if content.startswith(mark)), '')
    if start.startswith(b'<'):
        found = 'a web page or other text'
    elif content[4:8] == b'ftyp':
        found = 'a video'
    return f'is {found}: {_READ} read' if found else f'is no image that can be read: {_READ} read'
