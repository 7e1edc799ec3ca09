"""Records of one image, joined: an image is one item, in however many records its captions are."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mmengine.logging import print_log

from mmt2ireid.datasets.annotations import Record
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.io.counts import counted


def join_records(file: str, records: Sequence[Record]) -> tuple[list[Record], list[int]]:
    """Join the records that name the same image in the same split, such as those of a file with a record per caption.

    The image is where its first record is, with the captions of all of them; one that it already has is left out. How
    many were joined is logged, and a warning where an image is in several splits, in which it remains.

    Args:
        file: the annotation, for messages.
        records: in the order of the file.

    Returns:
        One record per image and split, and the number of the first record of each.

    Raises:
        AnnotationError: records of one image have different identities.
    """
    places: dict[tuple[str, str], int] = {}
    joined: list[Record] = []
    numbers: list[int] = []
    again: list[str] = []
    num_repeated = 0
    for number, record in enumerate(records):
        place = places.setdefault((record.path, record.split), len(joined))
        if place == len(joined):
            joined.append(record)
            numbers.append(number)
            continue
        first = joined[place]
        if first.pid != record.pid:
            raise AnnotationError(
                f"{file}, record {number} ({record.path}), field 'id': expected {first.pid}, the identity of the same "
                f'image in record {numbers[place]}, but got {record.pid}'
            )
        again.append(record.path)
        new = [caption for caption in record.captions if caption not in first.captions]
        num_repeated += len(record.captions) - len(new)
        joined[place] = first._replace(captions=first.captions + new)
    if again:
        _log(file, again, num_repeated)
    num_shared = len(places) - len({path for path, _ in places})
    if num_shared:
        found = counted(num_shared, 'image is', 'images are')
        print_log(f'{file}: {found} in more than one split', logger='current', level=logging.WARNING)
    return joined, numbers


def _log(file: str, again: Sequence[str], num_repeated: int) -> None:
    found = counted(len(again), 'record names', 'records name')
    left_out = f', but for {counted(num_repeated, "caption")} that it already has' if num_repeated else ''
    print_log(
        f'{file}: {found} an image that an earlier record names too, such as {again[0]}; it is one image '
        f'with the captions of all{left_out}',
        logger='current',
        level=logging.WARNING,
    )
