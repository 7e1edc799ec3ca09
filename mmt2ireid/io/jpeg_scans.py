"""Scans of a JPEG file: each goes over all pixels again, so that a small file can take very long to decode."""

from __future__ import annotations

import re

START_OF_SCAN = b'\xff\xda'
"""Marker of a scan; the same bytes may stand within other parts of a file."""

# A marker; in the coded data of a scan, 0xff is followed by zero or by the number of a restart.
_MARKER = re.compile(rb'\xff([^\x00\xd0-\xd7\xff])')
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _TEMPORARY = b'\xd8', b'\xd9', b'\xda', b'\x01'


def count_scans(content: bytes, most: int) -> int:
    """Count the scans of a JPEG file as its decoder finds them.

    Args:
        content: of the file.
        most: stop counting behind this number.
    """
    count, place = 0, 0
    while count <= most and (match := _MARKER.search(content, place)):
        if match[1] == _END_OF_IMAGE:
            break
        count += match[1] == _START_OF_SCAN
        place = match.end()
        if match[1] not in (_START_OF_IMAGE, _TEMPORARY):  # the others have a length, which counts its own two bytes
            place += max(2, int.from_bytes(content[place : place + 2], 'big'))
    return count
