"""Captions said in other words, from a file."""

from __future__ import annotations

import os
from typing import Any

import torch
from mmcv.transforms import BaseTransform

from mmt2ireid.io.json_files import read_json
from mmt2ireid.registry import TRANSFORMS


@TRANSFORMS.register_module()
class OtherWordings(BaseTransform):
    """Puts another wording in the place of a caption, with probability ``prob``; comes before ``Tokenize``.

    TBPS-CLIP (AAAI 2024) takes captions that were translated to another language and back; its authors hand them out
    as a field of the annotation, beside the captions and in their order. An empty wording is none: the caption stays.
    Of a caption that comes more than once, the first wording counts. Draws from torch's global CPU generator.

    Args:
        file: JSON, a list of records with both fields.
        prob: above 0, at most 1.
        captions_key: field of the captions.
        wordings_key: field of the other wordings, as many.

    Raises:
        ValueError: an argument or the file does not fit; record and field are named.
        FileNotFoundError: there is no such file.
    """

    def __init__(
        self,
        file: str | os.PathLike,
        prob: float = 0.1,
        captions_key: str = 'captions',
        wordings_key: str = 'captions_bt',
    ) -> None:
        if not 0 < prob <= 1:
            raise ValueError(f'prob must be above 0 and at most 1, but got {prob}')
        self.file, self.prob = os.fspath(file), prob
        self.captions_key, self.wordings_key = captions_key, wordings_key
        self._wordings = self._read()

    def transform(self, results: dict) -> dict:
        """Exchanges captions of the item.

        Raises:
            ValueError: the file does not know a caption.
        """
        draws = torch.rand(len(results['captions'])).tolist()
        results['captions'] = [
            self._other(caption, results) if draw < self.prob else caption
            for caption, draw in zip(results['captions'], draws, strict=True)
        ]
        return results

    def _other(self, caption: str, results: dict) -> str:
        if caption not in self._wordings:
            raise ValueError(f'{results.get("img_path")}: {self.file} must hold its captions, but lacks {caption!r}')
        return self._wordings[caption] or caption

    def _read(self) -> dict[str, str]:
        records = read_json(self.file, 'a list of records')
        if not isinstance(records, list):
            raise ValueError(f'{self.file} must hold a list of records, but holds a {type(records).__name__}')
        found: dict[str, str] = {}
        for number, record in enumerate(records):
            captions, wordings = (self._texts(record, key, number) for key in (self.captions_key, self.wordings_key))
            if len(captions) != len(wordings):
                raise ValueError(
                    f'{self.file}, record {number}: {self.wordings_key} must be as many as {self.captions_key}, '
                    f'{len(captions)}, but are {len(wordings)}'
                )
            for caption, wording in zip(captions, wordings, strict=True):
                found[caption] = found.get(caption) or wording
        return found

    def _texts(self, record: Any, key: str, number: int) -> list[str]:
        texts = record.get(key) if isinstance(record, dict) else None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f'{self.file}, record {number}, field {key!r}: must be a list of texts, but got {texts!r}')
        return texts

    def __repr__(self) -> str:
        return f'{type(self).__name__}(file={self.file!r}, prob={self.prob})'
