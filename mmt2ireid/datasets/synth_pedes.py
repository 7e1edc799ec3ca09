"""SYNTH-PEDES (Zuo et al., PLIP, NeurIPS 2024): web persons with generated captions."""

from __future__ import annotations

from typing import Any

from mmt2ireid.datasets.ann_files import find_spelling
from mmt2ireid.datasets.annotations import (
    Record,
    RecordFormat,
    load_json_list,
    parse_captions,
    parse_record,
)
from mmt2ireid.datasets.joined_records import join_records
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class SYNTHPEDES(PersonTextDataset):
    """SYNTH-PEDES: ``synthpedes_dataset.json`` (or ``synthpedes-dataset.json``) beside the folders ``Part1`` ...

    Two or three captions per image. Identities are given, splits are not: all images are used, whatever ``split`` says.

    Args:
        prompt_captions: use ``prompt_caption``, composed of the attributes, as further captions.
        **kwargs: see :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    METAINFO = {'dataset': 'SYNTH-PEDES', 'image_source': 'SYNTH-PEDES'}
    FORMAT = RecordFormat('SYNTH-PEDES', has_split=False)
    ANN_FILE = 'synthpedes_dataset.json'

    def __init__(self, *, prompt_captions: bool = False, **kwargs: Any) -> None:
        self.prompt_captions = prompt_captions
        super().__init__(**kwargs)

    def find_ann_file(self) -> str:
        """The annotation file, spelt with a hyphen or an underscore."""
        return find_spelling(self.ann_file) or super().find_ann_file()

    def load_data_list(self) -> list[Record]:
        """The records of the file."""
        file = self.find_ann_file()
        content = load_json_list(file, 'the annotations of SYNTH-PEDES, a list of records')
        records = []
        for number, raw in enumerate(content):
            record = parse_record(raw, self.FORMAT, f'{file}, record {number}')
            if self.prompt_captions:
                where = f"{file}, record {number} ({record.path}), field 'prompt_caption'"
                record = record._replace(captions=record.captions + parse_captions(raw.get('prompt_caption'), where))
            records.append(record)
            content[number] = None  # five million records are large: what has been read is let go
        return join_records(file, records)[0]
