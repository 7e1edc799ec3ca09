"""LUPerson-MLLM (Tan et al., Harnessing the Power of MLLMs, CVPR 2024): web persons that language models describe."""

from __future__ import annotations

import logging
import os
from collections import Counter
from typing import Any

from mmengine.logging import print_log

from mmt2ireid.datasets.annotations import Record, RecordFormat, load_json_dict, parse_captions
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.datasets.several_files import SeveralFilesDataset
from mmt2ireid.registry import DATASETS

# What is left of the templates that captions were asked to follow, such as '[hair description]' or '<color>'.
_LEFTOVERS = ('description]', '<')


@DATASETS.register_module()
class LUPersonMLLM(SeveralFilesDataset):
    """LUPerson-MLLM: four files of ``{path: caption}`` beside the folder ``LUPerson-MLLM`` of pictures.

    A picture and its captions have the name of the file in common; folders before it may differ. It has as many
    captions as files name it, in the order of the files. There are no identities: ``pid`` is -1. All pictures are used,
    whatever ``split`` says.

    Left out, counted and logged: captions without a picture, pictures without a caption, empty captions, and captions
    with left-over pieces of a template (the authors put another caption of the picture in their place).

    Args:
        keep_leftovers: use captions with pieces of a template too.
        **kwargs: see :class:`~mmt2ireid.datasets.several_files.SeveralFilesDataset`; some of the files do as well.
    """

    METAINFO = {'dataset': 'LUPerson-MLLM', 'image_source': 'LUPerson'}
    FORMAT = RecordFormat('LUPerson-MLLM', labelled=False)
    ANN_FILES = ('Ts-qwen.json', 'Td-qwen.json', 'Ts-shikra.json', 'Td-shikra.json')
    IMAGE_FOLDER = 'LUPerson-MLLM'

    def __init__(self, *, keep_leftovers: bool = False, **kwargs: Any) -> None:
        self.keep_leftovers = keep_leftovers
        super().__init__(**kwargs)

    def load_data_list(self) -> list[Record]:
        """The pictures that have captions, in the order in which the files name them."""
        captions: dict[str, list[str]] = {}
        counts: Counter[str] = Counter()
        files = self.find_ann_files()
        for file in files:
            self._read(file, captions, counts)
        pictures = self._find_pictures(counts)
        records = [Record(pictures[name], texts) for name, texts in captions.items() if texts and name in pictures]
        counts['names without a picture'] = len(captions.keys() - pictures.keys())
        counts['pictures without a caption'] = len(pictures) - len(records)
        if not records:
            raise FileNotFoundError(
                f'no picture that the captions name, such as {next(iter(captions))}, is below '
                f'{self.data_prefix["img_path"]}: put the pictures of LUPerson there, or set data_prefix'
            )
        left_out = ', '.join(f'{number} {what}' for what, number in counts.items() if number)
        print_log(
            f'{len(files)} files of LUPerson-MLLM: {len(records)} pictures with '
            f'{sum(len(record.captions) for record in records)} captions' + (left_out and f'; left out: {left_out}'),
            logger='current',
        )
        return records

    def _read(self, file: str, captions: dict[str, list[str]], counts: Counter[str]) -> None:
        """Adds the captions of one file to those of the pictures' names."""
        content = load_json_dict(file, "captions of LUPerson-MLLM, an object of a picture's path to its caption")
        seen: set[str] = set()
        num_shared = 0
        for path, caption in content.items():
            if not isinstance(caption, str):
                raise AnnotationError(f'{file}, record {path!r}: expected a caption, but got {caption!r}')
            name = os.path.basename(path.replace('\\', '/'))
            texts = captions.setdefault(name, [])
            num_shared += name in seen
            seen.add(name)
            if not caption.strip():
                counts['empty captions'] += 1
            elif not self.keep_leftovers and any(piece in caption for piece in _LEFTOVERS):
                counts['captions with pieces of a template'] += 1
            else:
                texts += parse_captions([caption], f'{file}, record {path!r}')
        if num_shared:
            print_log(
                f'{file}: {num_shared} records have the file name of an earlier one; their captions go to one picture',
                logger='current',
                level=logging.WARNING,
            )

    def _find_pictures(self, counts: Counter[str]) -> dict[str, str]:
        """Names of all pictures below the image folder -> their paths relative to it."""
        root = self.data_prefix['img_path']
        found: dict[str, str] = {}

        def stop(error: OSError) -> None:  # os.walk would pass over what it cannot list
            if not isinstance(error, FileNotFoundError):
                raise error

        for folder, folders, names in os.walk(root, onerror=stop, followlinks=True):
            folders.sort()
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if found.setdefault(name, path) != path:
                    counts['pictures with the name of another'] += 1
        return found
