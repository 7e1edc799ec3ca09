"""IIITD-20K (Dense captioning for Text-Image ReID, arXiv 2305.04497): 20,000 persons, one picture each."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from mmt2ireid.datasets.annotations import SPLITS, Record, RecordFormat, load_json_dict, parse_captions
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.registry import DATASETS

_CAPTIONS = ('Description 1', 'Description 2')
_ENDING = '.jpeg'  # said of pictures that are not there


@DATASETS.register_module()
class IIITD20K(PersonTextDataset):
    """IIITD-20K: ``Filtered.json`` beside a folder ``IIITD-20K`` of pictures named by their ``Image ID``.

    The annotation is an object '0', '1', ... of ``{Image ID, Image URL, Description 1, Description 2}``. Every picture
    is an identity of its own, its number in the file. The pictures are ``.jpeg`` or ``.jpg``: whichever is there.

    Args:
        sizes: pictures of train, val and test, in the order of the file. The release has no splits, and None gives all
            pictures whatever ``split`` says.
        **kwargs: see :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    METAINFO = {'dataset': 'IIITD-20K', 'image_source': 'IIITD-20K'}
    FORMAT = RecordFormat('IIITD-20K', has_split=False)
    ANN_FILE = 'Filtered.json'
    IMAGE_FOLDER = 'IIITD-20K'

    def __init__(self, *, sizes: Sequence[int] | None = None, **kwargs: Any) -> None:
        if sizes is not None and (len(sizes) != len(SPLITS) or min(sizes) < 0):
            raise ValueError(f'sizes must be None or three numbers, of {SPLITS}, but got {sizes}')
        self.sizes = None if sizes is None else tuple(sizes)
        super().__init__(**kwargs)

    def load_data_list(self) -> list[Record]:
        """The records of the split, in the order of the file."""
        file = self.find_ann_file()
        content = load_json_dict(file, 'the annotations of IIITD-20K, an object of records')
        files = self._image_files()
        records = [_parse(raw, number, files, f'{file}, record {number!r}') for number, raw in content.items()]
        there = set(files.values())
        missing = [record.path for record in records if record.path not in there]
        if missing:
            print_log(
                f'{file}: {len(missing)} of {len(records)} records have no picture, such as {missing[0]}',
                logger='current',
                level=logging.WARNING,
            )
        return records if self.sizes is None else self._part(records, file)

    def _part(self, records: list[Record], file: str) -> list[Record]:
        assert self.sizes is not None
        if sum(self.sizes) != len(records):
            raise ValueError(f'sizes must add up to the {len(records)} records of {file}, but got {self.sizes}')
        number = SPLITS.index(self.split)
        start = sum(self.sizes[:number])
        chosen = records[start : start + self.sizes[number]]
        if not chosen:
            raise ValueError(f'sizes must leave something for split={self.split!r}, but got {self.sizes}')
        return chosen

    def _image_files(self) -> dict[str, str]:
        """Names without their endings -> file names of the image folder."""
        folder = self.data_prefix['img_path']
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return {os.path.splitext(name)[0]: name for name in names}


def _parse(raw: Any, number: str, files: dict[str, str], where: str) -> Record:
    if not isinstance(raw, dict):
        raise AnnotationError(f'{where}: expected an object of IIITD-20K, but got {type(raw).__name__}')
    if not number.isdecimal():
        raise AnnotationError(f"{where}: expected a number such as '0' as the key of a record")
    missing = [key for key in ('Image ID', *_CAPTIONS) if key not in raw]
    if missing:
        raise AnnotationError(f'{where}: expected the fields {missing} of IIITD-20K, but got only {sorted(raw)}')
    name = str(raw['Image ID'])
    if not name or os.path.basename(name) != name:
        raise AnnotationError(f"{where}, field 'Image ID': expected the name of a picture, but got {raw['Image ID']!r}")
    captions = [parse_captions([raw[key]], f'{where} ({name}), field {key!r}')[0] for key in _CAPTIONS]
    return Record(files.get(name, name + _ENDING), captions, int(number))
